"""What a server did at other times of a capture; thousands of failed conversations may each be compared with it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TypeVar

from ibsniff.facts.intervals import CaptureOrder, Interval, Timeline, first_that_covers
from ibsniff.facts.timing import ENDS_TOGETHER_NS, clock_stepped_back, end_of_wait_ns, is_within
from ibsniff.ib import errors
from ibsniff.model import NANOSECONDS, Connection, Conversation, Endpoint, Moment, Outcome, Rung, Side, WireBytes

NO_CLICK_NEEDED = 1.0
"""Seconds within which an answer came without anybody's click in a dialog."""

LEFT_OPEN = 1.0
"""Seconds after which an empty connection counts as allowed: TWS rejects one within about 50 ms (field reports)."""

STARTING = 120.0
"""Seconds for which a TWS may still be starting after its port opens: 5 to 90 were reported (rust-ibapi 761)."""

SHUTS_DOWN_NS = 10 * NANOSECONDS
"""A server that is going down may need so long to end all its sessions: what it sent meanwhile shows nothing."""

IPV4_BYTES = 4
END_OF_TIME_NS = 2**64
"""Later than every packet: pcapng has no later time."""

Key = TypeVar("Key")


class ServerHistory:
    """What the servers of one capture did; each table is made when it is first needed."""

    def __init__(self, conversations: Sequence[Conversation]) -> None:
        self._conversations = conversations

    # -- sessions with the same server ---------------------------------------------------------------------------

    def session(self, server: Endpoint) -> Conversation | None:
        """The first session with this server."""
        found = self._sessions.get(server)
        return None if found is None else found.first

    def session_before(self, conversation: Conversation) -> Conversation | None:
        """An earlier session with the same server."""
        return _first_before(self._sessions.get(conversation.connection.server), conversation)

    def ended_session_before(self, conversation: Conversation) -> Conversation | None:
        """An earlier session with the same server, which that server ended."""
        return _first_before(self._sessions_ended.get(conversation.connection.server), conversation)

    def session_ended_with(self, failed: Conversation) -> Conversation | None:
        """A session that the same server ended at the moment this failed connection ended: it was shutting down."""
        ended, endings = failed.connection.ended, self._endings.get(failed.connection.server)
        if ended is None or endings is None:
            return None
        place = endings.least(ended.moment.time_ns - ENDS_TOGETHER_NS, ended.moment.time_ns + ENDS_TOGETHER_NS)
        return None if place is None else self._conversations[place]

    def served_meanwhile(self, ended: Conversation) -> Conversation | None:
        """Another connection that was open when the same server ended this one, and on which it went on sending data."""
        moment = ended.connection.ended.moment if ended.connection.ended is not None else None
        place = self._served_since.get((ended.connection.server, moment.time_ns)) if moment is not None else None
        return None if place is None else self._conversations[place]

    def start_api_accepted(self, conversation: Conversation) -> bool:
        """Tell whether the same bytes of START_API, for the same version, started a session with the same server."""
        return _start_api(conversation) in self._start_apis

    # -- sessions of the same two machines -----------------------------------------------------------------------

    def other_not_rejected(self, failed: Conversation) -> Conversation | None:
        """A conversation of the same two machines that TWS served, or left open although nothing was sent."""
        found = self._allowed.get(_pair(failed.connection))
        return None if found is None else found.first

    def served_at_once_before(self, conversation: Conversation) -> Conversation | None:
        """An earlier session of the same two machines that was answered at once: nobody had to allow it first."""
        return _first_before(self._served_at_once.get(_pair(conversation.connection)), conversation)

    # -- the same machine at other addresses and ports -----------------------------------------------------------

    def session_at_another_address(self, conversation: Conversation) -> Conversation | None:
        """A session on this machine, on the same port, whatever its address."""
        found = self._sessions_on_this_machine.get(conversation.connection.server.port)
        return None if found is None else found.first

    def session_over_other_ip_version(self, conversation: Conversation) -> Conversation | None:
        """A session on this machine's same port over the other IP version, begun after this conversation."""
        connection = conversation.connection
        began = self._local_sessions_began.get((connection.server.port, len(connection.server.address) == IPV4_BYTES))
        place = began.least(connection.first.time_ns, END_OF_TIME_NS) if began and connection.same_host else None
        return None if place is None else self._conversations[place]

    def session_on_another_port(self, conversation: Conversation) -> Conversation | None:
        """A session with the same machine, on another port."""
        connection = conversation.connection
        found = self._on_two_ports.get(_machine(connection), [])
        return next((one for one in found if one.connection.server.port != connection.server.port), None)

    def told_of_port_change(self, conversation: Conversation) -> Conversation | None:
        """The last session on this port, at any address, in which TWS reported that its API port was changed."""
        return self._port_changes.get(conversation.connection.server.port)

    # -- what was not answered -----------------------------------------------------------------------------------

    def silent_before(self, conversation: Conversation) -> Conversation | None:
        """An earlier connection to the same server that was accepted and not answered."""
        return _first_before(self._silent.get(conversation.connection.server), conversation)

    def nobody_came_back(self, ended: Conversation) -> float | None:
        """Seconds from the end of this connection to the end of the capture, if its client and its server had no other since.

        Those that ended together with it do not count.
        """
        moment, connection = ended.connection.ended, ended.connection
        if moment is None or clock_stepped_back(connection.first, moment.moment):
            return None
        together_ns = moment.moment.time_ns + ENDS_TOGETHER_NS
        for address in (connection.client.address, connection.server.address):
            began, last = self._latest[address]
            if began > moment.moment.packet or any(time_ns > together_ns for time_ns, name in last if name != ended.id):
                return None
        return (ended.watched_until_ns - moment.moment.time_ns) / NANOSECONDS

    def silent_after(self, session: Conversation) -> Conversation | None:
        """The last connection of the same two machines, begun after the last byte of this session, that was not answered.

        None if the server answered one that began later still.
        """
        found, heard = self._silent.get(session.connection.server), session.connection.from_server.last_data
        last = found.last if found is not None else None
        if last is None or heard is None or _pair(last.connection) != _pair(session.connection):
            return None
        served = self._sessions.get(session.connection.server)
        began_ns = last.connection.first.time_ns
        answered_since = served is not None and served.last.connection.first.time_ns > began_ns
        is_valid = last.dialogue.hello is not None and last.dialogue.hello.is_valid
        return last if is_valid and began_ns > heard.time_ns and not answered_since else None

    # -- the tables ----------------------------------------------------------------------------------------------

    @cached_property
    def _ready(self) -> list[Conversation]:
        return [one for one in self._conversations if one.rung is Rung.READY]

    @cached_property
    def _sessions(self) -> dict[Endpoint, CaptureOrder]:
        return _in_order(self._ready, _server)

    @cached_property
    def _sessions_ended(self) -> dict[Endpoint, CaptureOrder]:
        return _in_order((one for one in self._ready if _ended_by_server_ns(one) is not None), _server)

    @cached_property
    def _endings(self) -> dict[Endpoint, Timeline]:
        """By server, when it ended sessions, and the places of these in the capture."""
        marks: dict[Endpoint, list[tuple[int, int]]] = defaultdict(list)
        for place, one in enumerate(self._conversations):
            ended_ns = _ended_by_server_ns(one)
            if one.rung is Rung.READY and ended_ns is not None:
                marks[one.connection.server].append((ended_ns, place))
        return {server: Timeline(those) for server, those in marks.items()}

    @cached_property
    def _served_since(self) -> dict[tuple[Endpoint, int], int]:
        """By server and time at which it ended a connection, the place of another one that it served after that."""
        open_ones: dict[Endpoint, list[tuple[Interval, int]]] = defaultdict(list)
        endings: dict[Endpoint, list[int]] = defaultdict(list)
        for place, one in enumerate(self._conversations):
            sent, ended_ns = one.connection.from_server.last_data, _ended_by_server_ns(one)
            if sent is not None:
                since_ns = one.connection.first.time_ns + ENDS_TOGETHER_NS
                until_ns = sent.time_ns if ended_ns is None else min(sent.time_ns, ended_ns - SHUTS_DOWN_NS)
                open_ones[one.connection.server].append((Interval(since_ns, until_ns), place))
            if ended_ns is not None:
                endings[one.connection.server].append(ended_ns + ENDS_TOGETHER_NS)
        return {
            (server, time_ns - ENDS_TOGETHER_NS): place
            for server, times_ns in endings.items()
            for time_ns, place in first_that_covers(open_ones[server], times_ns).items()
        }

    @cached_property
    def _start_apis(self) -> frozenset[tuple[Endpoint, WireBytes, int | None] | None]:
        return frozenset(map(_start_api, self._ready)) - {None}

    @cached_property
    def _allowed(self) -> dict[tuple[bytes, Endpoint], CaptureOrder]:
        return _in_order((one for one in self._conversations if one.rung is Rung.READY or _left_open(one)), _machines)

    @cached_property
    def _served_at_once(self) -> dict[tuple[bytes, Endpoint], CaptureOrder]:
        return _in_order(filter(_answered_at_once, self._ready), _machines)

    @cached_property
    def _sessions_on_this_machine(self) -> dict[int, CaptureOrder]:
        return _in_order((one for one in self._ready if one.connection.same_host), _port)

    @cached_property
    def _local_sessions_began(self) -> dict[tuple[int, bool], Timeline]:
        """By port and IP version: when sessions on this machine began, and their places in the capture."""
        marks: dict[tuple[int, bool], list[tuple[int, int]]] = defaultdict(list)
        for place, one in enumerate(self._conversations):
            server = one.connection.server
            if one.rung is Rung.READY and one.connection.same_host:
                marks[server.port, len(server.address) != IPV4_BYTES].append((one.connection.first.time_ns, place))
        return {kind: Timeline(those) for kind, those in marks.items()}

    @cached_property
    def _on_two_ports(self) -> dict[bytes, list[Conversation]]:
        """By machine, the first sessions on two different ports, so that one of them is not on any given port."""
        found: dict[bytes, list[Conversation]] = defaultdict(list)
        for one in self._ready:
            those = found[_machine(one.connection)]
            if len(those) < 2 and all(one.connection.server.port != other.connection.server.port for other in those):
                those.append(one)
        return found

    @cached_property
    def _port_changes(self) -> dict[int, Conversation]:
        sessions = (one for one in self._conversations if errors.API_PORT_CHANGED in one.dialogue.errors)
        return {_port(one): one for one in sessions}

    @cached_property
    def _latest(self) -> dict[bytes, tuple[int, list[tuple[int, str]]]]:
        """By address of a client or a server: the first packet of its latest connection, and its two latest packets.

        Of two connections, each with its time and id.
        """
        began: dict[bytes, int] = defaultdict(int)
        last: dict[bytes, list[tuple[int, str]]] = defaultdict(list)
        for one in self._conversations:
            connection = one.connection
            for address in {connection.client.address, connection.server.address}:
                began[address] = max(began[address], connection.first.packet)
                last[address] = sorted([*last[address], (connection.last.time_ns, one.id)])[-2:]
        return {address: (began[address], last[address]) for address in began}

    @cached_property
    def _silent(self) -> dict[Endpoint, CaptureOrder]:
        silent = (one for one in self._conversations if one.outcome is Outcome.SILENT)
        return _in_order((one for one in silent if one.connection.syn_ack is not None), _server)


