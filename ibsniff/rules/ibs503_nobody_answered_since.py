"""Since one unusual connection, nobody has been answered.

Seen: a connection on which the client sent nothing or no valid hello, or which was answered; and after it several
clients whose valid hellos were not answered, over the loopback or from an address that was served before (other
addresses may wait for a click). It may have ended since: when a later session works, two minutes of it are needed.
Meaning: TWS or Gateway hangs since then (the "wedge", seen with 10.40 and 10.41): the kernel goes on accepting
connections for it. The address of the clients is not the reason, and neither are their bytes. Not reported within two
minutes after connections were refused or a session was ended, as TWS may be starting; nor for a server that closes
its side whenever a client does, as a program that hangs does not do that.
How sure: it is certain that everyone is unanswered since then. An address that was served before and is not served
now is strong evidence; that the unusual connection was the trigger is suspected, not proved. When nobody was served
in the capture, and it shows less than two minutes of this, TWS may also have been starting all the time.
Sources: gnzsnz/ib-gateway-docker 336, nautilus_trader 4796 (four times of four), ib_insync 386, robo_trader's notes.
What to do: restart TWS or Gateway; then stop the program that opens connections and sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import sent_no_hello
from ibsniff.facts.server_history import STARTING as STARTING_UP
from ibsniff.facts.server_history import is_starting, times_down
from ibsniff.facts.server_silence import latest_silent, silent_to_valid_hello
from ibsniff.facts.timing import closed_after_client
from ibsniff.formatting import counted, elapsed, seconds
from ibsniff.model import NANOSECONDS, Confidence, Conversation, Fault, Rung, Severity
from ibsniff.rules.registry import Statement, capture_rule, cited
from ibsniff.rules.wording.orders import AT_A_RESTART
from ibsniff.rules.wording.what_was_sent import sent_instead_of_hello

ENOUGH = 2
"""Unanswered conversations in a row: a single one may have a reason of its own."""
APART = 1.0
"""Seconds between them: two at once may be one connection, captured before and after its address was translated."""

WAIT_FIRST = (
    "If it was started just now, wait two minutes. If nobody is answered after that either, restart it: nothing else "
    "has been seen to help."
)
WHEN_IT_HANGS = f"Restart TWS or Gateway; nothing else has been seen to help. {AT_A_RESTART}"
IF_IT_HANGS_AGAIN = "If it hangs again, restart TWS or Gateway; nothing else has been seen to help."


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Iterator[Statement]:
    """The last conversations of a server are all unanswered."""
    for conversations in index.related.by_server:
        for first, end in _silent_runs(conversations):
            silent, before = conversations[first:end], conversations[:first]
            again = next((one for one in conversations[end:] if one.rung is Rung.READY), None)
            if again is not None and _lasted(silent) < STARTING_UP:
                continue
            odd = next((one for one in reversed(before) if sent_no_hello(one)), None)
            served = next((one for one in reversed(before) if one.rung is Rung.READY), None)
            if _attempts(silent) < ENOUGH or (odd is None and served is None) or _sent_data_since(before, silent[0]):
                continue
            if is_starting(times_down(before), silent[-1].connection.last):
                continue
            if any(
                one.connection.client.is_loopback or index.server_history.served_at_once_before(one)
                for one in latest_silent(silent)
            ):
                stopped = [
                    one for one in conversations[end:] if again and one.connection.first < again.connection.first
                ]
                yield _statement(silent, odd, served, again, stopped)
                break


def _lasted(silent: list[Conversation]) -> float:
    return seconds(silent[-1].connection.first.time_ns - silent[0].connection.first.time_ns)


def _attempts(silent: list[Conversation]) -> int:
    """How many attempts these are; those that began together count once."""
    times_ns = [one.connection.first.time_ns for one in silent]
    counted_ns = times_ns[:1]
    for time_ns in times_ns:
        if time_ns - counted_ns[-1] >= APART * NANOSECONDS:
            counted_ns.append(time_ns)
    return len(counted_ns)


def _may_be_starting(silent: list[Conversation], served: Conversation | None) -> bool:
    """Nothing shows that it worked before, and it had less time than a start may take."""
    last = silent[-1]
    until_ns = last.connection.ended.moment.time_ns if last.connection.ended else last.watched_until_ns
    return served is None and until_ns - silent[0].connection.first.time_ns < STARTING_UP * NANOSECONDS


def _sent_data_since(before: list[Conversation], first: Conversation) -> bool:
    """The server still sent data to another client: it does not hang."""
    began_ns = first.connection.first.time_ns
    sent = (one.connection.from_server.last_data for one in before)
    return any(moment is not None and moment.time_ns > began_ns for moment in sent)


def _silent_runs(conversations: list[Conversation]) -> Iterator[tuple[int, int]]:
    """From where to where all conversations are valid hellos without an answer: the latest run first."""
    end = len(conversations)
    while end:
        first = end
        while first and _hangs(conversations[first - 1]):
            first -= 1
        if first < end:
            yield first, end
        end = min(first, end - 1)


def _hangs(conversation: Conversation) -> bool:
    return silent_to_valid_hello(conversation) and not closed_after_client(conversation.connection)


def _statement(
    silent: list[Conversation],
    odd: Conversation | None,
    served: Conversation | None,
    again: Conversation | None,
    stopped: list[Conversation],
) -> Statement:
    """``stopped``: the failed attempts after the silence, when somebody restarted it, until ``again``."""
    first = silent[0]
    same_address = served is not None and any(
        one.connection.client.address == served.connection.client.address for one in silent
    )
    worked = f" {served.id}, from the same address, was served before." if served and same_address else ""
    came = f" Before them {odd.connection.client} ({odd.id}) connected and {sent_instead_of_hello(odd)}." if odd else ""
    starting = again is None and _may_be_starting(silent, served)
    state = "hangs, or is still starting" if starting else "hangs" if again is None else "hung"
    worked += (
        f" It served {again.id} again after {elapsed(first.connection.first, again.connection.first)}." if again else ""
    )
    return Statement(
        f"{first.connection.server} {state}: {counted(len(silent), 'client')} in a row, from {first.id} on, sent a "
        f"valid hello and got no answer.{worked}{came}",
        Fault.TWS_STATE,
        Confidence.MEDIUM,
        packets=(
            cited(odd, odd.connection.first) if odd else None,
            *(
                cited(one, one.dialogue.hello.began)
                for one in silent
                if one.dialogue.hello and one.dialogue.hello.pieces
            ),
        ),
        remedy=(WAIT_FIRST if starting else WHEN_IT_HANGS if again is None else IF_IT_HANGS_AGAIN)
        + (
            f" Then stop the program that connected from {odd.connection.client.ip} without a valid hello; that it is "
            "the reason is suspected, not proved."
            if odd
            else ""
        ),
        conversations=tuple(one.id for one in (silent[-1], *silent[:-1], odd, *stopped, again) if one is not None),
    )
