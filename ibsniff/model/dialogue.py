"""ib -> diagnosis: what the two sides sent, as messages of the IB API."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple, Self

from ibsniff.masking.wire_text import WireBytes, WireText
from ibsniff.model.connection import Gap, Moment, Side
from ibsniff.model.requests import NO_REQUESTS, Requests, WireError

PATIENCE = 5.0
"""Seconds without an answer after which a server counts as silent. A TWS answers a hello within milliseconds; the least
patient clients give up after 2 to 4 seconds, and then closing the connection proves the silence before this."""


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
    PROXY = "PROXY protocol"
    """A relay's header in front of the client's bytes."""
    TEXT = "plain text"
    UNKNOWN = "unknown bytes"
    NOT_CAPTURED = "not captured"
    """Bytes were sent, and too few of them were captured to tell."""


class Hello(NamedTuple):
    """The client's first message, valid or not."""

    dialect: Dialect
    raw: WireBytes
    """The first bytes the client sent (bounded)."""
    pieces: tuple[Moment, ...]
    """The packets that it came in."""
    began: Moment
    complete: Moment
    """When its last byte arrived (so far)."""
    min_version: int | None = None
    max_version: int | None = None
    options: WireText | None = None
    declared_length: int | None = None
    detail: str = ""
    """What is wrong with it, as the second half of a sentence; empty if it is valid."""

    @property
    def packets(self) -> tuple[int, ...]:
        """The numbers of the packets that it came in."""
        return tuple(piece.packet for piece in self.pieces)

    @property
    def is_valid(self) -> bool:
        """Whether it is complete and a TWS understands it; the legacy hello is included."""
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
    """The server's first message."""

    kind: ReplyKind
    raw: WireBytes
    pieces: tuple[Moment, ...]
    """The packets that it came in."""
    began: Moment
    complete: Moment
    server_version: int | None = None
    connection_time: WireText | None = None
    redirect: WireText | None = None
    service: str | None = None
    """The protocol of a foreign server: ``HTTP``, ``TLS``, ``SSH``, ``VNC`` ...; None if it is not known."""

    @property
    def packets(self) -> tuple[int, ...]:
        """The numbers of the packets that it came in."""
        return tuple(piece.packet for piece in self.pieces)

    @property
    def is_whole(self) -> bool:
        """Whether it is a complete IB version reply."""
        return self.kind in (ReplyKind.FRAMED, ReplyKind.LEGACY, ReplyKind.REDIRECT)


class StartForm(StrEnum):
    """The forms of START_API in the versions of the protocol."""

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
    raw: WireBytes
    moment: Moment
    before_reply: bool
    """It was sent before the version reply arrived."""
    expected: StartForm | None = None
    """The form that the negotiated version requires; None while that is not known."""

    @property
    def fits(self) -> bool:
        """Whether it has the form that the negotiated version requires."""
        return self.form == self.expected


class Message(NamedTuple):
    """One message: its name and when it came."""

    side: Side
    name: str
    id: int | None
    moment: Moment
    length: int
    """Bytes, without the length prefix."""


@dataclass(slots=True)
class ErrorTally:
    """All messages with one error code: how many there were, the first three and the last."""

    count: int = 0
    examples: list[WireError] = field(default_factory=list)

    def copy(self) -> Self:
        """Return its present state, which does not change any more."""
        return type(self)(self.count, list(self.examples))


class FarmKind(StrEnum):
    """What a data farm of IB serves."""

    MARKET_DATA = "market data"
    HISTORICAL_DATA = "historical data"
    SECURITY_DEFINITIONS = "security definitions"


class DataFarm(NamedTuple):
    """One of IB's data farms, to which TWS has a connection of its own."""

    kind: FarmKind
    name: WireText
    """As ``usfarm``."""


@dataclass(slots=True)
class Dialogue:
    """What the two sides sent, as messages of the IB API. Only ``ib`` changes it."""

    hello: Hello | None = None
    reply: Reply | None = None
    start: Start | None = None
    next_valid_id: Moment | None = None
    managed_accounts: Moment | None = None
    accounts: list[WireText] = field(default_factory=list)
    ready: Moment | None = None
    """When both nextValidId and managedAccounts had arrived."""
    first_speaker: Side | None = None
    """The side that sent the first byte."""
    messages: dict[Side, Counter[str]] = field(default_factory=lambda: {Side.CLIENT: Counter(), Side.SERVER: Counter()})
    """How many messages of each name each side sent."""
    first_messages: list[Message] = field(default_factory=list)
    """The first messages of both sides, in the order they arrived (bounded by ``ib``)."""
    errors: dict[int, ErrorTally] = field(default_factory=dict)
    """By error code."""
    farms: dict[DataFarm, WireError] = field(default_factory=dict)
    """The latest message about the connection to each farm (bounded by ``ib``)."""
    ib_connection: WireError | None = None
    """The latest message about TWS's connection to IB's servers: 1100, 1101, 1102 or 2110."""
    latest_errors: tuple[WireError, ...] = ()
    """The latest of all of them in their order (bounded by ``ib``), for those who print them as they come."""
    errors_beyond: int = 0
    """Errors with further codes, which are only counted (``ib`` bounds the number of codes)."""
    unframed: dict[Side, Moment] = field(default_factory=dict)
    """Where the bytes of a side stopped being IB messages."""
    unframed_detail: dict[Side, str] = field(default_factory=dict)
    """What was found there instead."""
    bytes_after_gap: dict[Side, Gap] = field(default_factory=dict)
    """The first gap in IB messages: what follows was not decoded until messages were recognised again."""
    unfinished: dict[Side, Moment] = field(default_factory=dict)
    """Where the last message of a side began, of which not all has come."""
    swallowed: int = 0
    """Whole messages of the client that stand at the end of what has come of its unfinished one."""
    mid_stream_frames: int = 0
    """Valid IB messages from the server in a conversation whose beginning was not captured."""
    requests: Requests = field(default_factory=lambda: NO_REQUESTS)
    """What the client asked for, and what became of it."""

    def copy(self) -> Self:
        """Return its present state, which does not change any more."""
        copied = type(self)(*_FIELDS_OF_DIALOGUE(self))
        copied.accounts = list(self.accounts)
        copied.messages = {side: Counter(counts) for side, counts in self.messages.items()}
        copied.first_messages = list(self.first_messages)
        copied.errors = {code: tally.copy() for code, tally in self.errors.items()}
        copied.farms = dict(self.farms)
        copied.unframed = dict(self.unframed)
        copied.unframed_detail = dict(self.unframed_detail)
        copied.bytes_after_gap = dict(self.bytes_after_gap)
        copied.unfinished = dict(self.unfinished)
        copied.requests = self.requests if self.requests is NO_REQUESTS else self.requests.copy()
        return copied


_FIELDS_OF_DIALOGUE = attrgetter(*Dialogue.__slots__)
