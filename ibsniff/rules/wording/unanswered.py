"""What an attempt that came to nothing may have been: answered after all, or a detour to another address."""

from __future__ import annotations

from ibsniff.facts.connection_attempt import SynPattern, syn_pattern
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Connection, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement


def why_in_doubt(connection: Connection) -> str:
    """Say, as the end of a sentence, why the repeats do not bear out that nothing came back; empty when they do."""
    match syn_pattern(connection):
        case SynPattern.SENT_ONCE:
            return ", or the program gave up within a second: it called only once"
        case SynPattern.REPEATED_SOON:
            return ", or the answer was not captured: it called again sooner than after silence"
        case SynPattern.REPEATED_AFTER_SILENCE:
            return ""


def unless_other_ip_version_followed(
    statement: Statement, conversation: Conversation, index: CaptureIndex
) -> Statement:
    """The statement, harmless if the program went on to the next address of a name: ``localhost`` is often ::1 first."""
    instead = index.related.attempt_at_other_ip_version(conversation)
    if instead is None:
        return statement
    server = instead.connection.server
    return statement._replace(
        summary=f"{statement.summary} A moment later {server} was called ({instead.id}): a program that tries all addresses "
        "of a name goes on like this.",
        fault=Fault.NONE,
        severity=Severity.NOTE,
        remedy=f"Nothing to mend here, if it was one program: see {instead.id}. To call {server.ip} in place of the name "
        "spares the detour.",
        alternatives=(),
    )
