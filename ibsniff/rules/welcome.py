"""Whom a server took in at other times of a capture: what thousands of failed conversations are each held against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeVar

from ibsniff.model import NANOSECONDS, Capture, Connection, Conversation, Endpoint, Moment, Outcome, Rung, Side
from ibsniff.rules.company import TOGETHER
from ibsniff.rules.spans import Row, Timeline

NOBODY_CLICKS = 1.0
"""Seconds within which an answer needed nobody's click."""

LET_STAND = 1.0
"""Seconds after which an empty connection was let in: TWS rejects an address within some 50 ms (field reports)."""

IPV4_BYTES = 4
END_OF_TIME_NS = 2**64
"""After every packet: pcapng counts no further."""

TOGETHER_NS = round(TOGETHER * NANOSECONDS)

Key = TypeVar("Key")


@lru_cache(maxsize=1)
def sessions(capture: Capture) -> dict[Endpoint, Row]:
    """By server and port, the conversations that became ready."""
    return _rows(_ready(capture), _server)


@lru_cache(maxsize=1)
def sessions_ended(capture: Capture) -> dict[Endpoint, Row]:
    """Of those, the ones that the server ended."""
    return _rows((one for one in _ready(capture) if _ended_by_server_ns(one) is not None), _server)


def served_at_another_address(conversation: Conversation, capture: Capture) -> Conversation | None:
    """A session on this machine, on the same port, whatever its address."""
    row = _on_this_machine(capture).get(conversation.connection.server.port)
    return None if row is None else row.first


def called_instead(attempt: Conversation, capture: Capture) -> Conversation | None:
    """A call of the same port over the other IP version that came during a failed one or right after it, and was not refused."""
    failed = attempt.connection
    began = _calls(capture).get((*_kind(failed), len(failed.server.address) == IPV4_BYTES))
    reported_ns = failed.unreachable.time_ns if failed.unreachable is not None else 0
    over_ns = max(failed.first.time_ns, reported_ns, *(moment.time_ns for moment in _last_signs(attempt)))
    place = began.least(failed.first.time_ns, over_ns + TOGETHER_NS) if began else None
    return None if place is None else capture.conversations[place]


def _last_signs(attempt: Conversation) -> list[Moment]:
    connection = attempt.connection
    return [*connection.syns[-1:], *connection.refusals[-1:], *attempt.arp_unanswered[-1:]]


def served_besides(conversation: Conversation, capture: Capture) -> Conversation | None:
    """A session on this machine's same port over the other IP version, begun when this conversation had begun."""
    connection = conversation.connection
    began = _began_here(capture).get((connection.server.port, len(connection.server.address) == IPV4_BYTES))
    place = began.least(connection.first.time_ns, END_OF_TIME_NS) if began and connection.same_host else None
    return None if place is None else capture.conversations[place]


def on_another_port(conversation: Conversation, capture: Capture) -> Conversation | None:
    """A session with the same machine, on another port."""
    connection = conversation.connection
    found = _two_ports(capture).get(_machine(connection), [])
    return next((one for one in found if one.connection.server.port != connection.server.port), None)


def left_unanswered_before(conversation: Conversation, capture: Capture) -> Conversation | None:
    """An earlier call of the same server that was accepted, and met with silence."""
    row = _unanswered(capture).get(conversation.connection.server)
    return None if row is None else row.first_before(conversation.connection.first.time_ns)


def gone_with(failed: Conversation, capture: Capture) -> Conversation | None:
    """A session that the same server ended at the moment this one, which never became any, was over: it was going down."""
    ended, endings = failed.connection.ended, _endings(capture).get(failed.connection.server)
    if ended is None or endings is None:
        return None
    place = endings.least(ended.moment.time_ns - TOGETHER_NS, ended.moment.time_ns + TOGETHER_NS)
    return None if place is None else capture.conversations[place]


def let_in_besides(failed: Conversation, capture: Capture) -> Conversation | None:
    """A conversation of the same two machines that TWS served, or left open though it said nothing."""
    row = _let_in(capture).get(_pair(failed.connection))
    return None if row is None else row.first


def served_before(conversation: Conversation, capture: Capture) -> Conversation | None:
    """An earlier session of the same two machines that nobody had to allow first: it was answered at once."""
    connection = conversation.connection
    row = _served_at_once(capture).get(_pair(connection))
    return None if row is None else row.first_before(connection.first.time_ns)


@lru_cache(maxsize=1)
def _on_this_machine(capture: Capture) -> dict[int, Row]:
    return _rows((one for one in _ready(capture) if one.connection.same_host), lambda one: one.connection.server.port)


