"""The column lane: most packets of a large file pass the same rooms many at a time.

Most packets decide nothing and are only counted. Most of the others belong to a few busy connections, in which each segment
follows on the one before: these are processed as column runs, thousands of segments at once. Everything else takes the
plain lane, packet by packet and in its turn: before such a packet, its connection catches up with the segments before it.

Connections do not affect each other, so the order between the column runs of several does not matter. Three things do
depend on the order, and are kept: the numbering of connections, which one is evicted when there are too many, and which one
gives up waiting for missing bytes when all together wait for too many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from ibsniff.ib.dialogue import DialogueReader
from ibsniff.model import Columns, Connection, Endpoint, Packet, Segment, SegmentColumns, Unreachable
from ibsniff.model.arrays import Numbers, Truths
from ibsniff.net import Dissector
from ibsniff.tcp import ConnectionTable
from ibsniff.tcp.columns import MIN_SEGMENTS, can_feed_columns, feed_columns
from ibsniff.tcp.connection import ConnectionTracker

LOOK_AT = 16 * MIN_SEGMENTS
"""Segments examined for a column run after one that ended early; four times as many each time all were regular."""
MOST_AT_ONCE = 1 << 16
"""Segments examined at once."""
PLAIN_AFTER_BREAK = 4
"""Segments that take the plain lane where a column run ended: irregular packets seldom come alone."""
MOST_PLAIN = 1024
"""At most so many; twice as many each time no column run followed, because examining irregular traffic costs too much."""


@dataclass(slots=True)
class _Busy:
    """One connection's regular segments among the packets at hand."""

    segments: SegmentColumns
    which: Numbers
    indices: Numbers
    """The index of each one's packet."""
    is_forward: Truths
    """Sent by the first end to the second."""
    ends: tuple[Endpoint, Endpoint]
    done: int = 0
    look_at: int = MOST_AT_ONCE
    plain: int = PLAIN_AFTER_BREAK
    """Segments to process one by one before the next attempt at a column run."""


