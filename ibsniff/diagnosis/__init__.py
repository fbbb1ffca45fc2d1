"""From a conversation to its outcome, its rung and its cause; from all of them to the verdict.

The outcome is a total function: every conversation has one, whichever rules exist. First match wins, and it judges
by sequence numbers, not by captured bytes, so that a hole in the capture never becomes an accusation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ibsniff.model import (
    LADDER,
    NANOSECONDS,
    PATIENCE,
    Confidence,
    Connection,
    Conversation,
    Dialogue,
    Fault,
    Finding,
    How,
    Outcome,
    ReplyKind,
    Rung,
    Severity,
    Side,
    UnreachableKind,
    Verdict,
)

CALL_PATIENCE = 3.0
"""Seconds after which an unanswered SYN is said to be one: its second retransmission is due (RFC 6298: 1 s, 3 s)."""

CALLS = 3
"""Unanswered SYNs that make a server unreachable, however little time has passed."""

WORST_FIRST = (
    Outcome.REFUSED,
    Outcome.UNREACHABLE,
    Outcome.SILENT,
    Outcome.RESET,
    Outcome.CLOSED,
    Outcome.FOREIGN,
    Outcome.CUT_OFF,
    Outcome.REPLIED,
    Outcome.NOT_ASKED,
    Outcome.UNPROVEN,
    Outcome.JOINED,
)
"""Which conversation speaks for the capture, when several are equally severe."""

ABOUT_THE_CAPTURE = "IBS0"
"""Findings of this family say what can be trusted, not what is wrong with a session."""


def outcome(connection: Connection, dialogue: Dialogue, watched_until_ns: int, patience: float = PATIENCE) -> Outcome:
    """Say what the server side did; ``patience`` in seconds makes a silence one."""
    if not _beginning_seen(connection, dialogue):
        return Outcome.JOINED if dialogue.mid_stream_frames or _replied(dialogue) else Outcome.UNPROVEN
    if one_way(connection):
        return Outcome.UNPROVEN
    if not _call_answered(connection) and not _hello_seen(dialogue):
        return _unanswered_call(connection, watched_until_ns)
    if connection.from_server.length > 0:
        return _server_spoke(connection, dialogue, watched_until_ns, patience)
    if connection.ended is not None and connection.ended.by is Side.SERVER:
        return Outcome.CLOSED if connection.ended.how is How.FIN else Outcome.RESET
    settled = connection.ended is not None or waited(connection, dialogue, watched_until_ns) >= patience
    if connection.from_client.length == 0:
        return Outcome.NOT_ASKED if settled else Outcome.UNPROVEN
    return Outcome.SILENT if settled else Outcome.UNPROVEN


def one_way(connection: Connection) -> bool:
    """Tell whether only one direction of an answered connection was captured."""
    client, server = connection.from_client, connection.from_server
    if server.segments == 0:
        return connection.established is not None or client.segments > connection.syn_count + bool(client.rst)
    return client.segments == 0


def waited(connection: Connection, dialogue: Dialogue, watched_until_ns: int) -> float:
    """Seconds watched since the server's last byte; before that since it had the hello, else since it was connected."""
    client, hello = connection.from_client, dialogue.hello
    spoken_to = hello.complete if hello is not None and hello.is_valid else client.first_data
    connected = connection.established or connection.syn_ack or connection.first
    began = connection.from_server.last_data or spoken_to or connected
    return (watched_until_ns - began.time_ns) / NANOSECONDS


def _call_answered(connection: Connection) -> bool:
    """A SYN-ACK, or what cannot be without one: bytes of the server, or the client's ACK and something acknowledged."""
    server = connection.from_server
    return (
        connection.syn_ack is not None
        or server.length > 0
        or (connection.established is not None and server.segments > 0)
    )


def _beginning_seen(connection: Connection, dialogue: Dialogue) -> bool:
    """A SYN or a SYN-ACK shows the beginning; so does a whole hello, which is only ever said first."""
    return bool(connection.syn_count or connection.syn_ack) or _hello_seen(dialogue)


def _hello_seen(dialogue: Dialogue) -> bool:
    return dialogue.hello is not None and dialogue.hello.is_valid


def _replied(dialogue: Dialogue) -> bool:
    return dialogue.reply is not None and dialogue.reply.is_whole


def _unanswered_call(connection: Connection, watched_until_ns: int) -> Outcome:
    """No SYN-ACK came: refused, unreachable, or too early to say."""
    report = connection.unreachable
    if connection.refusals or (report is not None and report.kind is UnreachableKind.PORT):
        return Outcome.REFUSED
    called = (watched_until_ns - connection.first.time_ns) / NANOSECONDS
    if report is not None or connection.syn_count >= CALLS or called >= CALL_PATIENCE:
        return Outcome.UNREACHABLE
    return Outcome.UNPROVEN


def _server_spoke(connection: Connection, dialogue: Dialogue, watched_until_ns: int, patience: float) -> Outcome:
    """The server sent bytes: whose were they?"""
    reply = dialogue.reply
    if reply is None or reply.kind is ReplyKind.NOT_CAPTURED:
        return Outcome.REPLIED if dialogue.ready else Outcome.UNPROVEN
    if reply.is_whole:
        return Outcome.REPLIED
    if reply.kind is ReplyKind.FOREIGN:
        return Outcome.FOREIGN
    if connection.from_server.captured < connection.from_server.length:
        return Outcome.UNPROVEN
    settled = connection.ended is not None or waited(connection, dialogue, watched_until_ns) >= patience
    return Outcome.CUT_OFF if settled else Outcome.UNPROVEN


