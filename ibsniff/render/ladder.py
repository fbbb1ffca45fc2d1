"""The ladder: which rungs a conversation reached, in which packet, and why it did not reach the next one."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from ibsniff.formatting import duration, elapsed, seconds
from ibsniff.ib.errors import NOTICES
from ibsniff.model import LADDER, Conversation, Moment, Outcome, Rung


class Step(Enum):
    """The state of a rung."""

    REACHED = "reached"
    MISSED = "missed"
    AWAITED = "awaited"
    AHEAD = "ahead"
    UNKNOWN = "unknown"


class RungView(NamedTuple):
    """One rung, ready to be drawn."""

    rung: Rung
    step: Step
    moment: Moment | None
    """The packet in which it was reached."""
    reason: str
    """What happened instead; only the first rung that was not reached has one."""


def ladder(conversation: Conversation, *, in_progress: bool = False) -> list[RungView]:
    """All six rungs, the lowest first; while a conversation is in progress no rung counts as missed."""
    if conversation.rung is Rung.UNKNOWN:
        return [RungView(rung, Step.UNKNOWN, None, "") for rung in LADDER]
    reached = 0 if conversation.rung is Rung.NOTHING else LADDER.index(conversation.rung) + 1
    views = [RungView(rung, Step.REACHED, moment_of(conversation, rung), "") for rung in LADDER[:reached]]
    for missed in LADDER[reached : reached + 1]:
        step = Step.AWAITED if in_progress else Step.MISSED
        views.append(RungView(missed, step, None, reason_missed(conversation, missed)))
    return views + [RungView(rung, Step.AHEAD, None, "") for rung in LADDER[reached + 1 :]]


def moment_of(conversation: Conversation, rung: Rung) -> Moment | None:
    """The packet in which a rung was reached, if it is known."""
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


def reason_missed(conversation: Conversation, rung: Rung) -> str:
    """Why this rung was not reached, in a few words."""
    hello, start = conversation.dialogue.hello, conversation.dialogue.start
    if rung is Rung.GREETED and hello is not None and not hello.is_valid:
        return f"hello: {hello.dialect}"
    if rung is Rung.STARTED:
        return f"START_API {start.form}" if start else "no START_API"
    if rung is Rung.READY:
        return _not_ready(conversation)
    return _server_reaction(conversation)


def _not_ready(conversation: Conversation) -> str:
    for code in conversation.dialogue.errors:
        if code not in NOTICES:
            return f"error {code}"
    return _ended_or_waited(conversation, "not seen")


def _server_reaction(conversation: Conversation) -> str:
    reply = conversation.dialogue.reply
    match conversation.outcome:
        case Outcome.REFUSED:
            return "refused"
        case Outcome.UNREACHABLE:
            unreachable = conversation.connection.unreachable
            return unreachable.kind.value if unreachable else _waited(conversation, "no answer")
        case Outcome.FOREIGN:
            return f"{reply.service} answered" if reply and reply.service else "not the IB API"
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
    """How long nothing came: until a side closed the connection, or until the capture ended."""
    ended = conversation.connection.ended
    until = ended.moment.time_ns if ended else conversation.watched_until_ns
    return f"{what} in {duration(seconds(until - _waiting_since(conversation).time_ns))}"


def _waiting_since(conversation: Conversation) -> Moment:
    return moment_of(conversation, conversation.rung) or conversation.connection.first
