"""Data that acknowledges more than the other side is known to have sent.

Either the capture missed those bytes, or the segment was forged by somebody who does not see the connection: a receiver
drops a segment that acknowledges what it has not sent (RFC 9293, 3.10.7.4). The segment is held back until the other side's
next packets tell which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ibsniff.model import ACK, FIN, RST, SYN, Segment
from ibsniff.tcp.hole_wait import WAIT_NS
from ibsniff.tcp.sequence import difference

if TYPE_CHECKING:
    from ibsniff.tcp.direction import Direction

MAX_HELD_SEGMENTS = 16
"""Segments of one connection that are held back; with one more, all count: the capture misses what one side sends."""
MAX_HELD_BYTES = 16 << 10
"""The same in bytes, so that thousands of connections hold no more than a small machine can spare. TWS's reply to a hello
has less than a hundred."""


class HeldSegments:
    """Those of one connection: at least one, all from the same side."""

    __slots__ = ("_bytes", "_segments", "sender")

    def __init__(self, first: Segment, sender: Direction) -> None:
        self.sender = sender
        self._segments: list[Segment] = []
        self._bytes = 0
        self.add(first)

    def add(self, segment: Segment) -> None:
        """Hold one more segment back."""
        self._segments.append(segment)
        self._bytes += len(segment.payload)
        self.sender.half.held = len(self._segments)

    @property
    def are_too_many(self) -> bool:
        """More are held than the limits allow."""
        return len(self._segments) > MAX_HELD_SEGMENTS or self._bytes > MAX_HELD_BYTES

    def take(self) -> list[Segment]:
        """Return them: they are not held any more."""
        self.sender.half.held = 0
        return self._segments

    def are_accepted_by(self, answer: Segment) -> bool:
        """Tell whether this segment of the other side acknowledges the first, or shows that the bytes in doubt were sent."""
        first = self._segments[0]
        if answer.flags & ACK and difference(answer.ack, first.seq) > 0:
            return True
        return difference(first.ack, answer.seq) <= answer.length and not answer.flags & (FIN | RST)

    def are_refuted_by(self, answer: Segment) -> bool:
        """Tell whether this segment of the other side shows that the bytes in doubt were never sent.

        It begins where the captured bytes end, and is its sender's last, or the bytes in doubt would have come before it: a
        segment without data has the number of the next byte. It may have been captured in the wrong order, but not by so
        much time.
        """
        first, other = self._segments[0], self.sender.peer
        if answer.seq != other.next_sequence or other.next != other.end:
            return False
        if difference(first.ack, answer.seq) <= answer.length + bool(answer.flags & FIN):
            return False
        return bool(answer.flags & (FIN | RST)) or (not answer.length and answer.time_ns - first.time_ns > WAIT_NS)


def is_in_doubt(segment: Segment, mine: Direction) -> bool:
    """Tell whether data acknowledges more than was captured of the other side, although nothing of it is missing so far.

    One number more may be that of a FIN.
    """
    peer, flags = mine.peer, segment.flags
    if not segment.length or flags & (ACK | SYN | FIN | RST) != ACK or not peer.begun:
        return False
    is_complete = peer.next == peer.end == peer.half.length and not peer.half.gap_bytes and peer.half.fin is None
    return is_complete and difference(segment.ack, peer.next_sequence) > 1
