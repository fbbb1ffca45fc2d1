"""Interface descriptions of pcapng, which define the meaning of time stamps (draft-ietf-opsawg-pcapng, section 4.2)."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from ibsniff.capture import blocks
from ibsniff.model import NANOSECONDS

MAX_TIME_NS = 2**63 - 1
"""The year 2262. A later time stamp comes from a broken clock or a wrong resolution, and does not fit into 64 bits."""

MICROSECOND_NS = 1000

_MICROSECONDS = 6
_POWER_OF_TWO = 0x80  # a bit of if_tsresol: the other bits are an exponent of 2 instead of 10


class PcapngInterface(NamedTuple):
    """What is needed to read the packets of an interface."""

    link_type: int
    multiplier: int
    divisor: int
    offset_ns: int
    snaplen: int

    def time_ns(self, ticks: int) -> int | None:
        """Convert a time stamp to nanoseconds since the epoch; None when the result is impossible."""
        time_ns = ticks * self.multiplier // self.divisor + self.offset_ns
        return time_ns if 0 <= time_ns <= MAX_TIME_NS else None

    def end_time_ns(self, ticks: int, last_packet_ns: int) -> int | None:
        """Convert the end time of a capture; None when the result is impossible.

        dumpcap writes this time stamp in microseconds whatever resolution it declares (observed with 4.0.17, which
        declares nanoseconds on Linux). By the declared resolution the end would be in January 1970, before the packets of
        the capture; then the time stamp is read as microseconds.
        """
        declared_ns = self.time_ns(ticks)
        if declared_ns is None or declared_ns >= last_packet_ns:
            return declared_ns
        meant_ns = ticks * MICROSECOND_NS + self.offset_ns
        return meant_ns if last_packet_ns <= meant_ns <= MAX_TIME_NS else declared_ns


def parse_interface_description(body: bytes, byte_order: str) -> PcapngInterface:
    """Parse the body of an interface description block. Raises DamagedCapture when its options do not fit."""
    link_type, _reserved, snaplen = Struct(byte_order + "HHI").unpack_from(body)
    resolution, offset = _MICROSECONDS, 0
    for code, value in blocks.options(body[8:], byte_order):
        if code == blocks.IF_TIME_RESOLUTION and len(value) == 1:
            resolution = value[0]
        elif code == blocks.IF_TIME_OFFSET and len(value) == 8:
            (offset,) = Struct(byte_order + "q").unpack(value)
    return PcapngInterface(link_type, *_scale(resolution), offset * NANOSECONDS, snaplen)


def _scale(resolution: int) -> tuple[int, int]:
    """Return the multiplier and divisor that convert ticks to nanoseconds."""
    if resolution & _POWER_OF_TWO:
        return NANOSECONDS, 2 ** (resolution & ~_POWER_OF_TWO)
    if resolution <= 9:
        return 10 ** (9 - resolution), 1
    return 1, 10 ** (resolution - 9)
