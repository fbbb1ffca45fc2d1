"""Every type that crosses a room, in the order data flows: the architecture on one page.

There is no behaviour here beyond constructors and the plainest properties. Times are integers, nanoseconds since
the epoch (``time_ns``); packet numbers are Wireshark's ``frame.number``, counted from 1 in each input. Addresses
are packed bytes (4 or 16) until someone shows them.

What stays as it was made is a ``NamedTuple``, what grows is a dataclass. A frozen dataclass would say the same and take
six times as long to define, which every start pays for; it is what has a length of its own, or is known by identity.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from array import array

    from ibsniff.model.arrays import Numbers, Truths

NANOSECONDS = 1_000_000_000

PATIENCE = 5.0
"""Seconds without an answer after which silence is said to be one. A TWS answers a hello within milliseconds; the
shortest-tempered clients give up after 2 to 4 seconds, and their going proves the silence earlier than this."""

# ---------------------------------------------------------------------------------------------------------------
# What goes wrong at the edges: the only exception a user may ever see


class ExitCode(IntEnum):
    """What the process says when it ends."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INPUT = 3
    PERMISSION = 4
    INTERRUPTED = 130


class UserError(Exception):
    """Something the user can mend: what failed, in one line, and what to do about it, in another.

    Raised by the edges alone (``capture``, ``cli``, ``regress``, ``standin``): wire content never raises.
    """

    def __init__(self, what: str, what_to_do: str, exit_code: ExitCode = ExitCode.INPUT) -> None:
        super().__init__(what)
        self.what = what
        self.what_to_do = what_to_do
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str, ExitCode]]:
        """One process may hand it to another."""
        return UserError, (self.what, self.what_to_do, self.exit_code)


# ---------------------------------------------------------------------------------------------------------------
# capture -> net


class Frame(NamedTuple):
    """One captured packet, as the capture holds it."""

    number: int
    time_ns: int
    link_type: int
    """LINKTYPE_ value of the interface it came from (tcpdump.org/linktypes.html)."""
    data: bytes
    """The captured bytes, link-layer header first."""
    wire_length: int
    """Length on the wire; greater than ``len(data)`` when the snaplen cut it."""


class Lane(StrEnum):
    """How packets of a file travel; the report is the same."""

    AUTO = "auto"
    """One by one while they are few, by columns in the bulk of a large file."""
    PLAIN = "plain"
    COLUMNS = "columns"


@dataclass(frozen=True, slots=True)
class Columns:
    """Many captured packets at once, of one link type and numbered without a gap: an array for each thing to know of them.

    The same as so many ``Frame``; this is how the bulk of a large file travels, at a hundredth of the cost.
    """

    first_number: int
    link_type: int
    buffer: bytes
    """Holds all of them, and what stands between them in the file."""
    starts: Numbers
    """Where in the buffer each packet's captured bytes begin."""
    captured: Numbers
    """How many there are."""
    wire_lengths: Numbers
    times_ns: Numbers

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def time_ns(self) -> int:
        """Of the last packet."""
        return int(self.times_ns[-1])

    def frame(self, index: int) -> Frame:
        """One of them, as a frame of its own."""
        start = int(self.starts[index])
        return Frame(
            self.first_number + index,
            int(self.times_ns[index]),
            self.link_type,
            self.buffer[start : start + int(self.captured[index])],
            int(self.wire_lengths[index]),
        )

    def frames(self, indices: Numbers) -> Iterator[Frame]:
        """Some of them, as frames of their own, in that order."""
        starts = self.starts[indices]
        columns = (indices + self.first_number, self.times_ns[indices], starts, starts + self.captured[indices])
        rows = zip(*(column.tolist() for column in (*columns, self.wire_lengths[indices])), strict=True)
        for number, time_ns, start, end, wire_length in rows:
            yield Frame(number, time_ns, self.link_type, self.buffer[start:end], wire_length)


class Tick(NamedTuple):
    """Time passed on a live source without a packet: silence is concluded from these."""

    time_ns: int


class WatchedBy(StrEnum):
    """How it is known until when the wire was watched."""

    STATISTICS = "the capture's own end time"
    LAST_PACKET = "its last packet"
    USER = "your word (--watched-until)"
    LIVE = "the live clock"


class Leap(NamedTuple):
    """Two neighbouring packets an hour or more apart: quiet, a machine that slept, or a clock that was set.

    Of a clock that was seen to be set (live), ``before_ns`` is the time it would have been, and the leap may be shorter.
    """

    packet: int
    """The later one."""
    before_ns: int
    after_ns: int


