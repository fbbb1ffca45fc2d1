"""net -> tcp: what a packet means to TCP, freed of the layers below it."""

import ipaddress
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ibsniff.model.arrays import Numbers, Truths
    from ibsniff.model.frames import Columns


class Endpoint(NamedTuple):
    """One end of a conversation."""

    address: bytes
    """Packed IPv4 (4 bytes) or IPv6 (16 bytes); IPv4-mapped IPv6 is unmapped by ``net``."""
    port: int

    @property
    def ip(self) -> str:
        """The address as people write it."""
        return str(ipaddress.ip_address(self.address))

    @property
    def is_loopback(self) -> bool:
        """127.0.0.0/8 or ::1."""
        return ipaddress.ip_address(self.address).is_loopback

    @property
    def is_public(self) -> bool:
        """A globally routed address: not loopback, private or link-local."""
        return ipaddress.ip_address(self.address).is_global

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if len(self.address) == 16 else f"{self.ip}:{self.port}"


FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
"""TCP flags as they stand in the header (RFC 9293, 3.1)."""


class Segment(NamedTuple):
    """One TCP segment, freed of everything below it."""

    packet: int
    time_ns: int
    source: Endpoint
    destination: Endpoint
    seq: int
    ack: int
    flags: int
    window: int
    """As in the header, unscaled."""
    payload: bytes
    """What was captured of the payload."""
    length: int
    """Payload length on the wire; greater than ``len(payload)`` when the snaplen cut it."""
    mss: int | None = None
    """Maximum segment size option (SYN and SYN-ACK)."""
    ttl: int = 0
    """TTL or hop limit."""
    ip_id: int | None = None
    """IPv4 identification: tells a second copy of a packet from a retransmission. None on IPv6."""
    intact: bool | None = None
    """The checksum is right. None when it cannot be judged: not computed yet (offload), or not all was captured."""


class SegmentColumns(NamedTuple):
    """Many segments at once, of the kind that the bulk of a connection is made of: an array for each thing to know of them.

    They were captured whole, have of the control flags only ACK, and an open window.
    """

    packets: "Columns"
    indices: "Numbers"
    """Which of the packets they came in, ascending."""
    flows: "Numbers"
    """Who sends to whom: an index into ``ends``."""
    ends: list[tuple[Endpoint, Endpoint]]
    seq: "Numbers"
    ack: "Numbers"
    starts: "Numbers"
    """Where in the buffer the payload begins."""
    lengths: "Numbers"
    """Bytes of payload."""
    ip_ids: "Numbers"
    """0 where there is none."""
    wrong: "Truths"
    """The checksum was computed and is wrong."""
    right: "Truths"


class UnreachableKind(StrEnum):
    """Which ICMP destination-unreachable it was (RFC 792, RFC 4443)."""

    PORT = "port unreachable"
    HOST = "host unreachable"
    NETWORK = "network unreachable"
    PROHIBITED = "administratively prohibited"


class Unreachable(NamedTuple):
    """An ICMP or ICMPv6 destination-unreachable about a TCP segment someone sent."""

    packet: int
    time_ns: int
    reporter: bytes
    """Address of the host that sent it."""
    source: Endpoint
    """Who had sent the segment it complains about."""
    destination: Endpoint
    kind: UnreachableKind


class Arp(NamedTuple):
    """An ARP request or reply for an IPv4 address."""

    packet: int
    time_ns: int
    is_reply: bool
    sender: bytes
    target: bytes


class StrayHello(NamedTuple):
    """A segment on a port nobody asked for whose payload begins with an IB hello."""

    packet: int
    time_ns: int
    source: Endpoint
    destination: Endpoint


Packet = Segment | Unreachable | Arp | StrayHello
"""What ``net`` makes of a frame that may matter."""
