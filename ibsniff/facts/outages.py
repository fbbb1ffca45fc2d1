"""When a server served nobody: what ended before, which attempts failed meanwhile, and when a session worked again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, auto
from typing import NamedTuple

from ibsniff.facts.ports import on_relay_port
from ibsniff.facts.timing import ENDS_TOGETHER_NS, end_of_wait_ns, is_within
from ibsniff.model import NANOSECONDS, Conversation, Endpoint, Outcome, Rung, Side

TIME_TO_RETURN_NS = 120 * NANOSECONDS
"""A program that reconnects with growing pauses, of a minute at most, is back after this time and has subscribed."""
RELAY_CONNECTS = 1.0
"""Seconds within which a relay finds that nothing listens behind it."""
SUBSCRIPTIONS = (
    "REQ_MKT_DATA",
    "REQ_MKT_DEPTH",
    "REQ_REAL_TIME_BARS",
    "REQ_TICK_BY_TICK_DATA",
    "REQ_ACCT_DATA",
    "REQ_ACCOUNT_SUMMARY",
    "REQ_ACCOUNT_UPDATES_MULTI",
    "REQ_PNL",
    "REQ_PNL_SINGLE",
    "REQ_POSITIONS",
)
"""Requests whose answers go on until the client cancels them or the session ends."""

FAILURES = frozenset(
    {Outcome.REFUSED, Outcome.UNREACHABLE, Outcome.SILENT, Outcome.CLOSED, Outcome.RESET, Outcome.CUT_OFF}
)
"""Attempts that failed at the server, or on the way to it. With them an outage may begin."""


class Outage(NamedTuple):
    """From the end of the last session, or the first failed attempt without one, until a session works again."""

    server: Endpoint
    began_ns: int
    ended: tuple[Conversation, ...]
    """Sessions that the server ended together at the beginning; empty when the outage began otherwise."""
    failed: tuple[Conversation, ...]
    """Attempts during the outage that became no session, in order of time."""
    back: Conversation | None
    """The first session that began afterwards; None if there is none until the end of the capture."""

    def failed_with(self, outcome: Outcome) -> list[Conversation]:
        """The failed attempts with this outcome."""
        return [one for one in self.failed if one.outcome is outcome]

    @property
    def back_ns(self) -> int | None:
        """When that session was ready."""
        ready = self.back.dialogue.ready if self.back is not None else None
        return ready.time_ns if ready is not None else None


def outages(conversations: Sequence[Conversation]) -> Iterator[Outage]:
    """The outages of one server, in order of time.

    A server that was never seen to serve anybody has none: whether it ever worked is not known. A session that the
    server ends while others go on is none either. A client that was never served may not be allowed, so its failures do
    not count, and neither do those of a client that sent no valid hello. Refusals do: a closed port is closed to all, and so is a
    relay that closes at once.
    """
    served = {one.connection.client.address for one in conversations if is_session(one)}
    if not served:
        return
    following = _Following(conversations[0].connection.server)
    for time_ns, kind, one in sorted(_events(conversations, served), key=lambda event: event[:2]):
        yield from following.take(time_ns, kind, one)
    yield from following.finish()


def is_session(conversation: Conversation) -> bool:
    """Tell whether it was ready, or was working when the capture began."""
    return conversation.rung is Rung.READY or conversation.outcome is Outcome.JOINED


def closed_by_relay(conversation: Conversation) -> bool:
    """Tell whether it was closed at once on a port where relays listen: the server behind the relay is not there."""
    accepted, ended = conversation.connection.syn_ack, conversation.connection.ended
    if conversation.outcome not in (Outcome.CLOSED, Outcome.RESET) or accepted is None or ended is None:
        return False
    return on_relay_port(conversation.connection) and is_within(accepted, ended.moment, RELAY_CONNECTS)


class _Kind(IntEnum):
    """What happens to a server; of several at one moment, in this order."""

    SERVER_ENDED = auto()
    CLIENT_ENDED = auto()
    FAILED = auto()
    WORKS = auto()


_Event = tuple[int, _Kind, Conversation]


def _events(conversations: Iterable[Conversation], served: set[bytes]) -> Iterator[_Event]:
    for one in conversations:
        ended = one.connection.ended
        if is_session(one):
            ready = one.dialogue.ready if one.outcome is not Outcome.JOINED else None
            yield (ready or one.connection.first).time_ns, _Kind.WORKS, one
            if ended is not None:
                by_server = ended.by is Side.SERVER
                yield ended.moment.time_ns, _Kind.SERVER_ENDED if by_server else _Kind.CLIENT_ENDED, one
        elif _counts_as_failed(one, served):
            yield one.connection.first.time_ns, _Kind.FAILED, one


def _counts_as_failed(one: Conversation, served: set[bytes]) -> bool:
    if one.outcome is Outcome.REFUSED:
        return not one.is_fine
    if closed_by_relay(one):
        return True
    hello = one.dialogue.hello
    if hello is not None and not hello.is_valid:
        return False  # its own bytes are the reason: nobody else would be answered less
    return one.outcome in (*FAILURES, Outcome.REPLIED) and one.connection.client.address in served


@dataclass(slots=True)
class _Following:
    """A server, followed through the events of a capture."""

    server: Endpoint
    sessions: dict[str, Conversation] = field(default_factory=dict)
    """Those that are open."""
    began_ns: int | None = None
    """Of the present outage; None while there is none."""
    ended: list[Conversation] = field(default_factory=list)
    failed: list[Conversation] = field(default_factory=list)

    def take(self, time_ns: int, kind: _Kind, one: Conversation) -> Iterator[Outage]:
        """Take the next event; give the outage that it ends."""
        if kind is _Kind.WORKS:
            self.sessions[one.id] = one
            if self.began_ns is not None and one.connection.first.time_ns >= self.began_ns:
                yield from self.finish(one)
            return
        if kind is _Kind.FAILED:
            self._fail(time_ns, one)
            return
        self.sessions.pop(one.id, None)
        if kind is _Kind.SERVER_ENDED:
            self._end(time_ns, one)

    def _end(self, time_ns: int, one: Conversation) -> None:
        if self.began_ns is None and not self._others_go_on(time_ns):
            self.began_ns = time_ns
        if self.began_ns is not None and time_ns - self.began_ns <= ENDS_TOGETHER_NS and not self.failed:
            self.ended.append(one)

    def _others_go_on(self, time_ns: int) -> bool:
        """Tell whether the server did not end all its sessions together."""
        return any(not _ended_by(one, time_ns + ENDS_TOGETHER_NS) for one in self.sessions.values())

    def _fail(self, time_ns: int, one: Conversation) -> None:
        if self.began_ns is None and one.outcome in FAILURES and not self._others_go_on(time_ns):
            self.began_ns = time_ns
        if self.began_ns is not None:
            self.failed.append(one)

    def finish(self, back: Conversation | None = None) -> Iterator[Outage]:
        """End the present outage."""
        if self.began_ns is not None:
            yield Outage(self.server, self.began_ns, tuple(self.ended), tuple(self.failed), back)
        self.began_ns, self.ended, self.failed = None, [], []


def _ended_by(one: Conversation, time_ns: int) -> bool:
    """Tell whether the server had ended it by then."""
    ended = one.connection.ended
    return ended is not None and ended.by is Side.SERVER and ended.moment.time_ns <= time_ns


def missing_clients(outage: Outage, conversations: Sequence[Conversation]) -> tuple[list[int], list[int]]:
    """The client ids that did not come back after the outage, and those that did not subscribe again.

    Only where a session worked again, and a client that was interrupted was given ``TIME_TO_RETURN`` for it.
    """
    gone, idle = list[int](), list[int]()
    if outage.back_ns is None:
        return gone, idle
    later = [one for one in conversations if one.rung is Rung.READY and one.connection.first.time_ns >= outage.began_ns]
    for before in outage.ended:
        client_id = _client_id(before)
        if client_id is None:
            continue
        again = next((one for one in later if _client_id(one) == client_id), None)
        if again is None:
            if before.watched_until_ns - outage.back_ns >= TIME_TO_RETURN_NS:
                gone.append(client_id)
        elif _subscriptions(before) and not _subscriptions(again) and _length_ns(again) >= TIME_TO_RETURN_NS:
            idle.append(client_id)
    return gone, idle


def _client_id(one: Conversation) -> int | None:
    return one.dialogue.start.client_id if one.dialogue.start is not None else None


def _subscriptions(one: Conversation) -> int:
    return sum(one.dialogue.messages[Side.CLIENT][name] for name in SUBSCRIPTIONS)


def _length_ns(session: Conversation) -> int:
    """How long a session could have been used in the capture."""
    assert session.dialogue.ready is not None
    return end_of_wait_ns(session) - session.dialogue.ready.time_ns
