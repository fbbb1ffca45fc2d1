"""What in a capture takes the weight from a conclusion that rests on time or on silence.

The outcome stands: it says what was seen. But whom it blames is then no more than a guess, and the rules IBS001, IBS002,
IBS010, IBS013, IBS015 and IBS016 say why.
"""

from __future__ import annotations

from dataclasses import replace

from ibsniff.model import (
    NANOSECONDS,
    PATIENCE,
    Capture,
    Confidence,
    Connection,
    Conversation,
    Fault,
    Finding,
    InputFacts,
    Leap,
    Outcome,
)
from ibsniff.rules.words import spoke_last

SILENCES = frozenset({Outcome.SILENT, Outcome.NOT_ASKED, Outcome.CUT_OFF, Outcome.UNREACHABLE})
"""Concluded from what did not come."""
HANG_UPS = frozenset({Outcome.CLOSED, Outcome.RESET})
"""Told apart, relay from TWS, by how soon they came."""


def weighed(finding: Finding, conversation: Conversation, capture: Capture) -> Finding:
    """The finding, no surer than this capture allows: one that blames somebody for a silence in doubt is a guess."""
    if finding.fault in (Fault.NONE, Fault.UNDETERMINED) or finding.confidence is Confidence.LOW:
        return finding
    return replace(finding, confidence=Confidence.LOW) if in_doubt(conversation, capture) else finding


def in_doubt(conversation: Conversation, capture: Capture) -> bool:
    """Its outcome rests on time that may not have passed, or on an answer that may only not have been captured."""
    connection, facts = conversation.connection, capture.facts
    if conversation.outcome in HANG_UPS:
        return without_time(facts) or bool(facts.times_backwards)
    if conversation.outcome not in SILENCES or _reported(connection):
        return False
    unseen_end = facts.truncated is not None and connection.ended is None
    if facts.dropped or not_read(facts) or unseen_end:
        return True
    return without_time(facts) or bool(facts.times_backwards) or bool(leaps_within(conversation, capture))


def _reported(connection: Connection) -> bool:
    """Somebody said so: no silence."""
    return connection.unreachable is not None


def without_time(facts: InputFacts) -> bool:
    """Some packets bear no time, or none does: nothing can be said of how long anything took."""
    return facts.untimed > 0 or (facts.packets > 1 and facts.last_time_ns == 0)


def not_read(facts: InputFacts) -> int:
    """Packets of link types that are not read."""
    return sum(count for reason, count in facts.skipped.items() if reason.startswith("link type "))


def leaps_within(conversation: Conversation, capture: Capture) -> list[Leap]:
    """Leaps of the clock inside the wait that the outcome rests on, if without them it would have been too short."""
    if conversation.outcome not in SILENCES:
        return []
    connection = conversation.connection
    answered = connection.from_server.last_data
    began_ns = max(spoke_last(conversation).time_ns, answered.time_ns if answered else 0)
    until_ns = connection.ended.moment.time_ns if connection.ended else conversation.watched_until_ns
    inside = [leap for leap in capture.facts.leaps if began_ns <= leap.before_ns and leap.after_ns <= until_ns]
    leapt_ns = sum(leap.after_ns - leap.before_ns for leap in inside)
    return inside if until_ns - began_ns - leapt_ns < PATIENCE * NANOSECONDS else []