@lru_cache(maxsize=1)
def _began_here(capture: Capture) -> dict[tuple[int, bool], Timeline]:
    """By port, and whether it is IPv6: when this machine's own sessions began, and their places in the capture."""
    marks: dict[tuple[int, bool], list[tuple[int, int]]] = defaultdict(list)
    for place, one in enumerate(capture.conversations):
        server = one.connection.server
        if one.rung is Rung.READY and one.connection.same_host:
            marks[server.port, len(server.address) != IPV4_BYTES].append((one.connection.first.time_ns, place))
    return {kind: Timeline(those) for kind, those in marks.items()}


@lru_cache(maxsize=1)
def _calls(capture: Capture) -> dict[tuple[int, bool, bool], Timeline]:
    """By kind, and whether it is IPv6: when calls came that were not refused, and their places in the capture."""
    marks: dict[tuple[int, bool, bool], list[tuple[int, int]]] = defaultdict(list)
    for place, one in enumerate(capture.conversations):
        if one.outcome is not Outcome.REFUSED:
            version6 = len(one.connection.server.address) != IPV4_BYTES
            marks[*_kind(one.connection), version6].append((one.connection.first.time_ns, place))
    return {kind: Timeline(those) for kind, those in marks.items()}


def _kind(connection: Connection) -> tuple[int, bool]:
    return connection.server.port, connection.same_host


@lru_cache(maxsize=1)
def _two_ports(capture: Capture) -> dict[bytes, list[Conversation]]:
    """By machine, the first sessions on each of two ports: one of them is another than any given one."""
    found: dict[bytes, list[Conversation]] = defaultdict(list)
    for one in _ready(capture):
        those = found[_machine(one.connection)]
        if len(those) < 2 and all(one.connection.server.port != other.connection.server.port for other in those):
            those.append(one)
    return found


def _machine(connection: Connection) -> bytes:
    return b"" if connection.same_host else connection.server.address


@lru_cache(maxsize=1)
def _unanswered(capture: Capture) -> dict[Endpoint, Row]:
    silent = (one for one in capture.conversations if one.outcome is Outcome.SILENT)
    return _rows((one for one in silent if one.connection.syn_ack is not None), _server)


@lru_cache(maxsize=1)
def _endings(capture: Capture) -> dict[Endpoint, Timeline]:
    """By server and port, when it ended sessions, and the places of these in the capture."""
    marks: dict[Endpoint, list[tuple[int, int]]] = defaultdict(list)
    for place, one in enumerate(capture.conversations):
        ended_ns = _ended_by_server_ns(one)
        if one.rung is Rung.READY and ended_ns is not None:
            marks[one.connection.server].append((ended_ns, place))
    return {server: Timeline(those) for server, those in marks.items()}


@lru_cache(maxsize=1)
def _let_in(capture: Capture) -> dict[tuple[bytes, Endpoint], Row]:
    return _rows((one for one in capture.conversations if one.rung is Rung.READY or _left_open(one)), _machines)


@lru_cache(maxsize=1)
def _served_at_once(capture: Capture) -> dict[tuple[bytes, Endpoint], Row]:
    return _rows(filter(_answered_at_once, _ready(capture)), _machines)


def _ready(capture: Capture) -> Iterable[Conversation]:
    return (one for one in capture.conversations if one.rung is Rung.READY)


def _rows(conversations: Iterable[Conversation], key: Callable[[Conversation], Key]) -> dict[Key, Row]:
    groups: dict[Key, list[Conversation]] = defaultdict(list)
    for one in conversations:
        groups[key(one)].append(one)
    return {name: Row(group) for name, group in groups.items()}


def _server(conversation: Conversation) -> Endpoint:
    return conversation.connection.server


def _machines(conversation: Conversation) -> tuple[bytes, Endpoint]:
    return _pair(conversation.connection)


def _pair(connection: Connection) -> tuple[bytes, Endpoint]:
    return connection.client.address, connection.server


def _ended_by_server_ns(conversation: Conversation) -> int | None:
    ended = conversation.connection.ended
    return ended.moment.time_ns if ended is not None and ended.by is Side.SERVER else None


def _answered_at_once(conversation: Conversation) -> bool:
    hello, reply = conversation.dialogue.hello, conversation.dialogue.reply
    if hello is None or reply is None:
        return False
    return (reply.began.time_ns - hello.complete.time_ns) / NANOSECONDS < NOBODY_CLICKS


def _left_open(conversation: Conversation) -> bool:
    """An empty connection the server let stand until the client ended it."""
    ended, accepted = conversation.connection.ended, conversation.connection.established
    if conversation.outcome is not Outcome.NOT_ASKED or accepted is None:
        return False
    until_ns = ended.moment.time_ns if ended is not None else conversation.watched_until_ns
    return (until_ns - accepted.time_ns) / NANOSECONDS >= LET_STAND
