"""Bytes that were captured behind a hole, and wait until it is filled or given up: sorted, disjoint, bounded."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import NamedTuple

from ibsniff.model import Mark, Run, Segment

DIRECTION_LIMIT = 4 << 20
"""Bytes that may wait in one direction. A sender can send no more past a hole than its window (Linux lets receive windows
grow to about 3 MB, tcp_rmem; a larger one must be configured)."""
TOTAL_LIMIT = 64 << 20
"""Bytes that may wait in all connections together: what a small machine can spare."""
CHUNK_OVERHEAD = 256
"""Bytes that a chunk costs besides its data, so that the limits bound memory for one-byte chunks too."""


class BufferedTotal:
    """How many bytes all reassembly buffers of one input hold together."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = 0

    @property
    def is_high(self) -> bool:
        """The limit may soon be reached: from here on the order in which connections get their packets matters."""
        return self.held > TOTAL_LIMIT // 4


class _Chunk(NamedTuple):
    offset: int
    data: bytes
    packet: int
    time_ns: int


_offset = itemgetter(0)


class ReassemblyBuffer:
    """What waits behind the holes of one direction."""

    __slots__ = ("_chunks", "_held", "_total")

    def __init__(self, total: BufferedTotal) -> None:
        self._total = total
        self._held = 0
        self._chunks: list[_Chunk] = []

    def __bool__(self) -> bool:
        return bool(self._chunks)

    @property
    def first_offset(self) -> int:
        """Where the first chunk begins, which is where the first hole ends."""
        return self._chunks[0].offset

    @property
    def is_over_limit(self) -> bool:
        """A limit is exceeded, and this buffer holds something that can be released."""
        return bool(self._chunks) and (self._held > DIRECTION_LIMIT or self._total.held > TOTAL_LIMIT)

    def add(self, offset: int, segment: Segment, from_offset: int) -> int:
        """Keep those bytes of a segment at ``offset`` that are new and not before ``from_offset``; return how many."""
        chunks, end = self._chunks, offset + len(segment.payload)
        start, added = max(offset, from_offset), 0
        index = bisect_right(chunks, start, key=_offset)
        while start < end:
            if index:
                start = max(start, chunks[index - 1].offset + len(chunks[index - 1].data))
            stop = min(end, chunks[index].offset) if index < len(chunks) else end
            if start < stop:
                data = segment.payload[start - offset : stop - offset]
                chunks.insert(index, _Chunk(start, data, segment.packet, segment.time_ns))
                self._account(len(data) + CHUNK_OVERHEAD)
                added += len(data)
                index += 1
            start = max(start, stop)
            index += 1
        return added

    def take(self, offset: int) -> Run | None:
        """Remove and return, as one run, the bytes that continue a stream at ``offset``; None if there are none."""
        position, count = offset, 0
        for chunk in self._chunks:
            if chunk.offset != position:
                break
            position += len(chunk.data)
            count += 1
        if not count:
            return None
        taken = self._chunks[:count]
        del self._chunks[:count]
        self._account(offset - position - count * CHUNK_OVERHEAD)
        marks = tuple(Mark(chunk.offset, chunk.packet, chunk.time_ns) for chunk in taken)
        return Run(offset, b"".join(chunk.data for chunk in taken), marks)

    def clear(self) -> None:
        """Drop everything."""
        if self._chunks:
            self._account(-self._held)
            self._chunks.clear()

    def _account(self, cost: int) -> None:
        self._held += cost
        self._total.held += cost
