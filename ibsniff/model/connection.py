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
    """From this byte of the stream on, bytes came in this packet."""

    offset: int
    packet: int
    time_ns: int


class Run(NamedTuple):
    """Bytes of one direction, in order, that know the packets they came in."""

    offset: int
    """Stream offset of the first byte; the byte after the SYN is 0."""
    data: bytes
    marks: tuple[Mark, ...]
    """Ascending; the first stands at or before ``offset``."""


class ColumnRun(NamedTuple):
    """A run of thousands of packets; its marks stand in three arrays of equal length, since hardly any is asked for."""

    offset: int
    data: bytes
    mark_offsets: "array[int]"
    mark_packets: "array[int]"
    mark_times_ns: "array[int]"


class Gap(NamedTuple):
    """Bytes of one direction that were sent and never captured."""

    offset: int
    length: int
    noticed: Moment


class Side(StrEnum):
    """The two ends of a conversation."""

    CLIENT = "client"
    SERVER = "server"


class How(StrEnum):
    """How a side ended the connection."""

    FIN = "fin"
    RST = "rst"


class Ended(NamedTuple):
    """The first FIN or RST: who sent it decides who ended."""

    by: Side
    how: How
    moment: Moment


@dataclass(slots=True)
class Half:
    """One direction of a connection: what one side sent."""

    segments: int = 0
    length: int = 0
    """Stream length by sequence numbers: data bytes sent, captured or not, each counted once."""
    captured: int = 0
    """Stream bytes that were captured and delivered in order."""
    first_data: Moment | None = None
    last_data: Moment | None = None
    """Of data that was new: sent again is not said again."""
    first_packet: Moment | None = None
    acked: int = 0
    """How far, as a stream offset, the other side has acknowledged this direction."""
    ack_of_first_data: Moment | None = None
    """The other side's packet that first acknowledged all of this side's first data segment."""
    ack_of_fin: Moment | None = None
    """The other side's packet that first acknowledged this side's FIN: its goodbye arrived."""
    fin_repeats: int = 0
    """How often its FIN was sent again, as no acknowledgment of it came."""
    fin: Moment | None = None
    rst: Moment | None = None
    reset_at: int | None = None
    """Where in the stream its first RST stands; what it sent before that and is beyond ``length`` was not captured."""
    gaps: list[Gap] = field(default_factory=list)
    """The first few (bounded by ``tcp``); ``gap_bytes`` counts all."""
    gap_bytes: int = 0
    retransmissions: int = 0
    out_of_order: int = 0
    duplicates: int = 0
    keep_alives: int = 0
    zero_windows: int = 0
    first_zero_window: Moment | None = None
    conflicts: int = 0
    """Segments whose bytes contradict bytes already received at the same place."""
    cut_by_snaplen: int = 0
    """Segments whose payload was not captured whole."""
    damaged: int = 0
    """Segments with a wrong checksum from a side that computes them: its receiver drops them, and so do we."""
    mss: int | None = None
    ttl: int | None = None
    """Of its first packet."""
    limit_reached: bool = False
    """The out-of-order buffer reached its bound and gave up a hole early."""

    def copy(self) -> Self:
        """Its present state: what happens to this one later does not change it."""
        copied = type(self)(*_FIELDS_OF_HALF(self))
        copied.gaps = list(self.gaps)
        return copied


_FIELDS_OF_HALF = attrgetter(*Half.__slots__)


@dataclass(slots=True)
class Connection:
    """One TCP connection, or one attempt at one. ``tcp`` writes it, everyone else reads."""

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
    established: Moment | None = None
    """The client's first packet that acknowledges the SYN-ACK."""
    refusals: list[Moment] = field(default_factory=list)
    """RSTs that answered a SYN (Windows clients retry: several may stand here)."""
    unreachable: Unreachable | None = None
    """The first ICMP unreachable about it."""
    ended: Ended | None = None
    history: str = ""
    """Zeek's history letters, upper case for the client."""

    def copy(self) -> Self:
        """Its present state: what happens to this one later does not change it."""
        copied = type(self)(*_FIELDS_OF_CONNECTION(self))
        copied.from_client = self.from_client.copy()
        copied.from_server = self.from_server.copy()
        copied.syns = list(self.syns)
        copied.refusals = list(self.refusals)
        return copied

    @property
    def same_host(self) -> bool:
        """Both ends are one machine: loopback, or equal addresses."""
        return self.client.is_loopback or self.server.is_loopback or self.client.address == self.server.address


_FIELDS_OF_CONNECTION = attrgetter(*Connection.__slots__)
