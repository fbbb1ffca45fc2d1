"""Link layers: where in a frame the network layer begins, and which protocol it is.

The layouts are those of https://www.tcpdump.org/linktypes.html. A reader takes the frame and the offset of its link header
(pktap wraps other link types), and returns the EtherType and the offset of what follows. A new link type is one small
function and one row in ``READERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from ibsniff.net.skip import SkipReason, inside_tunnel

IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
"""EtherTypes (IANA, IEEE 802 numbers). Link types without them are translated to these."""

_VLAN_TAGS = frozenset({0x8100, 0x88A8, 0x9100})
"""802.1Q, 802.1ad (QinQ), and the number QinQ had before it was standardised."""

_MAX_TAGS = 8
"""Two tags are usual and four exist; the work for a frame that consists only of tags is bounded."""

_PPPOE_SESSION = 0x8864
_PPP_PROTOCOLS = {0x0021: IPV4, 0x0057: IPV6}
"""RFC 2516, 4 and the PPP DLL protocol numbers (IANA)."""

_MPLS = frozenset({0x8847, 0x8848})
_BOTTOM_OF_STACK = 0x01
"""In the third byte of the last label (RFC 3032, 2.1)."""

_TUNNELS = {0x8847: "MPLS", 0x8848: "MPLS", 0x88E5: "MACsec", 0x88E7: "PBB", 0x894F: "NSH"}
"""EtherTypes of encapsulations that are not read; MPLS is, when it carries IP."""

FAMILIES = {2: IPV4, 10: IPV6, 23: IPV6, 24: IPV6, 28: IPV6, 30: IPV6}
"""AF_INET is 2 everywhere. AF_INET6: 10 Linux, 23 Windows (Npcap), 24 NetBSD and OpenBSD, 28 FreeBSD, 30 macOS."""

_u16 = Struct("!H").unpack_from
_pppoe_header = Struct("!HH").unpack_from
"""The length of what follows it, and the PPP protocol, which is the first two bytes of that."""


class Network(NamedTuple):
    """The network layer of a frame."""

    protocol: int
    """EtherType."""
    offset: int
    end: int | None = None
    """Where the packet ends according to the layer below; padding may follow. None when that does not say."""


def ethernet(data: bytes, at: int) -> Network | str:
    """IEEE 802.3: two addresses, EtherType."""
    return _after_ethertype(data, at + 12)


def cooked(data: bytes, at: int) -> Network | str:
    """LINKTYPE_LINUX_SLL: packet type, ARPHRD_ type, address length, address (8), protocol."""
    return _after_ethertype(data, at + 14)


def cooked_v2(data: bytes, at: int) -> Network | str:
    """LINKTYPE_LINUX_SLL2: protocol, then 18 bytes for the interface and the address."""
    if len(data) < at + 20:
        return SkipReason.CUT
    (protocol,) = _u16(data, at)
    return network_of(data, protocol, at + 20)


def loopback(data: bytes, at: int) -> Network | str:
    """LINKTYPE_NULL and LINKTYPE_LOOP: the address family in four bytes.

    NULL has the byte order of the capturing machine, LOOP has network byte order. Files with either order exist under both
    numbers; the numbers of the families are so small that the order is never ambiguous.
    """
    if len(data) < at + 4:
        return SkipReason.CUT
    header = data[at : at + 4]
    protocol = FAMILIES.get(int.from_bytes(header, "little")) or FAMILIES.get(int.from_bytes(header, "big"))
    return Network(protocol, at + 4) if protocol else SkipReason.NOT_IP


def raw(data: bytes, at: int) -> Network | str:
    """LINKTYPE_RAW, _IPV4, _IPV6: no link layer; the first four bits are the IP version."""
    if len(data) <= at:
        return SkipReason.CUT
    protocol = {4: IPV4, 6: IPV6}.get(data[at] >> 4)
    return Network(protocol, at) if protocol else SkipReason.NOT_IP


_pktap_header = Struct("<III").unpack_from
_PKTAP_MINIMUM = 12 + 24
"""The three words that are read here, and the interface name; later releases append more fields."""
_PKTAP_PACKET = 1


def pktap(data: bytes, at: int) -> Network | str:
    """LINKTYPE_PKTAP (macOS): header length, record type and the link type of the frame that follows the header.

    Layout: ``struct pktap_header`` in xnu's bsd/net/pktap.h, in the byte order of the Mac, which is little endian.
    """
    if len(data) < at + _PKTAP_MINIMUM:
        return SkipReason.CUT
    length, record_type, link_type = _pktap_header(data, at)
    if record_type != _PKTAP_PACKET or length < _PKTAP_MINIMUM or link_type in _PKTAP_TYPES:
        return SkipReason.DAMAGED
    return find_network(link_type, data, at + length)


def user2(data: bytes, at: int) -> Network | str:
    """LINKTYPE_USER2 is for private use; macOS wrote pktap under this number before pktap had its own."""
    network = pktap(data, at)
    return unsupported(149) if network is SkipReason.DAMAGED else network


READERS: dict[int, Callable[[bytes, int], Network | str]] = {
    0: loopback,
    1: ethernet,
    12: raw,  # the value of DLT_RAW on most systems, written without translation
    14: raw,  # the value of DLT_RAW on OpenBSD
    101: raw,
    108: loopback,
    113: cooked,
    149: user2,
    228: raw,
    229: raw,
    258: pktap,
    276: cooked_v2,
}
_PKTAP_TYPES = frozenset({149, 258})

_UNREAD_NAMES = {
    6: "IEEE802_5",
    8: "SLIP",
    9: "PPP",
    50: "PPP_HDLC",
    51: "PPP_ETHER",
    104: "C_HDLC",
    105: "IEEE802_11",
    107: "FRELAY",
    119: "IEEE802_11_PRISM",
    127: "IEEE802_11_RADIOTAP",
    **{147 + user: f"USER{user}" for user in range(16)},
    192: "PPI",
    201: "BLUETOOTH_HCI_H4_WITH_PHDR",
    220: "USB_LINUX_MMAPPED",
    226: "IPNET",
    239: "NFLOG",
    249: "USBPCAP",
    253: "NETLINK",
    271: "VSOCK",
}
"""The names of link types that a trader's machine might produce; the others are shown by number."""


