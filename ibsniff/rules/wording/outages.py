"""An outage of a server in words: when it began, what failed meanwhile, and when a session worked again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ibsniff.facts.outages import Outage, missing_clients
from ibsniff.formatting import counted, date_and_time, duration, seconds
from ibsniff.ib import errors
from ibsniff.model import Conversation, How, Outcome

FAILED = {
    Outcome.REFUSED: "refused {}",
    Outcome.UNREACHABLE: "gave no answer at all to {}",
    Outcome.SILENT: "accepted {} and answered none of them",
    Outcome.CLOSED: "closed {} without an answer",
    Outcome.RESET: "reset {} without an answer",
    Outcome.CUT_OFF: "broke off its reply to {}",
    Outcome.REPLIED: "answered {} that became no session",
}
"""What the server did to some connection attempts."""


def outage_in_words(outage: Outage, conversations: Sequence[Conversation]) -> str:
    """One outage in a line; ``conversations`` are all those with the same server."""
    parts = [*_ended(outage), *_failed(outage)]
    if outage.back is None or outage.back_ns is None:
        parts.append("and was not seen to work again")
    else:
        after = duration(seconds(outage.back_ns - outage.began_ns))
        parts.append(f"and worked again at {date_and_time(outage.back_ns)} ({outage.back.id}), {after} later")
    return f"{date_and_time(outage.began_ns)}: {outage.server} {', '.join(parts)}.{_missing(outage, conversations)}"


def _ended(outage: Outage) -> Iterator[str]:
    if not outage.ended:
        return
    resets = sum(one.connection.ended is not None and one.connection.ended.how is How.RST for one in outage.ended)
    how = "reset" if resets == len(outage.ended) else "closed" if not resets else "ended"
    yield f"{how} {_sessions(outage.ended)}"


def _sessions(ended: Sequence[Conversation]) -> str:
    clients = [str(one.dialogue.start.client_id) for one in ended if one.dialogue.start is not None]
    of_client = f" of client {clients[0]}" if len(ended) == 1 and clients else ""
    return f"{counted(len(ended), 'session')}{of_client}"


def _failed(outage: Outage) -> Iterator[str]:
    attempts = Counter(one.outcome for one in outage.failed if not _client_id_in_use(one))
    for outcome, count in attempts.items():
        text = FAILED[outcome].format(counted(count, "connection attempt"))
        yield text + _within(outage.failed_with(outcome))
    if in_use := sum(map(_client_id_in_use, outage.failed)):
        times = "once" if in_use == 1 else f"{in_use:,} times"
        yield f"rejected a client id as still in use {times} (error {errors.CLIENT_ID_IN_USE})"


def _within(attempts: Sequence[Conversation]) -> str:
    """How long such attempts went on; empty for a single one."""
    length_ns = attempts[-1].connection.first.time_ns - attempts[0].connection.first.time_ns
    return f" within {duration(seconds(length_ns))}" if len(attempts) > 1 else ""


def _client_id_in_use(one: Conversation) -> bool:
    return one.outcome is Outcome.REPLIED and errors.CLIENT_ID_IN_USE in one.dialogue.errors


def _missing(outage: Outage, conversations: Sequence[Conversation]) -> str:
    """Which clients did not continue as before."""
    gone, idle = missing_clients(outage, conversations)
    texts = [f" Client {client_id} did not come back." for client_id in gone]
    return "".join([*texts, *(f" Client {client_id} did not make its subscriptions again." for client_id in idle)])
