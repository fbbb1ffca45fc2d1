"""Link headers of fixed length, for the fast paths of the dissector; ``link`` reads all link headers."""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.net.link import ARP, FAMILIES, IPV4, IPV6


class FixedLinkHeader(NamedTuple):
    """A link header of fixed length: where its type field is, and the protocols that may follow it."""

    type_start: int
    type_end: int
    length: int
    protocols: dict[bytes, int]


VLAN_TAGGED = 0x8100
_ETHERTYPES = {b"\x08\x00": IPV4, b"\x86\xdd": IPV6, b"\x08\x06": ARP, b"\x81\x00": VLAN_TAGGED}
"""With at most one VLAN tag."""
_LOOPBACK = FixedLinkHeader(
    0,
    4,
    4,
    {family.to_bytes(4, "little"): protocol for family, protocol in FAMILIES.items()}
    | {family.to_bytes(4, "big"): protocol for family, protocol in FAMILIES.items()},
)
_RAW = FixedLinkHeader(0, 1, 0, {b"\x45": IPV4} | {bytes([first]): IPV6 for first in range(0x60, 0x70)})
FIXED_LINK_HEADERS = {
    0: _LOOPBACK,
    1: FixedLinkHeader(12, 14, 14, _ETHERTYPES),
    12: _RAW,
    14: _RAW,
    101: _RAW,
    108: _LOOPBACK,
    113: FixedLinkHeader(14, 16, 16, _ETHERTYPES),
    228: _RAW,
    229: _RAW,
    276: FixedLinkHeader(0, 2, 20, _ETHERTYPES),
}
"""By link type."""