def unsupported(link_type: int) -> str:
    """Return the reason for skipping a link type without a reader."""
    name = _UNREAD_NAMES.get(link_type)
    return f"link type {link_type} ({name}) is not read" if name else f"link type {link_type} is not read"


def find_network(link_type: int, data: bytes, at: int = 0) -> Network | str:
    """Find the network layer of a frame whose link header begins at ``at``, or return the reason why it cannot be read."""
    reader = READERS.get(link_type)
    return reader(data, at) if reader else unsupported(link_type)


def _after_ethertype(data: bytes, at: int) -> Network | str:
    if len(data) < at + 2:
        return SkipReason.CUT
    (protocol,) = _u16(data, at)
    return network_of(data, protocol, at + 2)


def network_of(data: bytes, protocol: int, at: int) -> Network | str:
    """Find the network layer after an EtherType: behind VLAN tags, PPPoE or MPLS labels, if there are any."""
    for _ in range(_MAX_TAGS):
        if protocol not in _VLAN_TAGS:
            break
        if len(data) < at + 4:
            return SkipReason.CUT
        (protocol,) = _u16(data, at + 2)
        at += 4
    if protocol == _PPPOE_SESSION:
        if len(data) < at + 8:
            return SkipReason.CUT
        length, ppp_protocol = _pppoe_header(data, at + 4)
        return _named(_PPP_PROTOCOLS.get(ppp_protocol, 0), at + 8, end=at + 6 + length)
    return _after_labels(data, protocol, at) if protocol in _MPLS else _named(protocol, at)


def _after_labels(data: bytes, protocol: int, at: int) -> Network | str:
    """MPLS does not say what its labels carry: an IP packet is recognised by its first four bits, as routers do."""
    for _ in range(_MAX_TAGS):
        if len(data) < at + 5:
            return SkipReason.CUT
        at += 4
        if data[at - 2] & _BOTTOM_OF_STACK:
            found = raw(data, at)
            return found if isinstance(found, Network) else _named(protocol, at)
    return _named(protocol, at)


def _named(protocol: int, at: int, end: int | None = None) -> Network | str:
    if protocol in (IPV4, IPV6, ARP):
        return Network(protocol, at, end)
    return inside_tunnel(_TUNNELS[protocol]) if protocol in _TUNNELS else SkipReason.NOT_IP
