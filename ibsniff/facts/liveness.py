"""Whether a session is alive at its end: what the client asked since the server's last byte, and how long it waited.

Silence counts from the first question that was not answered, not from the last one: a program that goes on polling a dead
TWS is not answered either. A session is dead only if both are seen: a question that a living TWS answers at once
(``facts.questions``), and not one byte of the server since.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from itertools import pairwise
from typing import NamedTuple

from ibsniff.facts.delivery import unacknowledged
from ibsniff.facts.questions import CLOCK_SPACING, QUESTIONS, SURE_ROW, SURE_SPAN, is_long_row
from ibsniff.facts.reliability import all_captured
from ibsniff.facts.server_close import in_session
from ibsniff.facts.timing import closed_after_client, end_of_wait_ns
from ibsniff.formatting import seconds_between
from ibsniff.model import NANOSECONDS, PATIENCE, Conversation, How, LateAnswer, Moment, Outcome, Request, Side

MAY_BE_REORDERED_NS = 20_000_000
"""A capture may hold packets of its two directions in the wrong order, so that an answer stands before its question."""
USUAL_ROWS = 3
"""A row without an answer says something if it is longer by this factor than one answer took on average before."""
MOST_OF, SIMILAR_PACE = 0.8, 1.25
"""An earlier pace was answered if at least this share of its requests was, and the later requests are not faster by more
than this factor."""


class Unanswered(NamedTuple):
    """A question that was not answered for longer than a living TWS needs."""

    name: str
    asked: Moment
    seconds: float
    """How long there was no answer."""
    asked_again: int
    """How many more such questions were asked since."""
    is_sure: bool = True
    """False for a request for the time that may be one of those that TWS drops."""


class HalfMessage(NamedTuple):
    """A message of the server that began and did not go on."""

    began: Moment
    seconds: float
    """How long nothing more came."""


class Standing(Enum):
    """What is known of a session at its end, when nothing was found to be wrong with it."""

    CLOSED = auto()
    """The client closed it in good order, and the server's program did the same at once."""
    HEARD = auto()
    """The server sent something shortly before the end, and no question was open."""
    PENDING = auto()
    """A question was open, and there was not enough time for its answer."""
    RESET = auto()
    """The client ended it with a RST."""
    IDLE = auto()
    """The server had sent nothing for some time, and nothing was asked that it must answer."""


def standing(conversation: Conversation) -> Standing:
    """What is known of the session at its end: of the client's connection, or of the time that was watched.

    It was shown to work in two cases: ``CLOSED``, where the server's program took notice of the client's FIN within 2 s, which
    a frozen one cannot (its kernel alone only acknowledges the FIN); and ``HEARD``, where the server's last byte came within
    ``PATIENCE`` of the end and every question before it was answered.
    """
    connection, ended = conversation.connection, conversation.connection.ended
    if ended is not None and ended.by is Side.CLIENT:
        if ended.how is How.RST:
            return Standing.RESET
        if closed_after_client(connection):
            return Standing.CLOSED
    if questions_since_last_byte(conversation):
        return Standing.PENDING
    heard = connection.from_server.last_data
    silent_ns = end_of_wait_ns(conversation) - heard.time_ns if heard is not None else None
    is_recent = silent_ns is not None and silent_ns <= PATIENCE * NANOSECONDS
    return Standing.HEARD if is_recent else Standing.IDLE


def questions_since_last_byte(conversation: Conversation) -> list[Request]:
    """The questions that the client asked after the server's last byte, in the order they were asked."""
    heard = conversation.connection.from_server.last_data
    if heard is None or not in_session(conversation):
        return []
    asked = (one for one in conversation.dialogue.requests.open.values() if one.name in QUESTIONS)
    later = [one for one in asked if one.asked.packet > heard.packet and one.asked.time_ns >= heard.time_ns]
    client, server = conversation.connection.from_client, conversation.connection.from_server
    if server.last_data_acks >= client.length:  # the server had all of it when it sent its last byte
        return []
    if len(later) == 1 and later[0].asked == client.last_data:
        return later
    return [one for one in later if one.asked.time_ns > heard.time_ns + MAY_BE_REORDERED_NS]