@dataclass(slots=True)
class InputFacts:
    """What one capture says of itself; filled while it is read."""

    path: str
    format: str = "pcap"
    """``pcap`` or ``pcapng``, whatever it was compressed with."""
    link_types: list[int] = field(default_factory=list)
    packets: int = 0
    first_time_ns: int | None = None
    last_time_ns: int | None = None
    """The latest time of any packet (not the time of the last packet: clocks step back)."""
    statistics_end_ns: int | None = None
    """End of capture according to a pcapng interface statistics block."""
    watched_until_ns: int | None = None
    watched_by: WatchedBy = WatchedBy.LAST_PACKET
    truncated: str | None = None
    """What was cut off or damaged, in words; None when the input was whole."""
    interrupted: bool = False
    """It was not read to its end, because the user had enough; ``truncated`` says where that was."""
    dropped: int | None = None
    """Packets the capturing side says it lost; None when it does not say."""
    cut_by_snaplen: int = 0
    times_backwards: int = 0
    """How often a packet was stamped more than a second earlier than the latest before it (reordering is less)."""
    leaps: list[Leap] = field(default_factory=list)
    """The first few (bounded by ``capture``); ``leap_count`` counts all."""
    leap_count: int = 0
    untimed: int = 0
    """Packets without a time of their own (pcapng simple packet blocks, impossible stamps): they bear the one before."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Packets not looked at, by reason."""
    notes: list[str] = field(default_factory=list)
    """What befell the interfaces while it was made without taking anything away, in words (bounded by ``capture``)."""


# ---------------------------------------------------------------------------------------------------------------
# net -> tcp


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


@dataclass(frozen=True, slots=True)
class SegmentColumns:
    """Many segments at once, of the kind that the bulk of a connection is made of: an array for each thing to know of them.

    They were captured whole, have of the control flags only ACK, and an open window.
    """

    packets: Columns
    indices: Numbers
    """Which of the packets they came in, ascending."""
    flows: Numbers
    """Who sends to whom: an index into ``ends``."""
    ends: list[tuple[Endpoint, Endpoint]]
    seq: Numbers
    ack: Numbers
    starts: Numbers
    """Where in the buffer the payload begins."""
    lengths: Numbers
    """Bytes of payload."""
    ip_ids: Numbers
    """0 where there is none."""
    wrong: Truths
    """The checksum was computed and is wrong."""
    right: Truths


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


# ---------------------------------------------------------------------------------------------------------------
# tcp -> ib


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
    mark_offsets: array[int]
    mark_packets: array[int]
    mark_times_ns: array[int]


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
    arp_unanswered: list[Moment] = field(default_factory=list)
    """ARP requests for the server's address that nobody answered (filled by ``pipeline``)."""
    ended: Ended | None = None
    history: str = ""
    """Zeek's history letters, upper case for the client."""
    conn_state: str = ""
    """Zeek's conn_state, set by ``tcp``."""

    @property
    def same_host(self) -> bool:
        """Both ends are one machine: loopback, or equal addresses."""
        return self.client.is_loopback or self.server.is_loopback or self.client.address == self.server.address


# ---------------------------------------------------------------------------------------------------------------
# ib -> diagnose


class Dialect(StrEnum):
    """What the client's first bytes are."""

    V100PLUS = "v100+"
    LEGACY = "legacy"
    UNFRAMED = "no API prefix"
    """A version range without the ``API`` NUL in front."""
    BAD_PREFIX = "broken API prefix"
    """``API`` is there, but not the bytes ``41 50 49 00`` at the very start."""
    BAD_LENGTH = "wrong length"
    BAD_VERSION = "malformed version"
    TRAILING = "trailing bytes in the version"
    INCOMPLETE = "incomplete"
    HTTP = "HTTP"
    TLS = "TLS"
    FIX = "FIX"
    SSH = "SSH"
    TEXT = "plain text"
    UNKNOWN = "unknown bytes"
    NOT_CAPTURED = "not captured"
    """Bytes were sent; the capture does not hold enough of them to judge."""


class Hello(NamedTuple):
    """The client's first words, valid or not."""

    dialect: Dialect
    raw: bytes
    """The first bytes the client sent (bounded)."""
    packets: tuple[int, ...]
    began: Moment
    complete: Moment
    """When its last byte was there (so far)."""
    min_version: int | None = None
    max_version: int | None = None
    options: str | None = None
    declared_length: int | None = None
    detail: str = ""
    """What is wrong with it, as the second half of a sentence; empty when it is valid."""

    @property
    def is_valid(self) -> bool:
        """A whole hello a TWS understands, the legacy one included."""
        return self.dialect in (Dialect.V100PLUS, Dialect.LEGACY)


