"""TCP sequence numbers: 32 bits wide, wrapping (RFC 9293, 3.4). All arithmetic on them is here; elsewhere are offsets."""

from __future__ import annotations

from ibsniff.model import SYN, Segment

_MASK = 0xFFFF_FFFF
_HALF = 0x8000_0000


def difference(left: int, right: int) -> int:
    """How far ``left`` is ahead of ``right`` (negative: behind), by the shorter way round."""
    return ((left - right + _HALF) & _MASK) - _HALF


def advance(sequence: int, count: int) -> int:
    """The sequence number ``count`` further on."""
    return (sequence + count) & _MASK


def data_sequence(segment: Segment) -> int:
    """The sequence number of a segment's first data byte: a SYN takes the number before it."""
    return advance(segment.seq, 1) if segment.flags & SYN else segment.seq
