"""A side's bytes that are not read yet, which still know the packets they came in."""

from __future__ import annotations

from array import array
from bisect import bisect_right

from ibsniff.model import ColumnRun, Moment, Run


class StreamBuffer:
    """Unread stream bytes of one direction with their provenance.

    From which offset on bytes came in which packet, and when, stands in three arrays: an opening may come byte by byte in
    thousands of conversations, and a number in an array takes a quarter of the room of an object.
    """

    __slots__ = ("_numbers", "_offsets", "_owed", "_times_ns", "offset", "unread")

    def __init__(self) -> None:
        self.unread = bytearray()
        self.offset = 0
        """Stream offset of the first unread byte."""
        self._offsets, self._numbers, self._times_ns = array("q"), array("q"), array("q")
        self._owed = 0
        """Bytes still to come that are read already."""

    def append(self, run: Run) -> None:
        """Take the next run; an empty buffer starts at its offset."""
        self._append(run.offset, run.data)
        for offset, number, time_ns in run.marks:
            self._offsets.append(offset)
            self._numbers.append(number)
            self._times_ns.append(time_ns)
        self._pay()

    def append_columns(self, stretch: ColumnRun) -> None:
        """The same in bulk."""
        self._append(stretch.offset, stretch.data)
        self._offsets += stretch.mark_offsets
        self._numbers += stretch.mark_packets
        self._times_ns += stretch.mark_times_ns
        self._pay()

    def _append(self, offset: int, data: bytes) -> None:
        if not self.unread:
            self.offset = offset
            self._keep_marks(0, 0)
        self.unread += data

    def _pay(self) -> None:
        """Drop what was owed of the bytes that have come."""
        if self._owed:
            owed, self._owed = self._owed, 0
            self.drop(owed)

    def _mark(self, index: int) -> int:
        """Which mark the unread byte at this index belongs to."""
        return max(bisect_right(self._offsets, self.offset + index) - 1, 0)

    def _keep_marks(self, first: int, end: int) -> None:
        for marks in (self._offsets, self._numbers, self._times_ns):
            del marks[end:]
            del marks[:first]

    def moment(self, index: int) -> Moment:
        """Packet and time of the unread byte at this index."""
        mark = self._mark(index)
        return Moment(self._numbers[mark], self._times_ns[mark])

    def packets(self, start: int, end: int) -> tuple[int, ...]:
        """Numbers of the packets that brought the unread bytes ``[start, end)``, each once."""
        return tuple(dict.fromkeys(self._numbers[self._mark(start) : self._mark(end - 1) + 1]))

    def starts(self) -> list[int]:
        """Indices of unread bytes at which a packet's payload begins."""
        return [offset - self.offset for offset in self._offsets if offset >= self.offset]

    def join(self) -> None:
        """What is unread is one piece: nobody will ask in which packets it came after its first byte."""
        self._keep_marks(0, 1)

    def drop(self, count: int) -> None:
        """These bytes are read; those of them that have not come yet will be dropped when they come."""
        self._owed += max(count - len(self.unread), 0)
        del self.unread[:count]
        self.offset += count
        if keep := self._mark(0):
            self._keep_marks(keep, len(self._offsets))

    def clear(self) -> None:
        """Forget everything unread, and what is owed."""
        self.unread.clear()
        self._keep_marks(0, 0)
        self._owed = 0
