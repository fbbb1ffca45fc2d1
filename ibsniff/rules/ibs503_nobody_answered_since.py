"""Since one odd connection nobody has been answered.

Seen: a connection that said nothing, or something broken, or was answered; and after it several clients with good
hellos that were not, over the loopback or from an address that was served before: others may wait for a click.
Meaning: TWS or Gateway hangs since then (the "wedge", seen with 10.40 and 10.41): the kernel goes on accepting for it.
It is not the address of the clients, and not their bytes.
Not said within two minutes after calls were refused or a session was ended, as TWS may be starting; nor of a server
that closes its side whenever a client does, as a program that hangs does not.
How sure: that everyone is unanswered since then is certain. An address served before and not now is strong evidence;
that the odd connection was the trigger is suspected, not proved. When nobody was served in the capture, and it shows
less than two minutes of this, TWS may as well have been starting all the time.
Sources: gnzsnz/ib-gateway-docker 336, nautilus_trader 4796 (four times of four), ib_insync 386, robo_trader's notes.
What to do: restart TWS or Gateway; then stop what opens connections without speaking.
"""

from __future__ import annotations

from ibsniff.facts.client_hello import sent_no_hello
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.server_history import STARTING as STARTING_UP
from ibsniff.facts.server_history import is_starting, times_down
from ibsniff.facts.server_silence import closed_after_client, latest_silent, silent_to_valid_hello
from ibsniff.formatting import counted
from ibsniff.model import NANOSECONDS, Confidence, Conversation, Fault, Rung, Severity
from ibsniff.rules.registry import Statement, capture_rule
from ibsniff.rules.wording.what_was_sent import sent_instead_of_hello

ENOUGH = 2
"""Silent conversations in a row: one may be an accident of its own."""
APART = 1.0
"""Seconds between them: what comes at once may be one call, captured before and after its address was translated."""

WAIT_FIRST = (
    "If it was started just now, give it two minutes; if nobody is answered after that either, restart it: nothing else "
    "has been seen to help."
)


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Statement | None:
    """The end of a server's conversations is a row of silences."""
    for conversations in index.related.by_server:
        silent = _silent_tail(conversations)
        before = conversations[: len(conversations) - len(silent)]
        odd = next((one for one in reversed(before) if sent_no_hello(one)), None)
        served = next((one for one in reversed(before) if one.rung is Rung.READY), None)
        if _tries(silent) < ENOUGH or (odd is None and served is None) or _spoke_since(before, silent[0]):
            continue
        if is_starting(times_down(before), silent[-1].connection.last):
            continue
        if any(
            one.connection.client.is_loopback or index.server_history.served_at_once_before(one)
            for one in latest_silent(silent)
        ):
            return _statement(silent, odd, served)
    return None


def _tries(silent: list[Conversation]) -> int:
    """How many they are, those that began together counted once."""
    times_ns = [one.connection.first.time_ns for one in silent]
    counted_ns = times_ns[:1]
    for time_ns in times_ns:
        if time_ns - counted_ns[-1] >= APART * NANOSECONDS:
            counted_ns.append(time_ns)
    return len(counted_ns)


def _may_be_starting(silent: list[Conversation], served: Conversation | None) -> bool:
    """Nothing shows that it ever worked, and it had less time than a start may take."""
    last = silent[-1]
    until_ns = last.connection.ended.moment.time_ns if last.connection.ended else last.watched_until_ns
    return served is None and until_ns - silent[0].connection.first.time_ns < STARTING_UP * NANOSECONDS


def _spoke_since(before: list[Conversation], first: Conversation) -> bool:
    """The server still spoke to another one: it does not hang."""
    began_ns = first.connection.first.time_ns
    heard = (one.connection.from_server.last_data for one in before)
    return any(moment is not None and moment.time_ns > began_ns for moment in heard)


def _silent_tail(conversations: list[Conversation]) -> list[Conversation]:
    """The last ones, as far as they are all silent to a good hello."""
    tail: list[Conversation] = []
    for conversation in reversed(conversations):
        if not silent_to_valid_hello(conversation) or closed_after_client(conversation.connection):
            break
        tail.append(conversation)
    return tail[::-1]


def _statement(silent: list[Conversation], odd: Conversation | None, served: Conversation | None) -> Statement:
    first = silent[0]
    same_address = served is not None and any(
        one.connection.client.address == served.connection.client.address for one in silent
    )
    worked = f" {served.id} from the same address was served before." if served and same_address else ""
    came = f" First came {odd.connection.client} ({odd.id}), which {sent_instead_of_hello(odd)}." if odd else ""
    starting = _may_be_starting(silent, served)
    state = "hangs, or is still starting" if starting else "hangs"
    return Statement(
        f"{first.connection.server} {state}: {counted(len(silent), 'client')} in a row, from {first.id} on, got no answer "
        f"to a good hello.{worked}{came}",
        Fault.TWS_STATE,
        Confidence.MEDIUM,
        packets=(
            odd.connection.first.packet if odd else None,
            *(one.dialogue.hello.packets[0] for one in silent if one.dialogue.hello and one.dialogue.hello.packets),
        ),
        remedy=(WAIT_FIRST if starting else "Restart TWS or Gateway; nothing else has been seen to help.")
        + (
            f" Then stop what called from {odd.connection.client.ip} without a proper hello: that it is the reason is "
            "suspected, not proved."
            if odd
            else ""
        ),
        conversations=(silent[-1].id, *(one.id for one in silent[:-1]), *((odd.id,) if odd else ())),
    )
