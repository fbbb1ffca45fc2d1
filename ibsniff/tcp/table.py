"""Which connection a segment belongs to, and which end of it is the client."""

from __future__ import annotations

from ibsniff.model import ACK, SYN, Connection, Endpoint, Gap, Moment, Run, Segment, Side, Unreachable
from ibsniff.tcp.connection import Event, Tracker
from ibsniff.tcp.direction import Direction
from ibsniff.tcp.pieces import Budget


class ConnectionTable:
    """All connections of one input.

    The number of connections is bounded by whoever calls ``forget``: only the caller knows which ones still matter.
    """

    def __init__(self, server_ports: frozenset[int]) -> None:
        self._server_ports = server_ports
        self._budget = Budget()
        self._trackers: dict[int, Tracker] = {}
        """By ``id`` of the connection, in the order of first packets."""
        self._directions: dict[tuple[Endpoint, Endpoint], tuple[Tracker, Direction]] = {}
        """By sender and receiver: the newest connection between the two."""

    def __len__(self) -> int:
        return len(self._trackers)

    @property
    def is_tight(self) -> bool:
        """Much waits behind holes: see ``Budget``."""
        return self._budget.is_tight

    def feed(self, segment: Segment) -> tuple[Connection, list[Event]]:
        """Take the next segment; return its connection and what became readable, in either direction."""
        found = self._directions.get((segment.source, segment.destination))
        if found is None or (
            segment.flags & SYN and not found[1].damage.doubts(segment) and found[0].is_new_attempt(segment, found[1])
        ):
            found = self._open(segment)
        tracker, mine = found
        return tracker.connection, tracker.feed(segment, mine)

    def find(self, source: Endpoint, destination: Endpoint) -> tuple[Tracker, Direction] | None:
        """The newest connection between the two, and the direction from the one to the other."""
        return self._directions.get((source, destination))

    def unreachable(self, event: Unreachable) -> Connection | None:
        """An ICMP unreachable came; return the connection it is about, if there is one."""
        found = self.find(event.source, event.destination)
        if found is None:
            return None
        connection = found[0].connection
        connection.unreachable = connection.unreachable or event
        return connection

    def finish(self) -> list[tuple[Connection, Side, Run | Gap]]:
        """End of the input: drop every connection, and give up its holes; a gap, then the bytes behind it."""
        connections = [tracker.connection for tracker in self._trackers.values()]
        return [(connection, *event) for connection in connections for event in self.close(connection)]

    def close(self, connection: Connection) -> list[Event]:
        """Drop a connection as if the input ended here for it: first its holes are given up."""
        events = self._trackers[id(connection)].finish()
        self.forget(connection)
        return events

    def forget(self, connection: Connection) -> None:
        """Drop a connection. A later segment between the two would begin another one, joined in the middle."""
        tracker = self._trackers.pop(id(connection))
        tracker.release()
        for key in ((connection.client, connection.server), (connection.server, connection.client)):
            if self._directions.get(key, (None,))[0] is tracker:
                del self._directions[key]

    def _open(self, segment: Segment) -> tuple[Tracker, Direction]:
        source, destination = segment.source, segment.destination
        from_client = self._is_from_client(segment)
        client, server = (source, destination) if from_client else (destination, source)
        moment = Moment(segment.packet, segment.time_ns)
        connection = Connection(client, server, moment, moment, history="" if from_client else "^")
        tracker = Tracker(connection, self._budget)
        self._trackers[id(connection)] = tracker
        self._directions[client, server] = tracker, tracker.client
        self._directions[server, client] = tracker, tracker.server
        return self._directions[source, destination]

    def _is_from_client(self, segment: Segment) -> bool:
        """The handshake tells; without it the known ports do, else the higher port is the ephemeral one."""
        if segment.flags & SYN:
            return not segment.flags & ACK
        source, destination = segment.source.port, segment.destination.port
        is_known, other_is_known = source in self._server_ports, destination in self._server_ports
        if is_known != other_is_known:
            return other_is_known
        return source >= destination
