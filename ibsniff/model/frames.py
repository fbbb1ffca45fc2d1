"""capture -> net: packets as they were captured, one by one or many at once, and the passing of time."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ibsniff.model.arrays import Numbers

NANOSECONDS = 1_000_000_000
"""In one second."""


class Frame(NamedTuple):
    """One captured packet."""

    number: int
    """Its number in the input, from 1, as in Wireshark."""
    time_ns: int
    """Nanoseconds since the epoch."""
    link_type: int
    """LINKTYPE_ value of the interface it came from (tcpdump.org/linktypes.html)."""
    data: bytes
    """The captured bytes, link-layer header first."""
    wire_length: int
    """Its length on the wire; greater than ``len(data)`` when the capture cut it (snaplen)."""


class Lane(StrEnum):
    """How the packets of a file are processed; the report is the same."""

    AUTO = "auto"
    """One by one while they are few, in columns for most of a large file."""
    PLAIN = "plain"
    COLUMNS = "columns"


@dataclass(frozen=True, slots=True)
class Columns:
    """Many captured packets at once, of one link type and numbered without a gap: an array for each field.

    It contains the same as that many ``Frame``, and processing it costs a hundredth.
    """

    first_number: int
    link_type: int
    buffer: bytes
    """Contains all of them, and what lies between them in the file."""
    starts: "Numbers"
    """Where in the buffer each packet's captured bytes begin."""
    captured: "Numbers"
    """How many bytes of each packet were captured."""
    wire_lengths: "Numbers"
    times_ns: "Numbers"

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def time_ns(self) -> int:
        """The time of the last packet."""
        return int(self.times_ns[-1])

    def frame(self, index: int) -> Frame:
        """Return one of them."""
        start = int(self.starts[index])
        return Frame(
            self.first_number + index,
            int(self.times_ns[index]),
            self.link_type,
            self.buffer[start : start + int(self.captured[index])],
            int(self.wire_lengths[index]),
        )

    def frames(self, indices: "Numbers") -> Iterator[Frame]:
        """Yield some of them, in that order."""
        starts = self.starts[indices]
        columns = (indices + self.first_number, self.times_ns[indices], starts, starts + self.captured[indices])
        rows = zip(*(column.tolist() for column in (*columns, self.wire_lengths[indices])), strict=True)
        for number, time_ns, start, end, wire_length in rows:
            yield Frame(number, time_ns, self.link_type, self.buffer[start:end], wire_length)


class Tick(NamedTuple):
    """The news that time has passed on a live source without a packet: silence is concluded from it."""

    time_ns: int
