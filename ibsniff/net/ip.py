"""IPv4 and IPv6: the addresses, the transport protocol, and where its data begins and ends.

Header checksums are not verified: with checksum offload they are not computed yet when a packet is captured.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from ibsniff.net.skip import SkipReason, inside_tunnel

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
"""Protocol numbers (IANA)."""

_TUNNELS = {
    4: "IP in IP",
    41: "IPv6 in IP",
    47: "GRE",
    50: "IPsec ESP",
    51: "IPsec AH",  # in IPv4; in IPv6 it is an extension header and is skipped
    97: "EtherIP",
    108: "IPComp",
    115: "L2TP",
    137: "MPLS",
}
UDP_TUNNELS = {
    1194: "OpenVPN",
    1701: "L2TP",
    2152: "GTP",
    4500: "IPsec ESP",
    4789: "VXLAN",
    6081: "Geneve",
    6343: "sFlow",
    8472: "VXLAN",  # used by Linux before RFC 7348
    51820: "WireGuard",  # by convention
}
"""By destination port (IANA); a source port may have any of these numbers by chance."""

_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION, _MOBILITY = 0, 43, 44, 51, 60, 135
_EXTENSIONS = frozenset({_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION, _MOBILITY})
_MAX_EXTENSIONS = 8
"""RFC 8200, 4.1 recommends each at most once, destination options twice; more headers are not valid traffic."""

_MORE_FRAGMENTS = 0x2000
_OFFSET = 0x1FFF
FRAGMENTED = _MORE_FRAGMENTS | _OFFSET
"""The bits of IPv4's flags and fragment offset that are all 0 in a whole datagram."""

_ipv4_header = Struct("!BxHHHBB2x4s4s").unpack_from
_ipv6_header = Struct("!B3xHBB16s16s").unpack_from
_fragment_header = Struct("!BxHI").unpack_from
_u16 = Struct("!H").unpack_from


class Fragment(NamedTuple):
    """The datagram that a fragment belongs to, and its place in it."""

    key: bytes
    """What the fragments of a datagram have in common (RFC 791, 3.2; RFC 8200, 4.5): addresses and identification.

    The protocol, which is part of it in IPv4, is left out: only fragments of TCP are kept.
    """
    offset: int
    """In bytes."""
    more: bool


class Datagram(NamedTuple):
    """An IP packet, or a fragment of one, and where its transport data is."""

    source: bytes
    destination: bytes
    protocol: int
    data: bytes
    start: int
    end: int
    """Where the transport data ended on the wire: padding may follow, and ``data`` may end before it. When the length in
    the IP header exceeds the frame, it is the end of the frame."""
    ttl: int
    ip_id: int | None
    fragment: Fragment | None = None


def read_ipv4(data: bytes, at: int, wire_length: int, filled_until: int | None = None) -> Datagram | SkipReason:
    """Read the datagram whose IPv4 header begins at ``at`` (RFC 791, 3.1).

    Without a length of its own it reaches to ``filled_until``, or to the end of the frame.
    """
    if len(data) < at + 20:
        return SkipReason.CUT
    first, total, ip_id, flags, ttl, protocol, source, destination = _ipv4_header(data, at)
    header = (first & 0x0F) * 4
    # The length is 0 when the network card does the segmentation (TSO): the packet then fills the layer below.
    end = min(at + total if total else filled_until or wire_length, wire_length)
    if first >> 4 != 4 or header < 20 or end < at + header:
        return SkipReason.DAMAGED
    fragment = None
    if flags & FRAGMENTED:
        key = source + destination + data[at + 4 : at + 6]
        fragment = Fragment(key, (flags & _OFFSET) * 8, bool(flags & _MORE_FRAGMENTS))
    return Datagram(source, destination, protocol, data, at + header, end, ttl, ip_id, fragment)


def read_ipv6(data: bytes, at: int, wire_length: int, filled_until: int | None = None) -> Datagram | SkipReason:
    """Read the datagram whose IPv6 header begins at ``at`` (RFC 8200, 3), and skip its extension headers.

    Without a length of its own it reaches to ``filled_until``, or to the end of the frame.
    """
    if len(data) < at + 40:
        return SkipReason.CUT
    first, length, protocol, hops, source, destination = _ipv6_header(data, at)
    if first >> 4 != 6:
        return SkipReason.DAMAGED
    # The length is 0 in a jumbogram (RFC 2675) and with TSO: both fill the layer below.
    end = min(at + 40 + length if length else filled_until or wire_length, wire_length)
    return skip_extension_headers(Datagram(source, destination, protocol, data, at + 40, end, hops, None))


def skip_extension_headers(datagram: Datagram) -> Datagram | SkipReason:
    """Move the start of an IPv6 datagram past its extension headers, or to the data of a fragment."""
    data, at, protocol = datagram.data, datagram.start, datagram.protocol
    for _ in range(_MAX_EXTENSIONS):
        if protocol not in _EXTENSIONS:
            return datagram._replace(protocol=protocol, start=at)
        if len(data) < at + 8:
            return SkipReason.CUT
        if protocol == _FRAGMENT:
            protocol, offset, identification = _fragment_header(data, at)
            at += 8
            if offset & 0xFFF9:  # otherwise it is an atomic fragment, which is a whole datagram (RFC 6946)
                key = datagram.source + datagram.destination + identification.to_bytes(4)
                fragment = Fragment(key, offset & 0xFFF8, bool(offset & 1))
                return datagram._replace(protocol=protocol, start=at, fragment=fragment)
        else:
            # The length is in units of 8 bytes without the first; that of AH in units of 4 bytes without the first two
            # (RFC 4302, 2.2).
            following, units = data[at], data[at + 1]
            at += (units + 2) * 4 if protocol == _AUTHENTICATION else (units + 1) * 8
            protocol = following
    return SkipReason.DAMAGED


def may_hold_tcp(datagram: Datagram) -> bool:
    """Tell whether it is TCP, or an IPv6 fragment in which extension headers may precede the TCP header."""
    return datagram.protocol == TCP or (datagram.fragment is not None and datagram.protocol in _EXTENSIONS)


def not_tcp(datagram: Datagram) -> str:
    """Return the reason for skipping a datagram that is not TCP; tunnels are named."""
    name = _TUNNELS.get(datagram.protocol)
    is_first = datagram.fragment is None or datagram.fragment.offset == 0
    if datagram.protocol == UDP and is_first and len(datagram.data) >= datagram.start + 4:
        name = UDP_TUNNELS.get(_u16(datagram.data, datagram.start + 2)[0])
    return inside_tunnel(name) if name else SkipReason.NOT_TCP
