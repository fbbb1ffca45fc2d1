"""diagnosis -> rules -> render: conversations, the findings about them, and the verdict."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from ibsniff.model.connection import Connection, Moment, Side
from ibsniff.model.dialogue import PATIENCE, Dialogue
from ibsniff.model.inputs import InputFacts, Loss, WatchedBy
from ibsniff.model.packets import Endpoint, StrayHello


class Outcome(StrEnum):
    """What the server side did; every conversation has exactly one."""

    JOINED = "joined"
    """It was already working when the capture began."""
    UNPROVEN = "unproven"
    """This capture does not show it: too short, one direction only, or bytes are missing."""
    REFUSED = "refused"
    """It answered the connection attempt with a RST."""
    UNREACHABLE = "unreachable"
    """It did not answer the connection attempt."""
    REPLIED = "replied"
    """It answered the hello."""
    CUT_OFF = "cut_off"
    """It stopped in the middle of its reply."""
    FOREIGN = "foreign"
    """It is not a TWS."""
    CLOSED = "closed"
    """It accepted the connection and closed it (FIN) without an answer."""
    RESET = "reset"
    """It accepted the connection and reset it (RST) without an answer."""
    NOT_ASKED = "not_asked"
    """It was never sent anything."""
    SILENT = "silent"
    """It accepted the connection, received data and did not answer."""


class Rung(StrEnum):
    """How far a conversation got, lowest first."""

    NOTHING = "nothing"
    CALLED = "called"
    """The client sent a SYN."""
    CONNECTED = "connected"
    """The server accepted the connection."""
    GREETED = "greeted"
    """The client sent a complete and valid hello."""
    ANSWERED = "answered"
    """The server sent its version reply."""
    STARTED = "started"
    """The client sent START_API in the form that the negotiated version requires."""
    READY = "ready"
    """The server sent nextValidId and managedAccounts: the session works."""
    UNKNOWN = "unknown"
    """The beginning was not captured."""


LADDER = (
    Rung.CALLED,
    Rung.CONNECTED,
    Rung.GREETED,
    Rung.ANSWERED,
    Rung.STARTED,
    Rung.READY,
)
"""The rungs in order."""


class Fault(StrEnum):
    """Where the problem has to be fixed."""

    NONE = "none"
    """No problem was found."""
    CLIENT = "client"
    """The program that uses the API."""
    TWS_CONFIG = "tws_config"
    """A setting of TWS or IB Gateway."""
    TWS_STATE = "tws_state"
    """TWS or IB Gateway runs but is stuck, starting, restarting, or waits for a dialog."""
    NETWORK = "network"
    """A firewall, a relay, or a wrong address or port."""
    IB = "ib"
    """IB's servers, or the account."""
    UNDETERMINED = "undetermined"
    """The capture does not decide it."""


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Confidence(StrEnum):
    """How sure a finding is; ``high`` is for what the packets prove."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Alternative(NamedTuple):
    """Another cause that would explain the same packets, and how to find out."""

    cause: str
    fault: Fault
    how_to_tell: str


class Evidence(NamedTuple):
    """A packet that a finding cites, and what it shows."""

    packet: int
    """As numbered in the input."""
    time_ns: int | None
    """None if the time of the packet is not known."""
    side: Side | None
    """Who sent it; None if neither of the two did."""
    what: str
    """What it is, in words; may quote the wire."""
    conversation: str = ""
    """The id of the conversation it belongs to; empty if it belongs to none."""


class Finding(NamedTuple):
    """What one rule found."""

    code: str
    """Of the rule, as ``IBS301``; it never changes."""
    name: str
    """Of the rule, as ``silent-on-this-host``."""
    severity: Severity
    fault: Fault
    confidence: Confidence
    summary: str
    """One or two sentences for people."""
    packets: tuple[int, ...] = ()
    """The packets that prove it, as numbered in the input."""
    remedy: str = ""
    """What to do; may be empty only if there is nothing to do."""
    alternatives: tuple[Alternative, ...] = ()
    """Other causes that would explain the same packets."""
    explains: Rung | None = None
    """The rung that was not reached because of this."""
    input: int = 0
    """Which input it belongs to, from 0."""
    conversations: tuple[str, ...] = ()
    """The ids of the conversations it belongs to, if these are several."""
    evidence: tuple[Evidence, ...] = ()
    """The same packets, in the same order, with what each of them shows."""
    title: str = ""
    """What the rule finds, in a few words."""

    @property
    def is_problem(self) -> bool:
        """Somebody must do something about it; else it is a note, or says that all is in order."""
        return self.severity is not Severity.NOTE and self.fault is not Fault.NONE

    @property
    def is_about_trust(self) -> bool:
        """It says what can be trusted of a capture, not what is wrong with a session."""
        return self.code.startswith("IBS0")


class Conversation(NamedTuple):
    """One connection, or one attempt at one, with the conclusions about it."""

    id: str
    """As ``c1``: its place among all connections of all inputs."""
    input: int
    """Which input it belongs to, from 0."""
    connection: Connection
    dialogue: Dialogue
    watched_until_ns: int
    """Until when packets were captured: nothing that came later can be known."""
    watched_by: WatchedBy
    outcome: Outcome
    rung: Rung
    conn_state: str = ""
    """Zeek's conn_state of the connection."""
    arp_unanswered: tuple[Moment, ...] = ()
    """ARP requests of the client for the server's address without a reply, if no SYN-ACK came either."""
    arp_answered: Moment | None = None
    """When ARP showed that a machine has the server's address, if no SYN-ACK came."""
    patience: float = PATIENCE
    """Seconds without an answer after which the server counted as silent."""
    lost_in_wait: tuple[Loss, ...] = ()
    """What the capture lost when the next step was awaited, which may be that step; nothing when sequence numbers prove
    that it was not captured because it was not sent."""
    missing: Rung | None = None
    """The first rung that was not reached; None if all were, or if it cannot be known."""
    findings: tuple[Finding, ...] = ()
    cause: Finding | None = None
    """The finding that explains the first missing rung, or the worst problem of a session that got ready."""
    fault: Fault = Fault.UNDETERMINED
    confidence: Confidence = Confidence.LOW
    summary: str = ""
    """One or two sentences for people: those of the cause, if there is one."""

    @property
    def is_fine(self) -> bool:
        """Nothing is wrong with it."""
        return self.fault is Fault.NONE

    @property
    def works(self) -> bool:
        """It is ready, and nothing is wrong with it."""
        return self.rung is Rung.READY and self.is_fine


