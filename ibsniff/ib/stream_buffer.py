"""The bytes of one side that are not read yet, and the packets that they came in."""

from __future__ import annotations

from array import array
from bisect import bisect_right

from ibsniff.model import ColumnRun, Moment, Run


class StreamBuffer:
    """Unread stream bytes of one side, each of which can be traced to its packet.

    Three arrays hold the marks: from which offset on the bytes came in which packet, and when. An opening may come byte by
    byte in thousands of conversations, and a number in an array takes a quarter of the memory of an object.
    """

    __slots__ = ("_numbers", "_offsets", "_skip", "_times_ns", "offset", "unread")

    def __init__(self) -> None:
        self.unread = bytearray()
        self.offset = 0
        """Stream offset of the first unread byte."""
        self._offsets, self._numbers, self._times_ns = array("q"), array("q"), array("q")
        self._skip = 0
        """How many of the bytes still to come are to be skipped."""

    def append(self, run: Run) -> None:
        """Take the next run; an empty buffer starts at its offset."""
        self._append(run.offset, run.data)
        for offset, number, time_ns in run.marks:
            self._offsets.append(offset)
            self._numbers.append(number)
            self._times_ns.append(time_ns)
        self._skip_read_bytes()

    def append_columns(self, run: ColumnRun) -> None:
        """Take the next run of the column lane."""
        self._append(run.offset, run.data)
        self._offsets += run.mark_offsets
        self._numbers += run.mark_packets
        self._times_ns += run.mark_times_ns
        self._skip_read_bytes()

    def _append(self, offset: int, data: bytes) -> None:
        if not self.unread:
            self.offset = offset
            self._keep_marks(0, 0)
        self.unread += data

    def _skip_read_bytes(self) -> None:
        """Drop those of the new bytes that were declared read before they came."""
        if self._skip:
            skip, self._skip = self._skip, 0
            self.drop(skip)

    def _mark(self, index: int) -> int:
        """The mark that the unread byte at this index belongs to."""
        return max(bisect_right(self._offsets, self.offset + index) - 1, 0)

    def _keep_marks(self, first: int, end: int) -> None:
        for marks in (self._offsets, self._numbers, self._times_ns):
            del marks[end:]
            del marks[:first]

    @property
    def is_within_message(self) -> bool:
        """Whether a message has begun of which not all has come: its bytes wait, or those still to come are to be skipped."""
        return bool(self.unread) or self._skip > 0

    def moment(self, index: int) -> Moment:
        """Packet and time of the unread byte at this index."""
        mark = self._mark(index)
        return Moment(self._numbers[mark], self._times_ns[mark])

    @property
    def marks(self) -> tuple[array[int], array[int]]:
        """From which stream offsets on the bytes came in which packets. Both arrays change with the buffer."""
        return self._offsets, self._numbers

    def pieces(self, start: int, end: int) -> tuple[Moment, ...]:
        """The packets that brought the unread bytes ``[start, end)``, each listed once."""
        within = slice(self._mark(start), self._mark(end - 1) + 1)
        times = dict(zip(self._numbers[within][::-1], self._times_ns[within][::-1], strict=True))
        return tuple(Moment(number, times[number]) for number in dict.fromkeys(self._numbers[within]))

    def packet_starts(self) -> list[int]:
        """Indices of unread bytes at which a packet's payload begins."""
        return [offset - self.offset for offset in self._offsets if offset >= self.offset]

    def keep_first_mark(self) -> None:
        """Forget which packets brought the unread bytes after the first: they are a part of one message."""
        self._keep_marks(0, 1)

    def drop(self, count: int) -> None:
        """Remove bytes that were read; those of them that have not come yet are skipped when they come."""
        self._skip += max(count - len(self.unread), 0)
        del self.unread[:count]
        self.offset += count
        if keep := self._mark(0):
            self._keep_marks(keep, len(self._offsets))

    def clear(self) -> None:
        """Forget everything unread, and what was to be skipped."""
        self.unread.clear()
        self._keep_marks(0, 0)
        self._skip = 0
