"""A side's bytes that are not read yet, which still know the packets they came in."""

from __future__ import annotations

from bisect import bisect_right

from ibsniff.model import Mark, Moment, Run


class Tape:
    """Unread stream bytes of one direction with their provenance."""

    def __init__(self) -> None:
        self.unread = bytearray()
        self.offset = 0
        """Stream offset of the first unread byte."""
        self._marks: list[Mark] = []

    def append(self, run: Run) -> None:
        """Take the next run; an empty tape starts at its offset."""
        if not self.unread:
            self.offset = run.offset
            self._marks.clear()
        self.unread += run.data
        self._marks.extend(run.marks)

    def moment(self, index: int) -> Moment:
        """Packet and time of the unread byte at this index."""
        found = bisect_right(self._marks, self.offset + index, key=lambda mark: mark.offset)
        mark = self._marks[max(found - 1, 0)]
        return Moment(mark.packet, mark.time_ns)

    def packets(self, start: int, end: int) -> tuple[int, ...]:
        """Numbers of the packets that brought the unread bytes ``[start, end)``, each once."""
        first = max(bisect_right(self._marks, self.offset + start, key=lambda mark: mark.offset) - 1, 0)
        inside = (mark.packet for mark in self._marks[first:] if mark.offset < self.offset + end)
        return tuple(dict.fromkeys(inside))

    def starts(self) -> list[int]:
        """Indices of unread bytes at which a packet's payload begins."""
        return [mark.offset - self.offset for mark in self._marks if mark.offset >= self.offset]

    def drop(self, count: int) -> None:
        """These bytes are read."""
        del self.unread[:count]
        self.offset += count
        keep = bisect_right(self._marks, self.offset, key=lambda mark: mark.offset) - 1
        if keep > 0:
            del self._marks[:keep]

    def clear(self) -> None:
        """Forget everything unread."""
        self.unread.clear()
        self._marks.clear()