class ReplyKind(StrEnum):
    """What the server's first bytes are."""

    FRAMED = "framed"
    LEGACY = "legacy"
    REDIRECT = "redirect"
    UNFINISHED = "unfinished"
    FOREIGN = "foreign"
    NOT_CAPTURED = "not captured"


class Reply(NamedTuple):
    """The server's first words."""

    kind: ReplyKind
    raw: bytes
    packets: tuple[int, ...]
    began: Moment
    complete: Moment
    server_version: int | None = None
    connection_time: str | None = None
    redirect: str | None = None
    service: str | None = None
    """Who it really is when foreign: ``HTTP``, ``TLS``, ``SSH``, ``VNC`` ... or None for unknown bytes."""

    @property
    def is_whole(self) -> bool:
        """A complete IB version reply."""
        return self.kind in (ReplyKind.FRAMED, ReplyKind.LEGACY, ReplyKind.REDIRECT)


class StartForm(StrEnum):
    """The shapes START_API has had (handshake reference, section e)."""

    CLIENT_ID_ONLY = "bare client id"
    TEXT = "text, three fields"
    TEXT_CAPABILITIES = "text with capabilities"
    RAW_ID = "raw id, text fields"
    PROTOBUF = "protobuf"
    MALFORMED = "malformed"


class Start(NamedTuple):
    """The client's START_API."""

    form: StartForm
    client_id: int | None
    raw: bytes
    moment: Moment
    before_reply: bool
    """It was sent before the version reply had come."""
    expected: StartForm | None = None
    """The form the negotiated version asks for; None while that is not known."""

    @property
    def fits(self) -> bool:
        """It has the form the negotiated version asks for."""
        return self.form == self.expected


class Message(NamedTuple):
    """One framed message, named."""

    side: Side
    name: str
    id: int | None
    moment: Moment
    length: int
    """Frame payload length, bytes."""


class WireError(NamedTuple):
    """One ERR_MSG the server sent."""

    request: int
    """The request id it belongs to; -1 for none."""
    code: int
    text: str
    moment: Moment


@dataclass(slots=True)
class ErrorTally:
    """All messages of one error code, bounded: the count, the first three, the last."""

    count: int = 0
    examples: list[WireError] = field(default_factory=list)


@dataclass(slots=True)
class Dialogue:
    """What the two sides said in IB's language. ``ib`` writes it, everyone else reads."""

    hello: Hello | None = None
    reply: Reply | None = None
    start: Start | None = None
    next_valid_id: Moment | None = None
    managed_accounts: Moment | None = None
    accounts: list[str] = field(default_factory=list)
    ready: Moment | None = None
    """When both nextValidId and managedAccounts had come."""
    first_speaker: Side | None = None
    messages: dict[Side, Counter[str]] = field(default_factory=lambda: {Side.CLIENT: Counter(), Side.SERVER: Counter()})
    first_messages: list[Message] = field(default_factory=list)
    """The first of both sides, in the order they came (bounded by ``ib``)."""
    errors: dict[int, ErrorTally] = field(default_factory=dict)
    errors_beyond: int = 0
    """Errors of further codes, not tallied (``ib`` bounds how many codes are)."""
    unframed: dict[Side, Moment] = field(default_factory=dict)
    """Where a side's bytes stopped being IB frames."""
    unframed_detail: dict[Side, str] = field(default_factory=dict)
    bytes_after_gap: dict[Side, Gap] = field(default_factory=dict)
    """The first hole that fell into IB bytes: what follows was not decoded."""
    mid_stream_frames: int = 0
    """Valid IB frames from the server in a conversation whose beginning was not seen."""


# ---------------------------------------------------------------------------------------------------------------
# diagnose -> rules -> render


class Outcome(StrEnum):
    """What the server side did; a total function of the conversation."""

    JOINED = "joined"
    UNPROVEN = "unproven"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    REPLIED = "replied"
    CUT_OFF = "cut_off"
    FOREIGN = "foreign"
    CLOSED = "closed"
    RESET = "reset"
    NOT_ASKED = "not_asked"
    SILENT = "silent"