def unanswered(conversation: Conversation) -> Unanswered | None:
    """The first question since the server's last byte that has waited for longer than its patience; None if none has."""
    waiting = [one for one in questions_since_last_byte(conversation) if not one.may_have_missed]
    if not waiting:
        return None
    end_ns = _nothing_came_until_ns(conversation)
    found = [
        Unanswered(one.name, one.asked, seconds, len(waiting) - 1, is_sure)
        for one, is_sure in _demanding(conversation, waiting)
        if (seconds := (end_ns - one.asked.time_ns) / NANOSECONDS) >= QUESTIONS[one.name].patience
    ]
    return min(found, key=lambda one: (not one.is_sure, one.asked.packet), default=None)


def _nothing_came_until_ns(conversation: Conversation) -> int:
    """Until when it is known that the server sent nothing more.

    Where the capture lost packets meanwhile, until the last packet whose numbers prove it: an ACK of the client that covers
    nothing new.
    """
    complete, end_ns = conversation.connection.from_server.complete_at, end_of_wait_ns(conversation)
    if not conversation.lost_in_wait:
        return end_ns
    return min(end_ns, complete.time_ns) if complete is not None else 0


def unanswered_since_joined(conversation: Conversation) -> Unanswered | None:
    """The first question in a capture that joined a connection and holds not one byte of the server, but its ACKs.

    A request for the time is none by itself, as it may have come soon after one before the capture: only a long row is.
    """
    connection, client, server = (
        conversation.connection,
        conversation.connection.from_client,
        conversation.connection.from_server,
    )
    is_joined = conversation.outcome is Outcome.UNPROVEN and not connection.syn_count and connection.syn_ack is None
    if not is_joined or not server.segments or server.first_data is not None or server.acked > server.length:
        return None
    if client.acked < client.length or client.window_closed is not None or not all_captured(conversation, Side.SERVER):
        return None
    asked = [one for one in conversation.dialogue.requests.open.values() if one.name in QUESTIONS]
    clocks = [one for one in asked if QUESTIONS[one.name].is_clock]
    sure = [one for one in asked if one not in clocks]
    sure += clocks if clocks and is_long_row(clocks) else []
    first = min(sure, key=lambda one: one.asked.packet, default=None)
    if first is None:
        return None
    seconds = (end_of_wait_ns(conversation) - first.asked.time_ns) / NANOSECONDS
    again = len(asked) - 1
    return Unanswered(first.name, first.asked, seconds, again) if seconds >= SURE_SPAN else None


def hang_that_ended(conversation: Conversation) -> LateAnswer | None:
    """The longest time for which TWS left a question unanswered before it answered after all; None if there was none.

    None as well where something else explains the wait: the session was not ready, a packet was lost and sent again, or the
    client took nothing.
    """
    late, dialogue = conversation.dialogue.requests.late, conversation.dialogue
    client, server = conversation.connection.from_client, conversation.connection.from_server
    if late is None or client.retransmissions or server.retransmissions or client.zero_windows:
        return None
    if dialogue.ready is not None and late.asked.packet < dialogue.ready.packet:
        return None
    return late


def half_message(conversation: Conversation) -> HalfMessage | None:
    """The message in whose middle the server stopped for longer than ``PATIENCE``; None if there is none.

    None as well if the rest may only be missing in the capture, or could not be sent or delivered.
    """
    dialogue, connection = conversation.dialogue, conversation.connection
    began, last = dialogue.unfinished.get(Side.SERVER), connection.from_server.last_data
    if began is None or last is None or dialogue.ready is None or not in_session(conversation):
        return None
    if not all_captured(conversation, Side.SERVER) or unacknowledged(connection, Side.SERVER) is not None:
        return None
    if connection.from_client.window_closed is not None:
        return None
    seconds = (end_of_wait_ns(conversation) - last.time_ns) / NANOSECONDS
    return HalfMessage(began, seconds) if seconds >= PATIENCE else None


