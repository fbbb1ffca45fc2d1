"""ARP for IPv4 (RFC 826): an ARP request without a reply explains why a SYN is never sent."""

from __future__ import annotations

from struct import Struct

from ibsniff.model import Arp, Frame
from ibsniff.net.link import IPV4
from ibsniff.net.skip import SkipReason

_header = Struct("!2xHBBH").unpack_from
_REQUEST, _REPLY = 1, 2
_UNSPECIFIED = bytes(4)
"""The sender of an ARP probe; in an announcement, sender and target are equal. Neither gets a reply (RFC 5227, 2.1, 2.3)."""


def read_arp(frame: Frame, at: int) -> Arp | SkipReason:
    """Read the ARP request or reply that begins at ``at``; hardware addresses may have any length."""
    data = frame.data
    if len(data) < at + 8:
        return SkipReason.CUT
    protocol, hardware_size, protocol_size, operation = _header(data, at)
    if protocol != IPV4 or protocol_size != 4 or operation not in (_REQUEST, _REPLY):
        return SkipReason.OTHER_ARP
    sender = at + 8 + hardware_size
    target = sender + 4 + hardware_size
    if len(data) < target + 4:
        return SkipReason.CUT
    sender_address, target_address = data[sender : sender + 4], data[target : target + 4]
    if sender_address in (_UNSPECIFIED, target_address):
        return SkipReason.OTHER_ARP
    return Arp(frame.number, frame.time_ns, operation == _REPLY, sender_address, target_address)
