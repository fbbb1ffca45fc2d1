"""The ladder: which rungs a conversation climbed, in which packet, and what stood in the way of the next one."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from ibsniff.formatting import duration, elapsed, seconds
from ibsniff.ib.errors import NOTICES
from ibsniff.model import LADDER, Conversation, Moment, Outcome, Rung


class Step(Enum):
    """How a rung stands."""

    REACHED = "reached"
    MISSED = "missed"
    AWAITED = "awaited"
    AHEAD = "ahead"
    UNKNOWN = "unknown"


class RungView(NamedTuple):
    """One rung as drawn."""

    rung: Rung
    step: Step
    moment: Moment | None
    """When it was reached."""
    why: str
    """What happened instead, on the first rung not reached."""


def ladder(conversation: Conversation, *, is_under_way: bool = False) -> list[RungView]:
    """All six rungs, lowest first; under way nothing is missed yet."""
    if conversation.rung is Rung.UNKNOWN:
        return [RungView(rung, Step.UNKNOWN, None, "") for rung in LADDER]
    climbed = 0 if conversation.rung is Rung.NOTHING else LADDER.index(conversation.rung) + 1
    views = [RungView(rung, Step.REACHED, moment_of(conversation, rung), "") for rung in LADDER[:climbed]]
    for missed in LADDER[climbed : climbed + 1]:
        step = Step.AWAITED if is_under_way else Step.MISSED
        views.append(RungView(missed, step, None, why_missed(conversation, missed)))
    return views + [RungView(rung, Step.AHEAD, None, "") for rung in LADDER[climbed + 1 :]]


def moment_of(conversation: Conversation, rung: Rung) -> Moment | None:
    """The packet a rung was reached in, as far as it is known."""
    connection, dialogue = conversation.connection, conversation.dialogue
    match rung:
        case Rung.CALLED:
            return connection.syns[0] if connection.syns else connection.first
        case Rung.CONNECTED:
            return connection.syn_ack
        case Rung.GREETED:
            return dialogue.hello.complete if dialogue.hello else None
        case Rung.ANSWERED:
            return dialogue.reply.complete if dialogue.reply else None
        case Rung.STARTED:
            return dialogue.start.moment if dialogue.start else None
        case _:
            return dialogue.ready if rung is Rung.READY else None


def why_missed(conversation: Conversation, rung: Rung) -> str:
    """A few words for the first rung that was not reached."""
    hello, start = conversation.dialogue.hello, conversation.dialogue.start
    if rung is Rung.GREETED and hello is not None and not hello.is_valid:
        return f"hello: {hello.dialect}"
    if rung is Rung.STARTED:
        return f"START_API {start.form}" if start else "no START_API"
    if rung is Rung.READY:
        return _not_ready(conversation)
    return _server_did(conversation)


def _not_ready(conversation: Conversation) -> str:
    for code in conversation.dialogue.errors:
        if code not in NOTICES:
            return f"error {code}"
    return _ended_or_waited(conversation, "not seen")


def _server_did(conversation: Conversation) -> str:
    reply = conversation.dialogue.reply
    match conversation.outcome:
        case Outcome.REFUSED:
            return "refused"
        case Outcome.UNREACHABLE:
            unreachable = conversation.connection.unreachable
            return unreachable.kind.value if unreachable else _waited(conversation, "no answer")
        case Outcome.FOREIGN:
            return f"{reply.service} answered" if reply and reply.service else "not IB's bytes"
        case Outcome.CUT_OFF:
            return "reply cut off"
        case Outcome.NOT_ASKED:
            return "nothing was sent"
        case Outcome.UNPROVEN:
            return _waited(conversation, "not seen")
        case _:
            return _ended_or_waited(conversation, "no reply")


def _ended_or_waited(conversation: Conversation, what: str) -> str:
    ended = conversation.connection.ended
    closed_by_server = ended is not None and conversation.outcome in (Outcome.CLOSED, Outcome.RESET, Outcome.REPLIED)
    if ended is None or not closed_by_server:
        return _waited(conversation, what)
    verb = "reset" if conversation.outcome is Outcome.RESET else "closed"
    since = _waiting_since(conversation)
    if ended.moment.time_ns < since.time_ns:
        return f"{verb} before that"
    return f"{verb} after {elapsed(since, ended.moment)}"


def _waited(conversation: Conversation, what: str) -> str:
    """How long nothing came: until somebody ended it, or until nobody watched any more."""
    ended = conversation.connection.ended
    until = ended.moment.time_ns if ended else conversation.watched_until_ns
    return f"{what} in {duration(seconds(until - _waiting_since(conversation).time_ns))}"


def _waiting_since(conversation: Conversation) -> Moment:
    return moment_of(conversation, conversation.rung) or conversation.connection.first
