"""What in a capture takes the weight from a conclusion that rests on time or on silence.

The outcome stands: it says what was seen. But whom it blames is then no more than a guess, and the rules IBS001, IBS002,
IBS010, IBS013, IBS015 and IBS016 say why. On the user's own word about time (IBS012) it is not certain.
"""

from __future__ import annotations

from functools import lru_cache

from ibsniff.model import (
    NANOSECONDS,
    Capture,
    ClockJump,
    Confidence,
    Connection,
    Conversation,
    Fault,
    Finding,
    InputFacts,
    Outcome,
    WatchedBy,
)
from ibsniff.rules.silences import FAIR_CHANCE, round_trip
from ibsniff.rules.words import spoke_last

SILENCES = frozenset({Outcome.SILENT, Outcome.NOT_ASKED, Outcome.CUT_OFF, Outcome.UNREACHABLE})
"""Concluded from what did not come."""
HANG_UPS = frozenset({Outcome.CLOSED, Outcome.RESET})
"""Told apart, relay from TWS, by how soon they came."""


def weighed(finding: Finding, conversation: Conversation, capture: Capture) -> Finding:
    """The finding, no surer than this capture allows: one that blames somebody for a silence in doubt is a guess."""
    if finding.fault in (Fault.NONE, Fault.UNDETERMINED) or finding.confidence is Confidence.LOW:
        return finding
    if in_doubt(conversation, capture):
        return finding._replace(confidence=Confidence.LOW)
    vouched = conversation.watched_by is WatchedBy.USER and rests_on_absence(conversation)
    return finding._replace(confidence=Confidence.MEDIUM) if vouched else finding


def in_doubt(conversation: Conversation, capture: Capture) -> bool:
    """Its outcome rests on time that may not have passed, or on a word that may have been another or not been captured."""
    connection, facts = conversation.connection, capture.facts
    if conversation.outcome in HANG_UPS:
        return without_time(facts) or bool(facts.times_backwards) or _said_two_things(connection)
    if not rests_on_absence(conversation) or _reported(connection):
        return False
    return may_have_been_missed(conversation, capture) or _said_two_things(connection)


def rests_on_absence(conversation: Conversation) -> bool:
    """What is said of it is concluded from what did not come: an answer, or the client's START_API after it."""
    unstarted = conversation.outcome is Outcome.REPLIED and conversation.dialogue.start is None
    return unstarted or conversation.outcome in SILENCES


def may_have_been_missed(conversation: Conversation, capture: Capture) -> bool:
    """What did not come may have come, and only not been captured; or the time for it has not passed."""
    connection, facts = conversation.connection, capture.facts
    unseen_end = facts.truncated is not None and connection.ended is None
    if facts.dropped or not_read(capture) or unseen_end or _watched_too_briefly(conversation):
        return True
    return without_time(facts) or bool(facts.times_backwards) or bool(leaps_within(conversation, capture))


def _watched_too_briefly(conversation: Conversation) -> bool:
    """Whoever asks for less patience (``--patience``) than a TWS needs at times gets a guess."""
    if conversation.connection.ended is not None:
        return False
    watched = (conversation.watched_until_ns - spoke_last(conversation).time_ns) / NANOSECONDS
    return watched < FAIR_CHANCE + round_trip(conversation.connection)


def _said_two_things(connection: Connection) -> bool:
    """Two packets hold different bytes for the same place: which of them the server took is not known."""
    return connection.from_client.conflicts > 0


def _reported(connection: Connection) -> bool:
    """Somebody said so: no silence."""
    return connection.unreachable is not None


def without_time(facts: InputFacts) -> bool:
    """Some packets bear no time, or none does: nothing can be said of how long anything took."""
    return facts.untimed > 0 or (facts.packets > 1 and facts.last_time_ns == 0)


@lru_cache(maxsize=1)
def not_read(capture: Capture) -> int:
    """Packets of link types that are not read."""
    return sum(count for reason, count in capture.facts.skipped.items() if reason.startswith("link type "))


def leaps_within(conversation: Conversation, capture: Capture) -> list[ClockJump]:
    """Leaps of the clock inside the wait that the outcome rests on, if without them it would have been too short."""
    if not rests_on_absence(conversation):
        return []
    connection = conversation.connection
    answered = connection.from_server.last_data
    began_ns = max(spoke_last(conversation).time_ns, answered.time_ns if answered else 0)
    until_ns = connection.ended.moment.time_ns if connection.ended else conversation.watched_until_ns
    inside = [leap for leap in capture.facts.clock_jumps if began_ns <= leap.before_ns and leap.after_ns <= until_ns]
    leapt_ns = sum(leap.after_ns - leap.before_ns for leap in inside)
    return inside if until_ns - began_ns - leapt_ns < conversation.patience * NANOSECONDS else []
