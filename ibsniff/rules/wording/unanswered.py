"""What a failed connection attempt may really have been: answered after all, or followed by one to another address."""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import SynPattern, syn_pattern
from ibsniff.formatting import counted, duration, elapsed, seconds
from ibsniff.model import Connection, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement


def why_in_doubt(connection: Connection) -> str:
    """Why the repeated SYNs do not confirm that nothing came back, as the end of a sentence; empty when they do."""
    match syn_pattern(connection):
        case SynPattern.SENT_ONCE:
            return ", or the program gave up within a second: the SYN was sent only once"
        case SynPattern.REPEATED_SOON:
            return ", or the answer was not captured: the SYN was repeated sooner than an unanswered SYN is"
        case SynPattern.REPEATED_AFTER_SILENCE:
            return ""


def syns_sent(conversation: Conversation) -> str:
    """How many SYNs were sent in what time, and how long was watched: ``3 SYNs within 3 s, watched for 21 h 04 min``."""
    connection = conversation.connection
    watched = duration(seconds(conversation.watched_until_ns - connection.first.time_ns))
    within = f" within {elapsed(connection.first, connection.last)}" if connection.syn_count > 1 else ""
    return f"{counted(connection.syn_count, 'SYN')}{within}, watched for {watched}"


def unless_other_ip_version_followed(
    statement: Statement, conversation: Conversation, index: CaptureIndex
) -> Statement:
    """The statement, only a note if the program tried the name's next address: ``localhost`` is often ::1 first."""
    instead = index.related.attempt_at_other_ip_version(conversation)
    if instead is None:
        return statement
    server = instead.connection.server
    return statement._replace(
        summary=f"{statement.summary} A moment later there was a connection attempt to {server} ({instead.id}), as by "
        "a program that tries all addresses of a name.",
        fault=Fault.NONE,
        severity=Severity.NOTE,
        remedy=f"There is nothing to fix here if one program made both attempts: see {instead.id}. If the program uses "
        f"{server.ip} instead of the name, the failed attempt does not occur.",
        alternatives=(),
    )
