"""net -> tcp: what a packet means to TCP, without the layers below it."""

import ipaddress
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ibsniff.model.arrays import Numbers, Truths
    from ibsniff.model.frames import Columns


class Endpoint(NamedTuple):
    """One end of a conversation."""

    address: bytes
    """Packed IPv4 (4 bytes) or IPv6 (16 bytes); ``net`` turns IPv4-mapped IPv6 into IPv4."""
    port: int

    @property
    def ip(self) -> str:
        """The address as text."""
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
"""TCP flags as in the header (RFC 9293, 3.1)."""


class Segment(NamedTuple):
    """One TCP segment, without the layers below it."""

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
    """The captured part of the payload."""
    length: int
    """Payload length on the wire; greater than ``len(payload)`` when the capture cut it (snaplen)."""
    mss: int | None = None
    """Maximum segment size option (SYN and SYN-ACK)."""
    ttl: int = 0
    """TTL or hop limit."""
    ip_id: int | None = None
    """IPv4 identification: distinguishes a second copy of a packet from a retransmission. None on IPv6."""
    intact: bool | None = None
    """Whether the checksum is right; None when that cannot be known: not computed yet (offload), or not all was captured."""


class SegmentColumns(NamedTuple):
    """Many segments at once, of the kind that most of a connection consists of: an array for each field.

    They were captured in full length, have no control flag but ACK, and an open window.
    """

    packets: "Columns"
    indices: "Numbers"
    """The index of the packet that each came in, ascending."""
    flows: "Numbers"
    """Sender and receiver of each: an index into ``ends``."""
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
    """The reason in an ICMP destination-unreachable message (RFC 792, RFC 4443)."""

    PORT = "port unreachable"
    HOST = "host unreachable"
    NETWORK = "network unreachable"
    PROHIBITED = "administratively prohibited"


class Unreachable(NamedTuple):
    """An ICMP or ICMPv6 destination-unreachable message about a TCP segment."""

    packet: int
    time_ns: int
    reporter: bytes
    """Address of the host that sent the message."""
    source: Endpoint
    """The sender of the TCP segment that it is about."""
    destination: Endpoint
    kind: UnreachableKind
    seq: int | None = None
    """The sequence number of that segment; None when the message does not quote it."""


class Arp(NamedTuple):
    """An ARP request or reply for an IPv4 address."""

    packet: int
    time_ns: int
    is_reply: bool
    sender: bytes
    target: bytes


class StrayHello(NamedTuple):
    """A segment on a port that is not looked at whose payload begins with an IB hello."""

    packet: int
    time_ns: int
    source: Endpoint
    destination: Endpoint


Packet = Segment | Unreachable | Arp | StrayHello
"""What ``net`` turns a relevant frame into."""
