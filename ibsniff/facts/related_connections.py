"""What the other connections of a capture show about one of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

from ibsniff.facts.intervals import Timeline
from ibsniff.model import NANOSECONDS, Connection, Conversation, Dialect, Endpoint, Moment, Outcome, Rung

AT_ONCE_NS = NANOSECONDS
"""A program tries the next address of a name within a second."""

REGULAR = 0.1
"""How far intervals may differ from their median, as a fraction of it, and still count as regular."""

IPV4_BYTES = 4


class RelatedConnections:
    """The conversations of one capture, grouped by what they have in common."""

    def __init__(self, conversations: Sequence[Conversation]) -> None:
        self._conversations = conversations

    @cached_property
    def by_server(self) -> list[list[Conversation]]:
        """Groups with the same server address and port, each in order of time."""
        return _groups(self._conversations, [one.connection.server for one in self._conversations])

    @cached_property
    def by_server_port(self) -> list[list[Conversation]]:
        """Groups with the same server port, whatever the address, each in order of time."""
        return _groups(self._conversations, [one.connection.server.port for one in self._conversations])

    def accepted_before(self, conversation: Conversation) -> Conversation | None:
        """An earlier connection between the same two machines, to the same port, that was accepted."""
        found = self._accepted.get(_pair(conversation.connection))
        return found if found is not None and began_ns(found) < began_ns(conversation) else None

    def other_unanswered(self, conversation: Conversation) -> Conversation | None:
        """Another unanswered conversation with that port, for which a firewall was not the reason."""
        return self._unanswered.get(conversation.connection.server.port)

    def alive_meanwhile(self, unanswered: Conversation) -> Conversation | None:
        """A connection on which the same machine answered at another port; it did so before this attempt was over and since.

        One that it accepted, if there is any; one that was refused otherwise.
        """
        connection = unanswered.connection
        found = self._answering.get(connection.server.address)
        if found is None or connection.same_host:
            return None
        first_ns, last_ns, best = found
        was_there = first_ns <= connection.last.time_ns and last_ns >= connection.first.time_ns
        return best if was_there and best.connection.server.port != connection.server.port else None

    def closed_alike(self, conversation: Conversation) -> int:
        """How many connections of these two machines the server ended without a byte after about the same time as this one."""
        took_ns = _closed_after_ns(conversation)
        if took_ns is None:
            return 0
        times_ns = self._closed_after.get(_pair(conversation.connection), [])
        margin_ns = round(REGULAR * took_ns)
        return bisect_right(times_ns, took_ns + margin_ns) - bisect_left(times_ns, took_ns - margin_ns)

    def interval_of_tests(self, conversation: Conversation) -> float | None:
        """At what regular interval this client's machine connects and sends the same kind of bytes that are no hello, or none.

        A person or a broken program does not do so: a health check does.
        """
        return self._intervals.get((*_pair(conversation.connection), _sent(conversation)))

    def waiting_before(self, conversation: Conversation) -> tuple[int, Conversation | None]:
        """How many connections the server's kernel accepted before this one and its program never served, and the latest.

        Since the first of them nobody was served. None are counted unless the client's packets reach the server's machine,
        which acknowledged data of one of them.
        """
        server, began = conversation.connection.server, began_ns(conversation)
        waiting = self._waiting.get(server, [])
        since = bisect_right(waiting, self._last_served_ns.get(server, 0), key=began_ns)
        until = bisect_left(waiting, began, key=began_ns)
        reached = self._reached.get(_pair(conversation.connection))
        if since >= until or reached is None or reached.least(began_ns(waiting[since]), began - 1) is None:
            return 0, None
        return until - since, waiting[until - 1]

    def serves(self, conversation: Conversation) -> bool:
        """Whether the server sent data to a client, and since then left no connection waiting that began before this one."""
        return conversation.connection.server in self._last_served_ns and not self.waiting_before(conversation)[0]

    def heard_meanwhile(self, stalled: Conversation, since_ns: int) -> Conversation | None:
        """Another connection of the same client machine and server, on which the server sent data after that time."""
        served = self._last_served.get(_pair(stalled.connection), ())
        others = (other for other in served if other is not stalled)
        return next((other for other in others if _last_data_ns(other) > since_ns), None)

    @cached_property
    def _last_served(self) -> dict[tuple[bytes, Endpoint], list[Conversation]]:
        """By client address and server: the two connections on which the server sent data last, the later one first."""
        found: dict[tuple[bytes, Endpoint], list[Conversation]] = defaultdict(list)
        for one in self._conversations:
            pair = _pair(one.connection)
            found[pair] = sorted([*found[pair], one], key=_last_data_ns, reverse=True)[:2]
        return found

    def attempt_at_other_ip_version(self, failed: Conversation) -> Conversation | None:
        """An attempt at the same port over the other IP version, not refused, during a failed one or right after it."""
        connection = failed.connection
        began = self._attempts.get((*_kind(connection), len(connection.server.address) == IPV4_BYTES))
        reported_ns = connection.unreachable.time_ns if connection.unreachable is not None else 0
        over_ns = max(began_ns(failed), reported_ns, *(moment.time_ns for moment in _last_moments(failed)))
        place = began.least(began_ns(failed), over_ns + AT_ONCE_NS) if began else None
        return None if place is None else self._conversations[place]

    @cached_property
    def _accepted(self) -> dict[tuple[bytes, Endpoint], Conversation]:
        """By client address and server, the first conversation that the server's machine accepted."""
        found: dict[tuple[bytes, Endpoint], Conversation] = {}
        for conversation in self._conversations:
            if conversation.connection.syn_ack is not None:
                found.setdefault(_pair(conversation.connection), conversation)
        return found

    @cached_property
    def _answering(self) -> dict[bytes, tuple[int, int, Conversation]]:
        """By server address: from when to when it was seen to answer, and the connection that shows it best."""
        found: dict[bytes, tuple[int, int, Conversation]] = {}
        for one in self._conversations:
            if not one.connection.from_server.segments:
                continue
            first_ns, last_ns = began_ns(one), one.connection.last.time_ns
            known = found.setdefault(one.connection.server.address, (first_ns, last_ns, one))
            best = one if _shows_more(one, known[2]) else known[2]
            found[one.connection.server.address] = min(first_ns, known[0]), max(last_ns, known[1]), best
        return found

    @cached_property
    def _closed_after(self) -> dict[tuple[bytes, Endpoint], list[int]]:
        """By client address and server, how long after their beginning connections were ended without a byte, ascending."""
        found: dict[tuple[bytes, Endpoint], list[int]] = defaultdict(list)
        for one in self._conversations:
            took_ns = _closed_after_ns(one)
            if took_ns is not None:
                found[_pair(one.connection)].append(took_ns)
        return {pair: sorted(times_ns) for pair, times_ns in found.items()}

    @cached_property
    def _intervals(self) -> dict[tuple[bytes, Endpoint, Dialect | None], float]:
        """By client address, server, and what was sent in place of a hello."""
        tests: dict[tuple[bytes, Endpoint, Dialect | None], list[Conversation]] = defaultdict(list)
        for one in sorted(self._conversations, key=began_ns):
            hello = one.dialogue.hello
            is_test = one.outcome is Outcome.NOT_ASKED if hello is None else not hello.is_valid
            if is_test and one.connection.established is not None:
                tests[*_pair(one.connection), _sent(one)].append(one)
        found = {key: regular_interval(those) for key, those in tests.items()}
        return {key: interval for key, interval in found.items() if interval is not None}

    @cached_property
    def _waiting(self) -> dict[Endpoint, list[Conversation]]:
        """By server, in order of time, the connections that only its kernel accepted: no byte, and no FIN or RST."""
        found: dict[Endpoint, list[Conversation]] = defaultdict(list)
        for one in sorted(self._conversations, key=began_ns):
            server = one.connection.from_server
            if one.connection.syn_ack and not (server.length or server.fin or server.rst):
                found[one.connection.server].append(one)
        return found

    @cached_property
    def _reached(self) -> dict[tuple[bytes, Endpoint], Timeline]:
        """By client address and server, when those connections began of which the server's kernel acknowledged data."""
        marks: dict[tuple[bytes, Endpoint], list[tuple[int, int]]] = defaultdict(list)
        for waiting in self._waiting.values():
            for one in waiting:
                if one.connection.from_client.ack_of_first_data is not None:
                    marks[_pair(one.connection)].append((began_ns(one), 0))
        return {pair: Timeline(those) for pair, those in marks.items()}

    @cached_property
    def _last_served_ns(self) -> dict[Endpoint, int]:
        """By server, when it sent the last byte to anybody."""
        found: dict[Endpoint, int] = {}
        for one in self._conversations:
            sent = one.connection.from_server.last_data
            if sent is not None:
                found[one.connection.server] = max(sent.time_ns, found.get(one.connection.server, 0))
        return found

    @cached_property
    def _unanswered(self) -> dict[int, Conversation]:
        """By port, the first silence that no firewall explains: after a valid hello, or on TWS's own machine."""
        found: dict[int, Conversation] = {}
        for one in self._conversations:
            hello = one.dialogue.hello
            silent = one.outcome is Outcome.SILENT and hello is not None and hello.is_valid
            if silent or (one.outcome is Outcome.UNREACHABLE and one.connection.same_host):
                found.setdefault(one.connection.server.port, one)
        return found

    @cached_property
    def _attempts(self) -> dict[tuple[int, bool, bool], Timeline]:
        """By kind and IP version: when the attempts that were not refused began, and their places in the capture."""
        marks: dict[tuple[int, bool, bool], list[tuple[int, int]]] = defaultdict(list)
        for place, one in enumerate(self._conversations):
            if one.outcome is not Outcome.REFUSED:
                version6 = len(one.connection.server.address) != IPV4_BYTES
                marks[*_kind(one.connection), version6].append((began_ns(one), place))
        return {kind: Timeline(those) for kind, those in marks.items()}


