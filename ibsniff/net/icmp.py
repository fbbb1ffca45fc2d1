"""ICMP destination unreachable: a host reports that a segment could not be delivered, and quotes its beginning."""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.model import UnreachableKind
from ibsniff.net.ip import ICMP, TCP, Datagram, read_ipv4, read_ipv6
from ibsniff.net.skip import SkipReason

_HEADER = 8
"""Type, code, checksum and four unused bytes; the quoted packet follows (RFC 792; RFC 4443, 3.1)."""

_DESTINATION_UNREACHABLE, _DESTINATION_UNREACHABLE_V6 = 3, 1

_KINDS_V4 = {
    0: UnreachableKind.NETWORK,
    1: UnreachableKind.HOST,
    2: UnreachableKind.PORT,  # protocol: the host has no TCP; an error as hard as port unreachable (RFC 1122, 4.2.3.9)
    3: UnreachableKind.PORT,
    5: UnreachableKind.HOST,  # source route failed
    6: UnreachableKind.NETWORK,
    7: UnreachableKind.HOST,
    8: UnreachableKind.HOST,
    9: UnreachableKind.PROHIBITED,
    10: UnreachableKind.PROHIBITED,
    11: UnreachableKind.NETWORK,
    12: UnreachableKind.HOST,
    13: UnreachableKind.PROHIBITED,
    14: UnreachableKind.PROHIBITED,
    15: UnreachableKind.PROHIBITED,
}
"""RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1. Code 4, fragmentation needed, does not refuse the connection."""

_KINDS_V6 = {
    0: UnreachableKind.NETWORK,
    1: UnreachableKind.PROHIBITED,
    2: UnreachableKind.NETWORK,  # beyond the scope of the source address
    3: UnreachableKind.HOST,
    4: UnreachableKind.PORT,
    5: UnreachableKind.PROHIBITED,  # source address failed ingress or egress policy
    6: UnreachableKind.PROHIBITED,  # reject route
}
"""RFC 4443, 3.1."""


class Report(NamedTuple):
    """What an ICMP or ICMPv6 message says of the segment that it quotes."""

    kind: UnreachableKind
    flow: bytes
    """Its addresses and ports."""
    seq: int | None
    """Its sequence number, which is in the 8 bytes that every ICMP message quotes (RFC 792); None when it is cut off."""


def read_unreachable(datagram: Datagram) -> Report | SkipReason:
    """Read an ICMP or ICMPv6 message about a segment that could not be delivered."""
    data, start = datagram.data, datagram.start
    if len(data) < start + _HEADER:
        return SkipReason.CUT
    if datagram.protocol == ICMP:
        expected, kinds, read = _DESTINATION_UNREACHABLE, _KINDS_V4, read_ipv4
    else:
        expected, kinds, read = _DESTINATION_UNREACHABLE_V6, _KINDS_V6, read_ipv6
    kind = kinds.get(data[start + 1])
    if data[start] != expected or kind is None or datagram.fragment:
        return SkipReason.OTHER_ICMP
    quoted = read(data, start + _HEADER, datagram.end)
    if isinstance(quoted, SkipReason):
        return quoted
    if quoted.protocol != TCP or (quoted.fragment and quoted.fragment.offset):
        return SkipReason.OTHER_ICMP
    quote = data[quoted.start : min(quoted.start + 8, datagram.end)]
    if len(quote) < 4:
        return SkipReason.CUT
    seq = int.from_bytes(quote[4:]) if len(quote) == 8 else None
    return Report(kind, quoted.source + quoted.destination + quote[:4], seq)
