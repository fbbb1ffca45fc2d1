"""ib -> diagnosis: what the two sides sent in the language of the IB API."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple, Self

from ibsniff.model.connection import Gap, Moment, Side

PATIENCE = 5.0
"""Seconds without an answer after which silence is said to be one. A TWS answers a hello within milliseconds; the
shortest-tempered clients give up after 2 to 4 seconds, and their going proves the silence earlier than this."""


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

    def copy(self) -> Self:
        """Its present state: what happens to this one later does not change it."""
        return type(self)(self.count, list(self.examples))


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

    def copy(self) -> Self:
        """Its present state: what happens to this one later does not change it."""
        copied = type(self)(*_FIELDS_OF_DIALOGUE(self))
        copied.accounts = list(self.accounts)
        copied.messages = {side: Counter(counts) for side, counts in self.messages.items()}
        copied.first_messages = list(self.first_messages)
        copied.errors = {code: tally.copy() for code, tally in self.errors.items()}
        copied.unframed = dict(self.unframed)
        copied.unframed_detail = dict(self.unframed_detail)
        copied.bytes_after_gap = dict(self.bytes_after_gap)
        return copied


_FIELDS_OF_DIALOGUE = attrgetter(*Dialogue.__slots__)
