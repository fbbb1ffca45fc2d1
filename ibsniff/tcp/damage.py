"""Segments with a wrong checksum: their receiver drops them, so their bytes are put aside here; they come again.

If instead the other side acknowledges them, or wrong checksums are many, it is the checksums that mean nothing: what
rewrites addresses may get every other one wrong, and what was put aside is taken after all.
"""

from __future__ import annotations

from collections import deque

from ibsniff.model import RST, SYN, Half, Segment
from ibsniff.tcp.sequence import advance, difference

DAMAGED_SEGMENTS = 64
"""Put aside at most, the latest: damage is rare, and where the checksums mean nothing that shows soon."""
SOUND_FOR_EACH_DAMAGED = 4
"""Less is no damage: a network that spoils so many packets is used by nobody."""


class Damage:
    """The checksums of one side."""

    __slots__ = ("computes", "segments")

    def __init__(self) -> None:
        self.computes: bool | None = None
        """A right one was seen; False when they have turned out to mean nothing."""
        self.segments: deque[Segment] = deque(maxlen=DAMAGED_SEGMENTS)
        """Put aside."""

    def doubts(self, segment: Segment) -> bool:
        """Its checksum is wrong, and this side's checksums mean something."""
        return segment.intact is False and self.computes is True

    def holds_back(self, segment: Segment, half: Half) -> bool:
        """Judge a segment by its checksum, and put its bytes aside when it is damaged."""
        if segment.intact and self.computes is None:
            self.computes = True
        if not self.doubts(segment):
            return False
        if SOUND_FOR_EACH_DAMAGED * (half.damaged - 1) > half.segments:
            self.distrust()
            return False
        half.damaged += 1
        if segment.length and not segment.flags & (SYN | RST):
            self.segments.append(segment)
        return True

    def distrust(self) -> None:
        """The checksums of this side mean nothing."""
        self.computes = False

    def ends_after(self, next_sequence: int) -> int | None:
        """How far behind the next byte the nearest segment ends that is still of use."""
        ends = (difference(_end(segment), next_sequence) for segment in self.segments)
        return min((end for end in ends if end > 0), default=None)

    def take(self, acked_sequence: int) -> list[Segment]:
        """Remove and return what the other side has acknowledged, or all if the checksums mean nothing."""
        taken = [each for each in self.segments if not self.computes or difference(acked_sequence, _end(each)) >= 0]
        for segment in taken:
            self.segments.remove(segment)
        return taken


def _end(segment: Segment) -> int:
    return advance(segment.seq, segment.length)