def rung(connection: Connection, dialogue: Dialogue, seen: Outcome) -> Rung:
    """Say how far it got. A later step that was seen proves the earlier ones a damaged capture does not show."""
    if seen is Outcome.JOINED:
        return Rung.UNKNOWN
    start = dialogue.start
    steps = {
        Rung.CALLED: bool(connection.syn_count),
        Rung.CONNECTED: _call_answered(connection),
        Rung.GREETED: _hello_seen(dialogue),
        Rung.ANSWERED: _replied(dialogue),
        Rung.STARTED: start is not None and start.fits,
        Rung.READY: dialogue.ready is not None,
    }
    reached = [step for step in LADDER if steps[step]]
    return reached[-1] if reached else Rung.NOTHING


def first_missing(reached: Rung) -> Rung | None:
    """Return the rung above, None at the top or where the beginning was not seen."""
    if reached in (Rung.READY, Rung.UNKNOWN):
        return None
    return LADDER[LADDER.index(reached) + 1] if reached in LADDER else LADDER[0]


def conclude(conversation: Conversation, findings: tuple[Finding, ...]) -> Conversation:
    """Add findings, and with them cause, fault and summary."""
    cause = _cause(conversation, findings)
    if cause is not None:
        return conversation._replace(
            findings=findings,
            cause=cause,
            fault=cause.fault,
            confidence=cause.confidence,
            summary=cause.summary,
        )
    fine = conversation.rung is Rung.READY or conversation.outcome is Outcome.JOINED
    return conversation._replace(
        findings=findings,
        fault=Fault.NONE if fine else Fault.UNDETERMINED,
        confidence=Confidence.HIGH if fine else Confidence.LOW,
        summary=_plain_summary(conversation),
    )


def _cause(conversation: Conversation, findings: tuple[Finding, ...]) -> Finding | None:
    """The finding that explains the first missing rung; at the top, the worst that troubles the session."""
    if conversation.missing is not None:
        fitting = [finding for finding in findings if finding.explains is conversation.missing]
    else:
        fitting = [
            finding
            for finding in findings
            if finding.severity is not Severity.NOTE and finding.explains is None and finding.fault is not Fault.NONE
        ]
        fitting = [finding for finding in fitting if not finding.code.startswith(ABOUT_THE_CAPTURE)]
    return min(fitting, key=_gravity, default=None)


def _gravity(finding: Finding) -> tuple[int, int, str]:
    """Sort key: the worst and surest first."""
    return (list(Severity).index(finding.severity), list(Confidence).index(finding.confidence), finding.code)


def _plain_summary(conversation: Conversation) -> str:
    """What can be said without a rule."""
    server = conversation.connection.server
    if conversation.rung is Rung.READY:
        version = conversation.dialogue.reply.server_version if conversation.dialogue.reply else None
        with_version = f" (server version {version})" if version else ""
        return f"{server} replied and the API session is ready{with_version}."
    if conversation.outcome is Outcome.JOINED:
        return f"The capture joined a session with {server} that was already working."
    return f"The conversation with {server} got as far as '{conversation.rung}'; the server's part is '{conversation.outcome}'."


def is_fine(conversation: Conversation) -> bool:
    """Nothing is wrong with it."""
    return conversation.fault is Fault.NONE


def badness(conversation: Conversation) -> tuple[int, int]:
    """Sort key: the conversation that should speak for the capture first.

    One that came to nothing, and that nobody minds, speaks after those that worked.
    """
    if is_fine(conversation):
        severity = len(Severity) + (conversation.cause is not None)
    elif conversation.cause is not None:
        severity = list(Severity).index(conversation.cause.severity)
    else:
        severity = list(Severity).index(Severity.WARNING)
    return severity, WORST_FIRST.index(conversation.outcome)


def verdict(
    conversations: Sequence[Conversation], folded: Counter[Outcome], shared: Sequence[Finding] = ()
) -> Verdict | None:
    """Let the worst conversation speak, the latest of equals; and say so when the newest works.

    A finding about several conversations, the worst among them, tells the whole story and speaks in its place; the
    first conversation it names is the user's.
    """
    if not conversations:
        return None
    newest_first = sorted(conversations, key=lambda conversation: -conversation.connection.first.time_ns)
    worst = min(newest_first, key=badness)
    works = ""
    newest = next(one for one in newest_first if one.connection.server == worst.connection.server)
    if newest is not worst and is_fine(newest) and newest.rung is Rung.READY and not is_fine(worst):
        works = f" The latest conversation ({newest.id}) is ready: it works since then."
    counts = dict(Counter(conversation.outcome for conversation in conversations) + folded)
    story = next((one for one in shared if one.severity is Severity.ERROR and worst.id in one.conversations), None)
    if story is not None:
        worst = next(conversation for conversation in conversations if conversation.id == story.conversations[0])
        return Verdict(
            worst.outcome, story.fault, story.confidence, story.code, story.summary + works, worst.id, counts
        )
    return Verdict(
        outcome=worst.outcome,
        fault=worst.fault,
        confidence=worst.confidence,
        code=worst.cause.code if worst.cause else None,
        summary=worst.summary + works,
        conversation=worst.id,
        counts=counts,
    )
