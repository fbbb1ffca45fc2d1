"""What a call that came to nothing may have been: answered after all, as its kernel's repeats tell, or a detour."""

from __future__ import annotations

from itertools import pairwise

from ibsniff.formatting import seconds_between
from ibsniff.model import Capture, Connection, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement
from ibsniff.rules.welcome import called_instead

AFTER_SILENCE = 0.8
"""Seconds before a SYN is repeated when nothing came back: 1 at the least (RFC 6298, 2.1), give or take a coarse clock.
Windows calls again half a second after a refusal."""


def asked_once(connection: Connection) -> str:
    """Say, as the end of a sentence, why the repeats do not bear out that nothing came back; empty when they do."""
    if connection.syn_count < 2:
        return ", or the program gave up within a second: it called only once"
    if any(seconds_between(first, again) < AFTER_SILENCE for first, again in pairwise(connection.syns)):
        return ", or the answer was not captured: it called again sooner than after silence"
    return ""


def unless_a_detour(statement: Statement, conversation: Conversation, capture: Capture) -> Statement:
    """The statement, harmless if the program went on to the next address of a name: ``localhost`` is often ::1 first."""
    instead = called_instead(conversation, capture)
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