class Rung(StrEnum):
    """How far it got, lowest first."""

    NOTHING = "nothing"
    CALLED = "called"
    CONNECTED = "connected"
    GREETED = "greeted"
    ANSWERED = "answered"
    STARTED = "started"
    READY = "ready"
    UNKNOWN = "unknown"


LADDER = (
    Rung.CALLED,
    Rung.CONNECTED,
    Rung.GREETED,
    Rung.ANSWERED,
    Rung.STARTED,
    Rung.READY,
)
"""The rungs one can climb, in order."""


class Fault(StrEnum):
    """Whose turn it is to act."""

    NONE = "none"
    CLIENT = "client"
    TWS_CONFIG = "tws_config"
    TWS_STATE = "tws_state"
    NETWORK = "network"
    IB = "ib"
    UNDETERMINED = "undetermined"


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Confidence(StrEnum):
    """How sure a finding is; ``high`` needs a named source."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Alternative(NamedTuple):
    """Another cause that fits, and what would tell it apart."""

    cause: str
    fault: Fault
    how_to_tell: str


class Finding(NamedTuple):
    """One rule's statement."""

    code: str
    name: str
    severity: Severity
    fault: Fault
    confidence: Confidence
    summary: str
    packets: tuple[int, ...] = ()
    remedy: str = ""
    alternatives: tuple[Alternative, ...] = ()
    explains: Rung | None = None
    """The rung that was not reached because of this."""
    input: int = 0
    conversations: tuple[str, ...] = ()
    """Ids, when it belongs to several conversations."""


class Conversation(NamedTuple):
    """One connection with all that is known and concluded of it."""

    id: str
    input: int
    connection: Connection
    dialogue: Dialogue
    watched_until_ns: int
    watched_by: WatchedBy
    outcome: Outcome
    rung: Rung
    patience: float = PATIENCE
    """Seconds without an answer after which silence was said to be one."""
    missing: Rung | None = None
    """The first rung not reached; None when all were, or when that cannot be known."""
    findings: tuple[Finding, ...] = ()
    cause: Finding | None = None
    """The finding that explains the first missing rung."""
    fault: Fault = Fault.UNDETERMINED
    confidence: Confidence = Confidence.LOW
    summary: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """One input and the conversations in it: what rules about captures look at.

    Equal to itself alone: what was found out about one can be remembered by it.
    """

    index: int
    facts: InputFacts
    conversations: tuple[Conversation, ...]
    stray_hellos: tuple[StrayHello, ...] = ()
    unanswered_arp: tuple[tuple[bytes, tuple[Moment, ...]], ...] = ()
    """Addresses that were asked for and did not answer, with the requests."""
    omitted: int = 0


class Verdict(NamedTuple):
    """What the whole capture says: its worst conversation, and whether the latest one is better."""

    outcome: Outcome
    fault: Fault
    confidence: Confidence
    code: str | None
    summary: str
    conversation: str | None
    counts: dict[Outcome, int]


class Report(NamedTuple):
    """Everything a renderer may look at."""

    inputs: tuple[InputFacts, ...]
    verdict: Verdict | None
    findings: tuple[Finding, ...]
    conversations: tuple[Conversation, ...]
    omitted: int = 0


# ---------------------------------------------------------------------------------------------------------------
# streams -> render


@dataclass(slots=True)
class Stream:
    """One TCP conversation, whatever it speaks."""

    number: int
    """Its place among all conversations of the input, from 0: Wireshark's ``tcp.stream``."""
    connection: Connection
    gaps: dict[Side, int] = field(default_factory=dict)
    """How many gaps each direction has (``Half.gaps`` tells the first few)."""
    sha256: dict[Side, str | None] = field(default_factory=dict)
    """Of all bytes of a direction, gaps as zeros; None when they are too many to write out. Empty unless asked for."""


@dataclass(slots=True)
class StreamList:
    """The TCP conversations of one input."""

    facts: InputFacts
    streams: list[Stream] = field(default_factory=list)
    """In the order of their first packets (bounded by ``streams``)."""
    unlisted: Counter[str] = field(default_factory=Counter)
    """Those beyond the bound, by conn_state."""
    closed_early: int = 0
    """Conversations no longer followed though they had not ended: if one went on, it counts as another."""


class Chunk(NamedTuple):
    """What one packet brought of a stream, or what none did."""

    side: Side
    """Who sent it."""
    offset: int
    """Of its first byte in that direction's stream."""
    packet: int
    data: bytes
    missing: int = 0
    """Bytes that were not captured; then ``data`` is empty, and ``packet`` is where that was noticed."""
