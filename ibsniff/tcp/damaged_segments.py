"""Segments with a wrong checksum.

Their receiver drops them and the sender repeats them, so their bytes are set aside here. But if the other side
acknowledges those bytes, or if wrong checksums are many, it is the checksums that mean nothing: a device that rewrites
addresses may get every other one wrong. Then what was set aside is used after all.
"""

from __future__ import annotations

from collections import deque

from ibsniff.model import RST, SYN, Half, Segment
from ibsniff.tcp.sequence import advance, difference

KEPT_SEGMENTS = 64
"""How many of the latest are kept: damage is rare, and checksums that mean nothing are soon recognised."""
INTACT_PER_DAMAGED = 4
"""With fewer intact segments than this for each damaged one the checksums mean nothing: nobody uses such a network."""


class DamagedSegments:
    """The segments of one side that were set aside, and whether its checksums can be trusted."""

    __slots__ = ("checksums_trusted", "segments")

    def __init__(self) -> None:
        self.checksums_trusted: bool | None = None
        """True after a right checksum was seen; False when checksums turned out to mean nothing; None before."""
        self.segments: deque[Segment] | tuple[()] = ()
        """Those that were set aside; a deque only when there are some, because it takes 600 bytes."""

    def is_damaged(self, segment: Segment) -> bool:
        """Whether its checksum is wrong, and this side's checksums can be trusted."""
        return segment.intact is False and self.checksums_trusted is True

    def set_aside(self, segment: Segment, half: Half) -> bool:
        """Set a segment aside if it is damaged; return whether it is."""
        if segment.intact and self.checksums_trusted is None:
            self.checksums_trusted = True
        if not self.is_damaged(segment):
            return False
        if INTACT_PER_DAMAGED * (half.damaged - 1) > half.segments:
            self.ignore_checksums()
            return False
        half.damaged += 1
        if segment.length and not segment.flags & (SYN | RST):
            self.segments = self.segments or deque(maxlen=KEPT_SEGMENTS)
            self.segments.append(segment)
        return True

    def ignore_checksums(self) -> None:
        """Stop judging segments of this side by their checksums."""
        self.checksums_trusted = False

    def nearest_end(self, next_sequence: int) -> int | None:
        """How many bytes after ``next_sequence`` the nearest useful segment ends; None if there is none."""
        ends = (difference(_end(segment), next_sequence) for segment in self.segments)
        return min((end for end in ends if end > 0), default=None)

    def take(self, acked_sequence: int) -> list[Segment]:
        """Remove and return the segments that the other side acknowledged, or all if the checksums mean nothing."""
        taken = [
            segment
            for segment in self.segments
            if not self.checksums_trusted or difference(acked_sequence, _end(segment)) >= 0
        ]
        if self.segments:
            for segment in taken:
                self.segments.remove(segment)
        return taken


def _end(segment: Segment) -> int:
    return advance(segment.seq, segment.length)
