"""The TCP header (RFC 9293, 3.1) and the two ends it belongs to."""

from __future__ import annotations

from struct import Struct

from ibsniff.model import SYN, Endpoint, Frame, Segment
from ibsniff.net.skip import Skip

HELLO = b"API\0"
"""What an IB client says first: worth noticing on any port."""

_header = Struct("!4xIIBBH").unpack_from
_u16 = Struct("!H").unpack_from

_MAX_FLOWS = 16_384
"""Remembered pairs of endpoints, about 6 MB. They save work only, so reaching the bound just starts afresh."""

_MAPPED = bytes(10) + b"\xff\xff"
"""::ffff:0:0/96, an IPv4 address written as IPv6 (RFC 4291, 2.5.5.2)."""


def unmapped(address: bytes) -> bytes:
    """Take the IPv4 address out of an IPv4-mapped IPv6 address; leave any other as it is."""
    return address[12:] if len(address) == 16 and address.startswith(_MAPPED) else address


class Flows:
    """The endpoints of the packets seen, so that the same two are not built for every packet."""

    def __init__(self) -> None:
        self._ends: dict[bytes, tuple[Endpoint, Endpoint]] = {}

    def ends(self, flow: bytes) -> tuple[Endpoint, Endpoint]:
        """Give source and destination, from both addresses and both ports as they stand in the packet."""
        ends = self._ends.get(flow)
        if ends is None:
            if len(self._ends) >= _MAX_FLOWS:
                self._ends.clear()
            ends = self._ends[flow] = _split(flow)
        return ends


def _split(flow: bytes) -> tuple[Endpoint, Endpoint]:
    size = (len(flow) - 4) // 2
    source, destination, ports = flow[:size], flow[size:-4], flow[-4:]
    return (
        Endpoint(unmapped(source), int.from_bytes(ports[:2])),
        Endpoint(unmapped(destination), int.from_bytes(ports[2:])),
    )


def read_segment(
    frame: Frame, ends: tuple[Endpoint, Endpoint], data: bytes, start: int, end: int, ttl: int, ip_id: int | None
) -> Segment | Skip:
    """Read the segment whose TCP header begins at ``start`` and whose payload ended at ``end`` on the wire."""
    if len(data) < start + 20:
        return Skip.CUT
    seq, ack, offset, flags, window = _header(data, start)
    payload = start + (offset >> 4) * 4
    if payload < start + 20 or payload > end:
        return Skip.DAMAGED
    mss = _maximum_segment_size(data[start + 20 : payload]) if flags & SYN else None
    return Segment(
        frame.number,
        frame.time_ns,
        ends[0],
        ends[1],
        seq,
        ack,
        flags,
        window,
        data[payload:end],
        end - payload,
        mss,
        ttl,
        ip_id,
    )


def begins_with_hello(data: bytes, start: int, end: int) -> bool:
    """Tell whether the payload of the TCP segment at ``start`` begins as an IB client does."""
    if len(data) < start + 20:
        return False
    payload = start + (data[start + 12] >> 4) * 4
    return payload >= start + 20 and payload + len(HELLO) <= end and data.startswith(HELLO, payload)


def _maximum_segment_size(options: bytes) -> int | None:
    """RFC 9293, 3.2: kind 2, length 4; kinds 0 and 1 have no length."""
    at = 0
    while at + 4 <= len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
        elif options[at] == 2 and options[at + 1] == 4:
            return int(_u16(options, at + 2)[0])
        else:
            at += max(options[at + 1], 2)  # a length below 2 is damage; go on rather than stand still
    return None
