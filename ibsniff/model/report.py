"""diagnosis -> rules -> render: conversations, what was found out about them, and the verdict."""

from enum import StrEnum
from typing import NamedTuple

from ibsniff.model.connection import Connection, Moment
from ibsniff.model.dialogue import PATIENCE, Dialogue
from ibsniff.model.inputs import InputFacts, WatchedBy
from ibsniff.model.packets import StrayHello


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
    conn_state: str = ""
    """Zeek's conn_state of the connection."""
    arp_unanswered: tuple[Moment, ...] = ()
    """ARP requests of the client for the server's address that nobody answered, when no SYN-ACK came either."""
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


class Capture(NamedTuple):
    """One input and the conversations in it: what rules about captures look at."""

    input: int
    """Which of the inputs of the report it is, from 0."""
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