def _demanding(conversation: Conversation, waiting: Sequence[Request]) -> list[tuple[Request, bool]]:
    """Those of the questions that a living TWS must answer, and whether that is sure."""
    found = [(one, True) for one in waiting if not QUESTIONS[one.name].is_clock]
    for name in dict.fromkeys(one.name for one in waiting if QUESTIONS[one.name].is_clock):
        row = [one for one in waiting if one.name == name]
        found += _demanding_clocks(conversation, row)
    return found


def _demanding_clocks(conversation: Conversation, row: Sequence[Request]) -> list[tuple[Request, bool]]:
    """Of requests for the time, those that are no successor of another within ``CLOCK_SPACING``.

    All of them, if requests at this pace were answered before.
    """
    has_hole = Side.CLIENT in conversation.dialogue.bytes_after_gap  # others may have been asked in it
    before = (None if has_hole else _asked_before(conversation, row[0])) or _not_known_before(conversation)
    asked = [*([before] if before is not None else []), *(one.asked for one in row)]
    gaps = [seconds_between(earlier, later) for earlier, later in pairwise(asked)]
    spaced = [one for one, gap in zip(row[::-1], gaps[::-1], strict=False) if gap >= CLOCK_SPACING][::-1]
    if before is None:
        spaced.insert(0, row[0])
    if spaced and spaced[0] is row[0]:
        return [(one, True) for one in spaced]
    was_answered = before is not None and _was_answered_at(conversation, row[0].name, len(row), before, min(gaps))
    if len(row) >= SURE_ROW and seconds_between(row[0].asked, row[-1].asked) >= SURE_SPAN:
        return [(row[0], was_answered or _is_no_limit(conversation, row, before))]
    if was_answered:
        return [(row[0], len(row) >= SURE_ROW)]
    return [(one, True) for one in spaced]


def _is_no_limit(conversation: Conversation, row: Sequence[Request], before: Moment | None) -> bool:
    """Tell whether a long row without an answer is surely not what TWS drops because it comes too often."""
    if is_long_row(row):
        return True
    gaps = [seconds_between(earlier.asked, later.asked) for earlier, later in pairwise(row)]
    dialogue, name = conversation.dialogue, row[0].name
    asked = dialogue.messages[Side.CLIENT][name] - len(row)
    answered = dialogue.messages[Side.SERVER][QUESTIONS[name].answer]
    if before is None or answered < SURE_ROW or len(row) * answered < USUAL_ROWS * asked:
        return False
    return _average_gap(conversation, name, asked, before) <= SIMILAR_PACE * sum(gaps) / len(gaps)


def _asked_before(conversation: Conversation, request: Request) -> Moment | None:
    """When the latest earlier request of this name was asked, whatever became of it; TWS ignores those before it is ready."""
    requests, ready = conversation.dialogue.requests, conversation.dialogue.ready
    opened = [one.asked for one in requests.open.values() if one.name == request.name]
    earlier = [one for one in (requests.settled.get(request.name), *opened) if one is not None]
    began = ready.packet if ready is not None else 0
    return max((one for one in earlier if began < one.packet < request.asked.packet), default=None)


def _not_known_before(conversation: Conversation) -> Moment | None:
    """Until when requests may have been asked that are not in the capture; None if all of them are."""
    if conversation.dialogue.bytes_after_gap:
        return conversation.connection.last
    return conversation.connection.first if conversation.outcome is Outcome.JOINED else None


def _was_answered_at(conversation: Conversation, name: str, row: int, before: Moment, gap: float) -> bool:
    """Tell whether TWS answered requests for the time that came as quickly after each other, on average."""
    dialogue = conversation.dialogue
    asked = dialogue.messages[Side.CLIENT][name] - row
    answered = dialogue.messages[Side.SERVER][QUESTIONS[name].answer]
    if asked < 2 or answered < 2 or answered < MOST_OF * asked:
        return False
    return _average_gap(conversation, name, asked, before) <= SIMILAR_PACE * gap


def _average_gap(conversation: Conversation, name: str, asked: int, last: Moment) -> float:
    """Seconds between two of so many requests of this name, the last of which was asked then."""
    dialogue = conversation.dialogue
    early = (one.moment for one in dialogue.first_messages if one.side is Side.CLIENT and one.name == name)
    first = next(early, dialogue.ready or conversation.connection.first)
    return seconds_between(first, last) / max(1, asked - 1)
