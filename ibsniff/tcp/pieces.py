"""Bytes that wait behind a hole: sorted, disjoint, bounded."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import NamedTuple

from ibsniff.model import Mark, Run, Segment

DIRECTION_LIMIT = 4 << 20
"""Bytes that may wait in one direction: more than a hole lets through before the sender's window is full (Linux lets
receive windows grow to about 3 MB, tcp_rmem; a larger one must be configured)."""
TOTAL_LIMIT = 64 << 20
"""Bytes that may wait in all connections together: what a small machine can spare."""
PIECE_COST = 256
"""What a piece costs beside its bytes, so that the limits bound memory for one-byte pieces too."""


class Budget:
    """What waits in all directions together."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = 0

    @property
    def is_tight(self) -> bool:
        """The limit may be reached before long: from here on it matters in which order connections take their packets."""
        return self.held > TOTAL_LIMIT // 4


class _Piece(NamedTuple):
    offset: int
    data: bytes
    packet: int
    time_ns: int


_offset = itemgetter(0)


class Pieces:
    """What waits in one direction."""

    __slots__ = ("_budget", "_held", "_sorted")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held = 0
        self._sorted: list[_Piece] = []

    def __bool__(self) -> bool:
        return bool(self._sorted)

    @property
    def first_offset(self) -> int:
        """Where the first piece begins, which is where the first hole ends."""
        return self._sorted[0].offset

    @property
    def too_many(self) -> bool:
        """A limit is reached, and there is something here to let go."""
        return bool(self._sorted) and (self._held > DIRECTION_LIMIT or self._budget.held > TOTAL_LIMIT)

    def add(self, offset: int, segment: Segment, from_offset: int) -> int:
        """Keep those bytes of a segment at ``offset`` that are new and not before ``from_offset``; return how many."""
        pieces, end = self._sorted, offset + len(segment.payload)
        start, fresh = max(offset, from_offset), 0
        index = bisect_right(pieces, start, key=_offset)
        while start < end:
            if index:
                start = max(start, pieces[index - 1].offset + len(pieces[index - 1].data))
            stop = min(end, pieces[index].offset) if index < len(pieces) else end
            if start < stop:
                data = segment.payload[start - offset : stop - offset]
                pieces.insert(index, _Piece(start, data, segment.packet, segment.time_ns))
                self._account(len(data) + PIECE_COST)
                fresh += len(data)
                index += 1
            start = max(start, stop)
            index += 1
        return fresh

    def take(self, offset: int) -> Run | None:
        """Remove and return what continues a stream that has come to ``offset``, as one run."""
        position, count = offset, 0
        for piece in self._sorted:
            if piece.offset != position:
                break
            position += len(piece.data)
            count += 1
        if not count:
            return None
        taken = self._sorted[:count]
        del self._sorted[:count]
        self._account(offset - position - count * PIECE_COST)
        marks = tuple(Mark(piece.offset, piece.packet, piece.time_ns) for piece in taken)
        return Run(offset, b"".join(piece.data for piece in taken), marks)

    def clear(self) -> None:
        """Let everything go."""
        self._account(-self._held)
        self._sorted.clear()

    def _account(self, cost: int) -> None:
        self._held += cost
        self._budget.held += cost
