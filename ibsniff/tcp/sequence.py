"""TCP sequence numbers are 32 bits wide and wrap (RFC 9293, 3.4): all such arithmetic is here, elsewhere are plain ints."""

from __future__ import annotations

_MASK = 0xFFFF_FFFF
_HALF = 0x8000_0000


def difference(left: int, right: int) -> int:
    """How far ``left`` lies ahead of ``right`` (negative: behind), taking the shorter way round."""
    return ((left - right + _HALF) & _MASK) - _HALF


def advance(sequence: int, count: int) -> int:
    """The sequence number ``count`` further on."""
    return (sequence + count) & _MASK
