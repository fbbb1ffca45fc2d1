"""Tunnels: where in a datagram the packet begins that it carries.

Only tunnels whose content is neither encrypted nor compressed, and whose header says where it ends, are read. What is inside
any other tunnel is skipped, and its kind is named.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from ibsniff.net.ip import UDP, Datagram
from ibsniff.net.link import Network, find_network, network_of

MAX_TUNNELS = 4
"""Tunnels inside each other: two are usual (a cloud's around a cluster's), and the work for one frame is bounded."""

_ETHERNET = 1
_BRIDGED = 0x6558
"""EtherType of an Ethernet frame inside a tunnel (RFC 1701)."""
_IPV4_IN_IP, _IPV6_IN_IP, _GRE, _ETHERIP = 4, 41, 47, 97
_GRE_CHECKSUM, _GRE_KEY, _GRE_SEQUENCE, _GRE_MUST_BE_0 = 0x8000, 0x2000, 0x1000, 0x4007
"""RFC 2784, 2890. Routing is obsolete; version 1 is PPTP, which may compress and encrypt."""
_VXLAN_HAS_NETWORK = 0x08
_GTP_KIND, _GTP_V1_KIND = 0xF0, 0x30
"""The bits that hold version 1 and the protocol type GTP (3GPP TS 29.281, 5.1)."""
_GTP_HAS_EXTENSION, _GTP_HAS_OPTIONAL, _GTP_USER_DATA = 0x04, 0x07, 255
_GTP_MAX_EXTENSIONS = 4
"""One is usual (5G's PDU session container)."""

_u16 = Struct("!H").unpack_from
_two_u16 = Struct("!HH").unpack_from


def encapsulated(datagram: Datagram) -> Network | None:
    """Return the packet that a datagram carries; None when it is not a tunnel, or one that is not read."""
    data, at, end = datagram.data, datagram.start, min(datagram.end, len(datagram.data))
    reader = _BY_PROTOCOL.get(datagram.protocol)
    if datagram.protocol == UDP and end >= at + 8:
        reader = _BY_PORT.get(_u16(data, at + 2)[0])
        at += 8
    found = reader(data, at, end) if reader is not None and datagram.fragment is None else None
    return found if isinstance(found, Network) else None


def _ip(data: bytes, at: int, end: int) -> Network | str | None:
    """A packet without a header in front of it."""
    return find_network(_RAW, data, at) if at < end else None


def _gre(data: bytes, at: int, end: int) -> Network | str | None:
    if end < at + 4:
        return None
    flags, protocol = _two_u16(data, at)
    optional = sum(bool(flags & bit) for bit in (_GRE_CHECKSUM, _GRE_KEY, _GRE_SEQUENCE))
    return None if flags & _GRE_MUST_BE_0 else _by_ether_type(data, protocol, at + 4 + 4 * optional)


def _etherip(data: bytes, at: int, end: int) -> Network | str | None:
    """RFC 3378: version 3, and twelve bits of 0."""
    return find_network(_ETHERNET, data, at + 2) if data[at:end].startswith(b"\x30\0") else None


def _vxlan(data: bytes, at: int, end: int) -> Network | str | None:
    """RFC 7348, 5: flags, three reserved bytes, the network's number, a reserved byte."""
    is_vxlan = end >= at + 8 and data[at] == _VXLAN_HAS_NETWORK and not data[at + 7]
    return find_network(_ETHERNET, data, at + 8) if is_vxlan else None


def _geneve(data: bytes, at: int, end: int) -> Network | str | None:
    """RFC 8926, 3.4: version and length of the options in units of 4 bytes, flags, EtherType, the network's number."""
    if end < at + 8 or data[at] >> 6:
        return None
    return _by_ether_type(data, _u16(data, at + 2)[0], at + 8 + 4 * (data[at] & 0x3F))


def _gtp(data: bytes, at: int, end: int) -> Network | str | None:
    """3GPP TS 29.281, 5.1 and 5.2: eight bytes, four more if one of three flags is set, and extension headers."""
    if end < at + 12 or data[at] & _GTP_KIND != _GTP_V1_KIND or data[at + 1] != _GTP_USER_DATA:
        return None
    flags = data[at]
    at += 12 if flags & _GTP_HAS_OPTIONAL else 8
    following = data[at - 1] if flags & _GTP_HAS_EXTENSION else 0
    for _ in range(_GTP_MAX_EXTENSIONS):
        if not following:
            return _ip(data, at, end)
        if at >= end or not data[at] or at + 4 * data[at] >= end:
            return None
        at += 4 * data[at]
        following = data[at - 1]
    return None


def _by_ether_type(data: bytes, protocol: int, at: int) -> Network | str:
    return find_network(_ETHERNET, data, at) if protocol == _BRIDGED else network_of(data, protocol, at)


_RAW = 101
_Reader = Callable[[bytes, int, int], Network | str | None]
_BY_PROTOCOL: dict[int, _Reader] = {_IPV4_IN_IP: _ip, _IPV6_IN_IP: _ip, _GRE: _gre, _ETHERIP: _etherip}
_BY_PORT: dict[int, _Reader] = {4789: _vxlan, 8472: _vxlan, 6081: _geneve, 2152: _gtp}
"""By destination port: see ``ip.UDP_TUNNELS``."""
