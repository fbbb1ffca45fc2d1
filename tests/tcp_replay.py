"""Feed segments to a connection table and hold what came out, checking on the way what must hold of every run."""

from __future__ import annotations

from collections.abc import Iterable

from ibsniff.model import Connection, Gap, Run, Segment, Side
from ibsniff.tcp import ConnectionTable

PORTS = frozenset({7497})


class Replay:
    """The streams of all connections after the end of the input."""

    def __init__(self, segments: Iterable[Segment], ports: frozenset[int] = PORTS, *, finish: bool = True) -> None:
        self.table = ConnectionTable(ports)
        self.connections: list[Connection] = []
        """In the order of their first packets."""
        self.events: list[tuple[Connection, Side, Run | Gap]] = []
        self._due: dict[tuple[int, Side], int] = {}
        for segment in segments:
            connection, events = self.table.feed(segment)
            if not any(connection is known for known in self.connections):
                self.connections.append(connection)
            for side, event in events:
                self._take(connection, side, event)
        if finish:
            for connection, side, event in self.table.finish():
                self._take(connection, side, event)

    def _take(self, connection: Connection, side: Side, event: Run | Gap) -> None:
        due = self._due.get((id(connection), side), 0)
        assert event.offset == due, "runs and gaps follow each other without holes or overlaps"
        if isinstance(event, Run):
            assert event.data
            assert event.marks[0].offset <= event.offset
            assert list(event.marks) == sorted(event.marks)
            length = len(event.data)
        else:
            length = event.length
        assert length > 0
        self._due[id(connection), side] = due + length
        self.events.append((connection, side, event))

    @property
    def connection(self) -> Connection:
        """The only one."""
        (connection,) = self.connections
        return connection

    def of(self, side: Side, connection: Connection | None = None) -> list[Run | Gap]:
        wanted = self.connection if connection is None else connection
        return [event for owner, whose, event in self.events if owner is wanted and whose is side]

    def stream(self, side: Side, connection: Connection | None = None) -> bytes:
        """The bytes of one direction, gaps as zeros."""
        events = self.of(side, connection)
        return b"".join(event.data if isinstance(event, Run) else bytes(event.length) for event in events)

    def gaps(self, side: Side, connection: Connection | None = None) -> list[tuple[int, int]]:
        """Offset and length of each gap."""
        return [(event.offset, event.length) for event in self.of(side, connection) if isinstance(event, Gap)]

    @property
    def client(self) -> bytes:
        return self.stream(Side.CLIENT)

    @property
    def server(self) -> bytes:
        return self.stream(Side.SERVER)
