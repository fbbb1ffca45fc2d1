"""tcp -> ib: a connection, and the bytes of its two directions in order."""

from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, Self

from ibsniff.model.packets import Endpoint, Unreachable

if TYPE_CHECKING:
    from array import array


class Moment(NamedTuple):
    """A packet and its time."""

    packet: int
    time_ns: int


class Mark(NamedTuple):
    """From this offset of the stream on, bytes came in this packet."""

    offset: int
    packet: int
    time_ns: int


class Run(NamedTuple):
    """Bytes of one direction, in order, with the packets that they came in."""

    offset: int
    """Stream offset of the first byte; the byte after the SYN is 0."""
    data: bytes
    marks: tuple[Mark, ...]
    """Ascending; the first is at or before ``offset``."""


class ColumnRun(NamedTuple):
    """A run of thousands of packets; its marks are three arrays of equal length, because few of them are ever needed."""

    offset: int
    data: bytes
    mark_offsets: "array[int]"
    mark_packets: "array[int]"
    mark_times_ns: "array[int]"


class Gap(NamedTuple):
    """Bytes of one direction that were sent and not captured."""

    offset: int
    length: int
    noticed: Moment
    """When it was certain that they were not captured."""


class Side(StrEnum):
    """The two ends of a conversation."""

    CLIENT = "client"
    SERVER = "server"


class How(StrEnum):
    """How a side ended the connection."""

    FIN = "fin"
    RST = "rst"


class Ended(NamedTuple):
    """The first FIN or RST: whoever sent it ended the connection."""

    by: Side
    how: How
    moment: Moment


class Stall(NamedTuple):
    """Bytes of one side that the other does not acknowledge, although they were sent again, or others came after them."""

    offset: int
    """Of the first byte that is not acknowledged."""
    since: Moment
    """When this byte was first sent; if it was never captured, the first packet that shows that it is missing."""
    repeats: int
    """How often it was sent again; 0 if it was never captured."""
    last: Moment
    """When it was last sent."""
    below: Moment | None = None
    """The latest packet of the other side that still does not acknowledge it."""


@dataclass(slots=True)
class Half:
    """One direction of a connection: what one side sent."""

    segments: int = 0
    origin: int = -1
    """The sequence number of its first byte, as far as it was captured; -1 if it is not known."""
    length: int = 0
    """Stream length by sequence numbers: data bytes sent, captured or not, each counted once."""
    captured: int = 0
    """Stream bytes that were captured and delivered in order."""
    first_data: Moment | None = None
    last_data: Moment | None = None
    """Of new data; retransmissions do not count."""
    last_data_acks: int = 0
    """How much of the other side's stream the packet with its last data acknowledges."""
    first_packet: Moment | None = None
    acked: int = 0
    """The stream offset up to which the other side has acknowledged this direction."""
    acked_past_data: int | None = None
    """The same where it acknowledged one number more than there was data: probably that of a FIN, captured or not."""
    ack_of_first_data: Moment | None = None
    """The other side's packet that first acknowledged all of this side's first data segment."""
    ack_of_fin: Moment | None = None
    """The other side's packet that first acknowledged this side's FIN: the FIN arrived."""
    fin_repeats: int = 0
    """How often its FIN was retransmitted because no acknowledgment came."""
    fin: Moment | None = None
    rst: Moment | None = None
    reset_at: int | None = None
    """The stream offset of its first RST; what it sent before that, beyond ``length``, was not captured."""
    reset_ttl: int | None = None
    """TTL or hop limit of its first RST."""
    gaps: list[Gap] = field(default_factory=list)
    """The first few (bounded by ``tcp``); ``gap_bytes`` counts all."""
    gap_bytes: int = 0
    complete_at: Moment | None = None
    """The latest packet, of either side, whose numbers show that this side had sent nothing that is not in the capture."""
    retransmissions: int = 0
    out_of_order: int = 0
    duplicates: int = 0
    keep_alives: int = 0
    zero_windows: int = 0
    first_zero_window: Moment | None = None
    window_closed: Moment | None = None
    """Since when its window has been closed (zero): the other side may not send anything; None while it is open."""
    stall: Stall | None = None
    """What the other side has not acknowledged for some time; None while nothing of that kind is known."""
    conflicts: int = 0
    """Segments whose bytes differ from bytes already received at the same offset."""
    cut_by_snaplen: int = 0
    """Segments whose payload was not captured in full length."""
    first_cut: Moment | None = None
    """The first of them."""
    damaged: int = 0
    """Segments with a wrong checksum from a side that computes checksums: the receiver drops them, and so do we."""
    mss: int | None = None
    ttl: int | None = None
    """TTL or hop limit of its first packet."""
    held: int = 0
    """Segments with data that do not count yet, because they acknowledge what the other side is not known to have sent."""
    limit_reached: bool = False
    """The out-of-order buffer reached its limit, so that a gap was declared early."""

    def copy(self) -> Self:
        """Return its present state, which does not change any more."""
        copied = type(self)(*_FIELDS_OF_HALF(self))
        copied.gaps = list(self.gaps)
        return copied


_FIELDS_OF_HALF = attrgetter(*Half.__slots__)


@dataclass(slots=True)
class Connection:
    """One TCP connection, or one attempt at one. Only ``tcp`` changes it."""

    client: Endpoint
    server: Endpoint
    first: Moment
    last: Moment
    from_client: Half = field(default_factory=Half)
    from_server: Half = field(default_factory=Half)
    syns: list[Moment] = field(default_factory=list)
    """The client's SYNs, retransmissions included (the first few, bounded by ``tcp``)."""
    syn_count: int = 0
    syn_ack: Moment | None = None
    repeated_syn_acks: tuple[Moment, ...] = ()
    """The SYN-ACKs that came again after the client's ACK (the first few, bounded by ``tcp``): the server's kernel has not
    received that ACK, or has no room for the connection."""
    established: Moment | None = None
    """The client's first packet that acknowledges the SYN-ACK."""
    refusals: list[Moment] = field(default_factory=list)
    """RSTs that answered a SYN (Windows clients retry, so there may be several)."""
    unreachable: Unreachable | None = None
    """The first ICMP unreachable message about it."""
    ended: Ended | None = None
    history: str = ""
    """Zeek's history letters, upper case for the client."""

    def copy(self) -> Self:
        """Return its present state, which does not change any more."""
        copied = type(self)(*_FIELDS_OF_CONNECTION(self))
        copied.from_client = self.from_client.copy()
        copied.from_server = self.from_server.copy()
        copied.syns = list(self.syns)
        copied.refusals = list(self.refusals)
        return copied

    @property
    def same_host(self) -> bool:
        """Whether both ends are the same machine: loopback, or equal addresses."""
        return self.client.is_loopback or self.server.is_loopback or self.client.address == self.server.address


_FIELDS_OF_CONNECTION = attrgetter(*Connection.__slots__)
