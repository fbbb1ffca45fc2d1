"""ARP for IPv4: a question nobody answers explains a SYN nobody sees (RFC 826)."""

from __future__ import annotations

from struct import Struct

from ibsniff.model import Arp, Frame
from ibsniff.net.link import IPV4
from ibsniff.net.skip import SkipReason

_header = Struct("!2xHBBH").unpack_from
_REQUEST, _REPLY = 1, 2
_NOBODY = bytes(4)
"""Who asks so only tries out an address; who asks for its own announces it. Nobody shall answer (RFC 5227, 2.1 and 2.3)."""


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
    asker, wanted = data[sender : sender + 4], data[target : target + 4]
    if asker in (_NOBODY, wanted):
        return SkipReason.OTHER_ARP
    return Arp(frame.number, frame.time_ns, operation == _REPLY, asker, wanted)