class ColumnLane:
    """Passes columns through the rooms; the result is that of the plain lane."""

    def __init__(
        self,
        dissector: Dissector,
        table: ConnectionTable,
        take: Callable[[Packet], None],
        reader_of: Callable[[Connection], DialogueReader | None],
    ) -> None:
        """``take`` continues the plain lane behind the dissector."""
        self._dissector = dissector
        self._table = table
        self._take = take
        self._reader_of = reader_of
        self._columns: Columns | None = None
        self._busy: dict[tuple[Endpoint, Endpoint], _Busy] = {}
        """Each under both of its directions."""
        self._turns: list[int] = []
        """Indices of packets that take the plain lane, as a heap."""
        self._now = 0
        self._advanced: dict[int, ConnectionTracker] = {}

    def feed(self, columns: Columns) -> None:
        """Process the next packets."""
        picked = None if self._table.is_buffering_much else self._dissector.dissect_columns(columns)
        if picked is None or not picked.segments:
            self._take_each(columns, np.arange(len(columns)) if picked is None else picked.others)
            return
        self._columns = columns
        self._turns = picked.others.tolist()
        for segments in picked.segments:
            self._turns += self._sort_out(segments)
        if not self._busy:  # all of it takes the plain lane, which is faster without a heap
            self._take_each(columns, np.sort(np.array(self._turns, np.int64)))
            self._turns.clear()
            self._columns = None
            return
        heapify(self._turns)
        self._now = -1
        while self._turns:
            turn = heappop(self._turns)
            if turn != self._now:  # a connection that catches up twice requests the same packet twice
                self._now = turn
                self._plain_turn(turn)
        self._now = len(columns)
        for ends, busy in self._busy.items():
            if ends is busy.ends:
                self._settle(busy)
        self._busy.clear()
        for tracker in self._advanced.values():  # the buffer of the packets is about to be released
            tracker.client.recent.load()
            tracker.server.recent.load()
        self._advanced.clear()
        self._columns = None

    def catch_up(self, connection: Connection) -> None:
        """Process all of a connection that was captured so far: it is about to be judged, and perhaps evicted."""
        busy = self._busy.get((connection.client, connection.server))
        if busy is not None:
            self._settle(busy)
            if busy.done < len(busy.which):
                heappush(self._turns, int(busy.indices[busy.done]))

    # -- busy connections ---------------------------------------------------------------------------------------------

    def _sort_out(self, segments: SegmentColumns) -> list[int]:
        """Find the busy connections; return the packets of the others, and the first packets of unknown ones."""
        number_of = _number_connections(segments.ends)
        plain: list[int] = segments.indices.tolist()
        if number_of is None or not self._busy.keys().isdisjoint(segments.ends):
            return plain
        connections = number_of[segments.flows]
        counts = np.bincount(connections)
        for number in np.flatnonzero(counts >= MIN_SEGMENTS).tolist():
            self._add(segments, np.flatnonzero(connections == number))
        plain = segments.indices[counts[connections] < MIN_SEGMENTS].tolist()
        mine = (busy for ends, busy in self._busy.items() if ends is busy.ends and busy.segments is segments)
        return plain + [int(busy.indices[0]) for busy in mine if self._table.find(*busy.ends) is None]

    def _add(self, segments: SegmentColumns, which: Numbers) -> None:
        flows = segments.flows[which]
        first, second = ends = segments.ends[flows[0]]
        busy = _Busy(segments, which, segments.indices[which], flows == flows[0], ends)
        self._busy[ends] = self._busy[second, first] = busy

    # -- in order -------------------------------------------------------------------------------------------------

    def _plain_turn(self, index: int) -> None:
        packet = self._packet(index)
        if isinstance(packet, Segment | Unreachable):  # an ICMP error counts if what it quotes was sent before
            busy = self._busy.get((packet.source, packet.destination))
            if busy is not None:
                self._settle(busy)
                if busy.done < len(busy.which) and busy.indices[busy.done] == index:
                    busy.done += 1
        if packet is not None:
            self._take(packet)

    def _packet(self, index: int) -> Packet | None:
        assert self._columns is not None
        return self._dissector.dissect(self._columns.frame(index))

    def _take_each(self, columns: Columns, indices: Numbers) -> None:
        dissect, take = self._dissector.dissect, self._take
        for frame in columns.frames(indices):
            packet = dissect(frame)
            if packet is not None:
                take(packet)

    def _settle(self, busy: _Busy) -> None:
        """Process the connection's segments before the packet whose turn it is."""
        end = int(np.searchsorted(busy.indices, self._now))
        while busy.done < end:
            if end - busy.done < MIN_SEGMENTS or not self._column_run(busy, end):
                self._one_by_one(busy, min(busy.done + busy.plain, end))

    def _one_by_one(self, busy: _Busy, end: int) -> None:
        self._take_each(busy.segments.packets, busy.indices[busy.done : end])
        busy.done = end

    def _column_run(self, busy: _Busy, end: int) -> bool:
        """Process a column run of what is before ``end``; return whether all segments examined were regular."""
        found = self._table.find(*busy.ends)
        if found is None or not can_feed_columns(found[0]):
            return False
        tracker, forward = found
        self._advanced[id(tracker)] = tracker
        reader = self._reader_of(tracker.connection)
        if reader is None or not reader.can_take_columns:
            return False
        window = slice(busy.done, min(end, busy.done + busy.look_at))
        which, is_forward = busy.which[window], busy.is_forward[window]
        from_client = is_forward if forward is tracker.client else ~is_forward
        count, runs = feed_columns(
            tracker, busy.segments, which, from_client, lambda number: self._segment(busy.segments, number)
        )
        reader.take_columns(runs)
        busy.done += count
        is_whole = count == len(which)
        busy.look_at = min(busy.look_at * 4, MOST_AT_ONCE) if is_whole else LOOK_AT
        busy.plain = PLAIN_AFTER_BREAK if count else min(busy.plain * 2, MOST_PLAIN)
        return is_whole

    def _segment(self, segments: SegmentColumns, number: int) -> Segment:
        packet = self._packet(int(segments.indices[number]))
        assert isinstance(packet, Segment)
        return packet


def _number_connections(ends: list[tuple[Endpoint, Endpoint]]) -> Numbers | None:
    """The connection of each flow; None if two flows have the same ends, as if an IPv4 address also occurs as IPv6."""
    if len(set(ends)) < len(ends):
        return None
    numbers: dict[tuple[Endpoint, Endpoint], int] = {}
    for source, destination in ends:
        numbers[source, destination] = numbers.get((destination, source), len(numbers))
    return np.array(list(numbers.values()), np.int64)