def times_down(conversations: list[Conversation]) -> list[int]:
    """The times, ascending, at which the server was seen to be down: it refused a connection or ended a session."""
    refused = [one.connection.last.time_ns for one in conversations if one.outcome is Outcome.REFUSED]
    ended = [_ended_by_server_ns(one) for one in conversations if one.rung is Rung.READY]
    return sorted([*refused, *(time_ns for time_ns in ended if time_ns is not None)])


def is_starting(times_down: list[int], moment: Moment) -> bool:
    """Tell whether the last of these times was shortly before: what listens now has not listened for long."""
    before = bisect_right(times_down, moment.time_ns)
    return before > 0 and moment.time_ns - times_down[before - 1] < STARTING * NANOSECONDS


def _in_order(conversations: Iterable[Conversation], key: Callable[[Conversation], Key]) -> dict[Key, CaptureOrder]:
    groups: dict[Key, list[Conversation]] = defaultdict(list)
    for one in conversations:
        groups[key(one)].append(one)
    return {name: CaptureOrder(group) for name, group in groups.items()}


def _first_before(found: CaptureOrder | None, conversation: Conversation) -> Conversation | None:
    return None if found is None else found.first_before(conversation.connection.first.time_ns)


def _server(conversation: Conversation) -> Endpoint:
    return conversation.connection.server