def _last_data_ns(conversation: Conversation) -> int:
    last = conversation.connection.from_server.last_data
    return last.time_ns if last is not None else 0


def began_ns(conversation: Conversation) -> int:
    """The time of its first packet."""
    return conversation.connection.first.time_ns


def _shows_more(one: Conversation, other: Conversation) -> bool:
    """Tell whether this connection shows better than the other one that its server is there."""
    return (one.rung is Rung.READY, bool(one.connection.syn_ack)) > (
        other.rung is Rung.READY,
        bool(other.connection.syn_ack),
    )


def _closed_after_ns(one: Conversation) -> int | None:
    """How long after its beginning the server ended it without a byte; None if it did not."""
    ended = one.connection.ended
    closed = ended is not None and one.outcome in (Outcome.CLOSED, Outcome.RESET)
    return ended.moment.time_ns - began_ns(one) if closed and ended is not None else None


def _sent(one: Conversation) -> Dialect | None:
    return None if one.dialogue.hello is None else one.dialogue.hello.dialect


def by_client(conversations: list[Conversation]) -> list[list[Conversation]]:
    """Group conversations by the client's address."""
    return _groups(conversations, [one.connection.client.address for one in conversations], by_time=False)


def _groups(
    conversations: Sequence[Conversation], keys: Sequence[object], *, by_time: bool = True
) -> list[list[Conversation]]:
    groups: dict[object, list[Conversation]] = defaultdict(list)
    for key, conversation in zip(keys, conversations, strict=True):
        groups[key].append(conversation)
    return [sorted(group, key=began_ns) if by_time else group for group in groups.values()]


def regular_interval(conversations: list[Conversation]) -> float | None:
    """Seconds from one conversation to the next, if all these intervals are nearly equal."""
    gaps = [(began_ns(later) - began_ns(earlier)) / NANOSECONDS for earlier, later in pairwise(conversations)]
    if len(gaps) < 2:
        return None
    from statistics import median  # noqa: PLC0415  (fractions and decimals, and 5 ms)

    usual = median(gaps)
    return usual if usual > 0 and all(abs(gap - usual) <= REGULAR * usual for gap in gaps) else None


def _last_moments(failed: Conversation) -> list[Moment]:
    connection = failed.connection
    return [*connection.syns[-1:], *connection.refusals[-1:], *failed.arp_unanswered[-1:]]


def _kind(connection: Connection) -> tuple[int, bool]:
    return connection.server.port, connection.same_host


def _pair(connection: Connection) -> tuple[bytes, Endpoint]:
    return connection.client.address, connection.server