class Capture(NamedTuple):
    """One input and its conversations: what the rules look at."""

    input: int
    """Which of the inputs of the report it is, from 0."""
    facts: InputFacts
    conversations: tuple[Conversation, ...]
    stray_hellos: tuple[StrayHello, ...] = ()
    unanswered_arp: tuple[tuple[bytes, tuple[Moment, ...]], ...] = ()
    """Addresses that did not reply to ARP, with the requests for them."""
    omitted: int = 0
    """Conversations that were evicted because there were too many."""


class ServerOutage(NamedTuple):
    """A time in which a server that works at other times served nobody."""

    input: int
    server: Endpoint
    began_ns: int
    back_ns: int | None
    """When a session worked again; None if none did until the end of the capture."""
    ended: tuple[str, ...]
    """The ids of the sessions that the server ended when it began."""
    failed: dict[Outcome, int]
    """How many attempts failed meanwhile, by outcome, in the order in which the outcomes first came."""
    back: str | None
    """The id of the session that worked again."""
    text: str
    """The same in words."""


class Problem(NamedTuple):
    """One thing that is wrong, told once, however many conversations it concerns."""

    finding: Finding
    """What tells it: a finding about several conversations, or of those with the same remedy that of the worst one. Its code is
    empty if no rule explains why the conversation failed."""
    conversation: str | None
    """The id of the conversation that shows it best; None if it concerns no conversation."""
    conversations: tuple[str, ...] = ()
    """The ids of those it concerns, in the order of the capture; the first ones, if there are many. One that works may be among
    them, as it is part of the proof; it does not count in what follows."""
    total: int = 0
    """How many it concerns."""
    servers: tuple[Endpoint, ...] = ()
    explained: dict[str, int] = {}  # noqa: RUF012  (nobody changes it)
    """Other findings that follow from this one and are no problems of their own: how many, by code."""
    first_ns: int | None = None
    """When it was first seen: in a session the first packet that proves it, otherwise when the connection began."""
    last_ns: int | None = None
    """The same for the last of its conversations."""
    is_over: bool = False
    """Each client it concerns has worked since then, with the same server."""
    is_partly_over: bool = False
    """Some of its clients have, and others have not."""


class Verdict(NamedTuple):
    """The conclusion about all inputs together: that of the worst problem or, without one, of the best conversation."""

    outcome: Outcome
    fault: Fault
    confidence: Confidence
    code: str | None
    """Of the finding it is based on; None if there is none."""
    summary: str
    """Sentences for people, which also say whether the latest conversation works."""
    conversation: str | None
    """The id of the conversation it is about."""
    counts: dict[Outcome, int]
    """How many conversations had which outcome; evicted ones are included."""


class Narrowed(NamedTuple):
    """What a report was restricted to."""

    chosen_by: str
    """The options that chose its conversations, as the user wrote them."""
    left_out: int
    """How many others the inputs have."""


class Report(NamedTuple):
    """The result of an analysis: a value that does not change any more."""

    inputs: Sequence[InputFacts]
    verdict: Verdict | None
    """None if there was no conversation."""
    findings: tuple[Finding, ...]
    """About an input as a whole, or about several conversations together."""
    conversations: Sequence[Conversation]
    """In the order of their first packets, input by input. A tuple, unless there are so many that they wait in a file."""
    omitted: int = 0
    """Conversations that were evicted because there were too many; they are only counted."""
    outages: tuple[ServerOutage, ...] = ()
    """Of the servers that work at other times, in order of time, input by input; the latest, if there are many."""
    problems: tuple[Problem, ...] = ()
    """Everything that is wrong, each problem once; the worst comes first, and those that are over come last."""
    problems_omitted: int = 0
    """How many more there are, which are less bad."""
    narrowed: Narrowed | None = None
    """Not None if conversations were left out because the user chose others."""