def _port(conversation: Conversation) -> int:
    return conversation.connection.server.port


def _machines(conversation: Conversation) -> tuple[bytes, Endpoint]:
    return _pair(conversation.connection)


def _pair(connection: Connection) -> tuple[bytes, Endpoint]:
    return connection.client.address, connection.server


def _machine(connection: Connection) -> bytes:
    return b"" if connection.same_host else connection.server.address


def _start_api(conversation: Conversation) -> tuple[Endpoint, WireBytes, int | None] | None:
    start, reply = conversation.dialogue.start, conversation.dialogue.reply
    if start is None or reply is None:
        return None
    return conversation.connection.server, start.raw, reply.server_version


def _ended_by_server_ns(conversation: Conversation) -> int | None:
    ended = conversation.connection.ended
    return ended.moment.time_ns if ended is not None and ended.by is Side.SERVER else None


def _answered_at_once(conversation: Conversation) -> bool:
    hello, reply = conversation.dialogue.hello, conversation.dialogue.reply
    if hello is None or reply is None:
        return False
    # a hello that was not captured may only be noticed after its reply: then it is not known when it was sent
    is_known = hello.complete.packet < reply.began.packet
    return is_within(hello.complete if is_known else conversation.connection.first, reply.began, NO_CLICK_NEEDED)


def _left_open(conversation: Conversation) -> bool:
    """An empty connection that the server left open until the client ended it."""
    accepted = conversation.connection.established
    if conversation.outcome is not Outcome.NOT_ASKED or accepted is None:
        return False
    return (end_of_wait_ns(conversation) - accepted.time_ns) / NANOSECONDS >= LEFT_OPEN
