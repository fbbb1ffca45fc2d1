"""Which connection a segment belongs to, and which of its ends is the client."""

from __future__ import annotations

from ibsniff.model import ACK, SYN, Connection, Endpoint, Gap, Moment, Run, Segment, Side, Unreachable
from ibsniff.tcp.connection import ConnectionTracker, Event
from ibsniff.tcp.direction import Direction
from ibsniff.tcp.reassembly_buffer import BufferedTotal


class ConnectionTable:
    """All connections of one input.

    The caller bounds the number of connections with ``forget``: only it knows which ones still matter.
    """

    def __init__(self, server_ports: frozenset[int]) -> None:
        self._server_ports = server_ports
        self._buffered = BufferedTotal()
        self._trackers: dict[int, ConnectionTracker] = {}
        """By ``id`` of the connection, in the order of their first packets."""
        self._directions: dict[tuple[Endpoint, Endpoint], tuple[ConnectionTracker, Direction]] = {}
        """By sender and receiver: the newest connection between the two."""

    def __len__(self) -> int:
        return len(self._trackers)

    @property
    def is_buffering_much(self) -> bool:
        """Much waits behind holes: see ``BufferedTotal.is_high``."""
        return self._buffered.is_high

    def feed(self, segment: Segment) -> tuple[Connection, list[Event]]:
        """Take the next segment; return its connection and what became readable, in either direction."""
        found = self._directions.get((segment.source, segment.destination))
        if found is None or (
            segment.flags & SYN
            and not found[1].damaged.is_damaged(segment)
            and found[0].lifecycle.is_new_attempt(segment, found[1])
        ):
            found = self._open(segment)
        tracker, mine = found
        return tracker.connection, tracker.feed(segment, mine)

    def find(self, source: Endpoint, destination: Endpoint) -> tuple[ConnectionTracker, Direction] | None:
        """The newest connection between the two, and the direction from the one to the other."""
        return self._directions.get((source, destination))

    def unreachable(self, event: Unreachable) -> Connection | None:
        """Take an ICMP unreachable message; return the connection it is about, if there is one.

        The segment that it quotes must be one that was sent (RFC 5927, 4.1): anybody can guess ports.
        """
        found = self.find(event.source, event.destination)
        if found is None or not (event.seq is None or found[1].may_have_sent(event.seq)):
            return None
        connection = found[0].connection
        connection.unreachable = connection.unreachable or event
        return connection

    def finish(self) -> list[tuple[Connection, Side, Run | Gap]]:
        """The input ends: give up the holes of every connection and drop it; each gap comes before the bytes after it."""
        connections = [tracker.connection for tracker in self._trackers.values()]
        return [(connection, *event) for connection in connections for event in self.close(connection)]

    def close(self, connection: Connection) -> list[Event]:
        """Give up the holes of a connection and drop it, as if the input ended here for it."""
        events = self._trackers[id(connection)].finish()
        self.forget(connection)
        return events

    def forget(self, connection: Connection) -> None:
        """Drop a connection. A later segment between the same endpoints begins another one, joined in the middle."""
        tracker = self._trackers.pop(id(connection))
        tracker.release()
        for key in ((connection.client, connection.server), (connection.server, connection.client)):
            if self._directions.get(key, (None,))[0] is tracker:
                del self._directions[key]

    def _open(self, segment: Segment) -> tuple[ConnectionTracker, Direction]:
        source, destination = segment.source, segment.destination
        from_client = self._is_from_client(segment)
        client, server = (source, destination) if from_client else (destination, source)
        moment = Moment(segment.packet, segment.time_ns)
        connection = Connection(client, server, moment, moment, history="" if from_client else "^")
        tracker = ConnectionTracker(connection, self._buffered)
        self._trackers[id(connection)] = tracker
        self._directions[client, server] = tracker, tracker.client
        self._directions[server, client] = tracker, tracker.server
        return self._directions[source, destination]

    def _is_from_client(self, segment: Segment) -> bool:
        """Judge by the handshake; without it by the known server ports; else the higher port is the ephemeral one."""
        if segment.flags & SYN:
            return not segment.flags & ACK
        source, destination = segment.source.port, segment.destination.port
        is_known, other_is_known = source in self._server_ports, destination in self._server_ports
        if is_known != other_is_known:
            return other_is_known
        return source >= destination
