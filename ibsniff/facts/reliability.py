"""What makes a conclusion that rests on time, on silence or on bytes that were not captured less reliable.

The outcome stays, because it states what was seen (if packets were lost during a silence, it is ``unproven`` already,
see ``diagnosis.losses``). But who must act is then only a guess; the rules IBS001, IBS002, IBS010, IBS013, IBS015 and
IBS016 state the reason. Where only the user states how long was watched (IBS012), it is not certain.
"""

from __future__ import annotations

from functools import cached_property

from ibsniff.facts.timing import MINIMUM_WAIT, client_finished, end_of_wait_ns, packets_were_lost, round_trip
from ibsniff.model import (
    NANOSECONDS,
    ClockJump,
    Confidence,
    Connection,
    Conversation,
    Half,
    InputFacts,
    Moment,
    Outcome,
    Side,
)

SILENCES = frozenset({Outcome.SILENT, Outcome.NOT_ASKED, Outcome.CUT_OFF, Outcome.UNREACHABLE})
"""Outcomes that are concluded from missing packets."""
CLOSED = frozenset({Outcome.CLOSED, Outcome.RESET})
"""Outcomes for which the time until the close distinguishes a relay from a TWS."""


def rests_on_absence(conversation: Conversation) -> bool:
    """Tell whether the conclusion rests on something missing: an answer, or the client's START_API after it."""
    not_started = conversation.outcome is Outcome.REPLIED and conversation.dialogue.start is None
    return not_started or conversation.outcome in SILENCES


def missing_before_reset(half: Half) -> int:
    """Bytes this side sent that were not captured, by the number of its RST, less one, which may be its FIN."""
    if half.reset_at is None or half.fin is not None:
        return 0
    return max(0, half.reset_at - half.length - 1)


def all_captured(conversation: Conversation, side: Side) -> bool:
    """Tell whether no byte of this side is missing in the capture or still awaited."""
    connection = conversation.connection
    half = connection.from_client if side is Side.CLIENT else connection.from_server
    return half.captured >= half.length and not missing_before_reset(half)


class Reliability:
    """How far conclusions from one capture can be trusted."""

    def __init__(self, capture: InputFacts) -> None:
        self._capture = capture

    @property
    def without_time(self) -> bool:
        """Tell whether packets lack timestamps, so that no duration is known."""
        capture = self._capture
        return capture.untimed > 0 or (capture.packets > 1 and capture.last_time_ns == 0)

    @cached_property
    def packets_not_read(self) -> int:
        """How many packets have a link type that ibsniff does not read."""
        return sum(count for reason, count in self._capture.skipped.items() if reason.startswith("link type "))

    def in_doubt(self, conversation: Conversation) -> bool:
        """Tell whether the outcome rests on time that may not have passed, or on ambiguous or missing bytes."""
        if conversation.outcome in CLOSED:
            return self._clock_in_doubt or _contradicts_itself(conversation.connection)
        if not rests_on_absence(conversation) or conversation.connection.unreachable is not None:
            return False
        return self.may_have_missed(conversation) or _contradicts_itself(conversation.connection)

    def may_have_missed(self, conversation: Conversation) -> bool:
        """Tell whether missing packets may have come without being captured, or the time for them has not passed."""
        capture = self._capture
        unseen_end = capture.truncated is not None and conversation.connection.ended is None
        if conversation.lost_in_wait or self.packets_not_read or unseen_end or _watched_too_briefly(conversation):
            return True
        return self._clock_in_doubt or bool(self.clock_jumps_within(conversation))

    @property
    def _clock_in_doubt(self) -> bool:
        return self.without_time or bool(self._capture.times_backwards)

    def clock_jumps_within(self, conversation: Conversation) -> list[ClockJump]:
        """Clock jumps inside the wait that the outcome rests on, if the wait is too short without them."""
        if not rests_on_absence(conversation):
            return []
        answered = conversation.connection.from_server.last_data
        began_ns = max(client_finished(conversation).time_ns, answered.time_ns if answered else 0)
        until_ns = end_of_wait_ns(conversation)
        inside = [one for one in self._capture.clock_jumps if began_ns <= one.before_ns and one.after_ns <= until_ns]
        jumped_ns = sum(one.after_ns - one.before_ns for one in inside)
        return inside if until_ns - began_ns - jumped_ns < conversation.patience * NANOSECONDS else []

    def seconds_jumped(self, conversation: Conversation, since: Moment) -> float:
        """Seconds by which the clock leapt between this moment and the end of the conversation."""
        return self.seconds_jumped_between(since.time_ns, end_of_wait_ns(conversation))

    def seconds_jumped_between(self, since_ns: int, until_ns: int) -> float:
        """Seconds by which the clock leapt between two times."""
        inside = (one for one in self._capture.clock_jumps if since_ns <= one.before_ns and one.after_ns <= until_ns)
        return sum(one.after_ns - one.before_ns for one in inside) / NANOSECONDS

    @staticmethod
    def confidence_in_silence(connection: Connection) -> Confidence:
        """How sure a cause of silence can be: if packets were lost on the way, the answer may be among them."""
        server = connection.from_server
        unseen = server.acked > server.length  # a byte, or a FIN, that was not captured
        doubtful = packets_were_lost(connection) or unseen or _answered_unseen(connection)
        return Confidence.LOW if doubtful else Confidence.MEDIUM


def _answered_unseen(connection: Connection) -> bool:
    """Tell whether the client's kernel rejected something that was not captured, after its program had closed."""
    client = connection.from_client
    return client.fin is not None and client.rst is not None and connection.from_server.fin is None


def _watched_too_briefly(conversation: Conversation) -> bool:
    """Tell whether the wait (``--patience``) was shorter than a TWS sometimes needs: then the conclusion is a guess."""
    if conversation.connection.ended is not None:
        return False
    watched = (conversation.watched_until_ns - client_finished(conversation).time_ns) / NANOSECONDS
    return watched < MINIMUM_WAIT + round_trip(conversation.connection)


def _contradicts_itself(connection: Connection) -> bool:
    """Tell whether two packets hold different bytes for the same place: which of them the server used is not known."""
    return connection.from_client.conflicts > 0
