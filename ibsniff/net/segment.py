"""The TCP header (RFC 9293, 3.1) and the endpoints of its connection."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from ibsniff.model import SYN, Endpoint, Frame, Segment
from ibsniff.net.skip import SkipReason

HELLO = b"API\0"
"""What an IB client sends first. It is recognised on any port."""

_header = Struct("!4xIIBBHH").unpack_from
_u16 = Struct("!H").unpack_from

_TCP = 6
_ONES = 0xFFFF

MAX_FLOWS = 16_384
"""Cached flows, about 6 MB. They only save work: when the bound is reached, the cache is cleared."""

_MAPPED = bytes(10) + b"\xff\xff"
"""::ffff:0:0/96, the prefix of IPv4-mapped IPv6 addresses (RFC 4291, 2.5.5.2)."""

LONGEST_ON_A_WIRE = 1_500
"""Bytes of a segment whose checksum is verified (IEEE 802.3). A longer one was merged by the network card when it was
received, and has the checksum of one of its parts, or will be split when it is sent. Real jumbo frames are not verified
either."""


class Flow(NamedTuple):
    """The endpoints of a packet: who sends to whom."""

    source: Endpoint
    destination: Endpoint
    pseudo_sum: int
    """The sum of the pseudo header without the length (RFC 9293, 3.1), modulo 65,535."""


def unmapped(address: bytes) -> bytes:
    """Return the IPv4 address in an IPv4-mapped IPv6 address; return any other address unchanged."""
    return address[12:] if len(address) == 16 and address.startswith(_MAPPED) else address


class FlowCache:
    """A cache of flows, so that they are not built again for every packet."""

    def __init__(self) -> None:
        self._flows: dict[bytes, Flow] = {}

    def find(self, key: bytes) -> Flow:
        """Return the flow for both addresses and both ports in the order in which they are in the packet."""
        flow = self._flows.get(key)
        if flow is None:
            if len(self._flows) >= MAX_FLOWS:
                self._flows.clear()
            flow = self._flows[key] = _split(key)
        return flow


def _split(key: bytes) -> Flow:
    size = (len(key) - 4) // 2
    source, destination, ports = key[:size], key[size:-4], key[-4:]
    is_ipv4 = size == 4
    return Flow(
        Endpoint(source if is_ipv4 else unmapped(source), int.from_bytes(ports[:2])),
        Endpoint(destination if is_ipv4 else unmapped(destination), int.from_bytes(ports[2:])),
        (int.from_bytes(source + destination) + _TCP) % _ONES,
    )


def read_segment(
    frame: Frame, flow: Flow, data: bytes, start: int, end: int, ttl: int, ip_id: int | None
) -> Segment | SkipReason:
    """Read the segment whose TCP header begins at ``start`` and whose payload ended at ``end`` on the wire."""
    if len(data) < start + 20:
        return SkipReason.CUT
    seq, ack, offset, flags, window, checksum = _header(data, start)
    payload = start + (offset >> 4) * 4
    if payload < start + 20 or payload > end:
        return SkipReason.DAMAGED
    mss = _maximum_segment_size(data[start + 20 : payload]) if flags & SYN else None
    source, destination, pseudo_sum = flow
    length, intact = end - start, None
    # With checksum offload the field holds 0 or the sum of the pseudo header, with the length or (with TSO) without it.
    if checksum and checksum != (pseudo_sum + length) % _ONES and checksum != pseudo_sum:
        segment = data[start:end]
        if len(segment) == length <= LONGEST_ON_A_WIRE:
            # The ones' complement sum of 16-bit words (RFC 1071) is the remainder of the bytes as one large number.
            intact = not ((int.from_bytes(segment) << 8 * (length & 1)) + pseudo_sum + length) % _ONES
    return Segment(
        frame.number,
        frame.time_ns,
        source,
        destination,
        seq,
        ack,
        flags,
        window,
        data[payload:end],
        end - payload,
        mss,
        ttl,
        ip_id,
        intact,
    )


def begins_with_hello(data: bytes, start: int, end: int) -> bool:
    """Tell whether the payload of the TCP segment at ``start`` begins with an IB client's hello."""
    if len(data) < start + 20:
        return False
    payload = start + (data[start + 12] >> 4) * 4
    return payload >= start + 20 and payload + len(HELLO) <= end and data.startswith(HELLO, payload)


def _maximum_segment_size(options: bytes) -> int | None:
    """Return the option of kind 2 and length 4; kinds 0 and 1 have no length field (RFC 9293, 3.2)."""
    at = 0
    while at + 4 <= len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
        elif options[at] == 2 and options[at + 1] == 4:
            return int(_u16(options, at + 2)[0])
        else:
            at += max(options[at + 1], 2)  # a length below 2 is damage, and must not stop the loop from advancing
    return None
