"""Requests and orders that were left without a word in a session that goes on.

Most requests prove nothing by their silence (``facts.questions``). Here are those of which something can be said: orders that
TWS was to send on at once, questions that a TWS that works answers, look-ups of a kind that was answered before, and look-ups
that later ones of the same kind overtook.
"""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.facts.questions import CLOCK_SPACING, QUESTIONS, is_long_row
from ibsniff.facts.server_close import in_session
from ibsniff.facts.timing import end_of_wait_ns
from ibsniff.formatting import seconds_between
from ibsniff.ib import errors
from ibsniff.model import NANOSECONDS, Conversation, Request, RequestState, Side

ORDER, ORDER_PATIENCE = "PLACE_ORDER", 10.0
"""TWS sends the status of an order that it accepts, or an error, within milliseconds; seconds if its window is busy."""
OVERTAKEN_PATIENCE = 60.0
"""Seconds after which a request that others overtook is worth a note. IB's servers may need minutes for some."""
LOOK_UPS = frozenset(
    {
        "REQ_CONTRACT_DATA", "REQ_HISTORICAL_DATA", "REQ_HEAD_TIMESTAMP", "REQ_HISTORICAL_TICKS", "REQ_HISTOGRAM_DATA",
        "REQ_FUNDAMENTAL_DATA", "REQ_SEC_DEF_OPT_PARAMS", "REQ_MATCHING_SYMBOLS", "REQ_MARKET_RULE",
        "REQ_SMART_COMPONENTS", "REQ_HISTORICAL_NEWS", "REQ_NEWS_ARTICLE",
    }
)  # fmt: skip
"""Requests with an answer that ends, which comes from IB's servers."""
ROW, ROW_PATIENCE = 3, 60.0
"""So many look-ups of a kind that was answered before, and not one byte of the server since the first of them, are no slow
answer of IB's servers, although each by itself may be."""
QUICK = frozenset({"REQ_CONTRACT_DATA", "REQ_MATCHING_SYMBOLS", "REQ_MARKET_RULE", "REQ_SMART_COMPONENTS"})
QUICK_PATIENCE = 180.0
"""Look-ups that take about a second, and minutes only for a chain of thousands of contracts."""
CLOCKS_IN_A_ROW = 3
"""Requests for the time without an answer that are no coincidence, each well after the one before."""
MAY_BE_THE_ANSWER = (errors.MESSAGE_RATE_EXCEEDED, errors.REQUEST_NOT_READABLE)
"""Errors that name no request: each may be the answer to one that seems to have none."""


class UnansweredRequests(NamedTuple):
    """What was left without a word, each in the order it was asked."""

    orders: tuple[Request, ...]
    questions: tuple[Request, ...]
    look_ups: tuple[Request, ...]
    """Of a kind that was answered before: a row of them and nothing else either, or one for minutes."""
    overtaken: tuple[Request, ...]


def unanswered_requests(conversation: Conversation) -> UnansweredRequests:
    """What got neither an answer nor an error for longer than its patience; nothing if an error may be meant for it."""
    dialogue = conversation.dialogue
    if not in_session(conversation) or any(code in dialogue.errors for code in MAY_BE_THE_ANSWER):
        return UnansweredRequests((), (), (), ())
    ready_ns = dialogue.ready.time_ns if dialogue.ready is not None else 0
    open_requests = (one for one in dialogue.requests.open.values() if one.is_unanswered and not one.may_have_missed)
    gap = dialogue.bytes_after_gap.get(
        Side.CLIENT
    )  # requests right after it are known only when their answers are past
    known_from = gap.noticed.packet if gap is not None else 0
    waiting = [one for one in open_requests if one.asked.time_ns >= ready_ns and one.asked.packet > known_from]
    if not waiting:
        return UnansweredRequests((), (), (), ())
    return UnansweredRequests(
        tuple(one for one in waiting if _is_due_order(conversation, one)),
        _due_questions(conversation, waiting),
        _due_look_ups(conversation, waiting),
        tuple(one for one in waiting if _is_overtaken(conversation, one)),
    )


def unconfirmed_orders(conversation: Conversation) -> tuple[Request, ...]:
    """Orders that TWS was to send on at once, and of which it said nothing, however short the time was.

    Whether TWS has them is not known where the session did not go on.
    """
    dialogue = conversation.dialogue
    if any(code in dialogue.errors for code in MAY_BE_THE_ANSWER):
        return ()
    unanswered = (one for one in dialogue.requests.open.values() if one.is_unanswered and not one.may_have_missed)
    return tuple(one for one in unanswered if one.name == ORDER and one.is_transmitted)


def waited(conversation: Conversation, request: Request) -> float:
    """Seconds since the request, until the end of the connection or of the time that was watched."""
    return (end_of_wait_ns(conversation) - request.asked.time_ns) / NANOSECONDS


def _is_due_order(conversation: Conversation, request: Request) -> bool:
    return request.name == ORDER and request.is_transmitted and waited(conversation, request) >= ORDER_PATIENCE


def _due_questions(conversation: Conversation, waiting: list[Request]) -> tuple[Request, ...]:
    refused = errors.REQUEST_REFUSED in conversation.dialogue.errors  # it may name none of them
    asked = [one for one in waiting if one.name in QUESTIONS and not refused]
    clocks = [one for one in asked if QUESTIONS[one.name].is_clock]
    spaced = [
        one for i, one in enumerate(clocks) if not i or seconds_between(clocks[i - 1].asked, one.asked) >= CLOCK_SPACING
    ]
    due = [one for one in asked if not QUESTIONS[one.name].is_clock]
    if len(spaced) >= CLOCKS_IN_A_ROW or is_long_row(clocks):
        due += clocks
    return tuple(one for one in due if waited(conversation, one) >= QUESTIONS[one.name].patience)


def _due_look_ups(conversation: Conversation, waiting: list[Request]) -> tuple[Request, ...]:
    heard, requests = conversation.connection.from_server.last_data, conversation.dialogue.requests
    later = [one for one in waiting if one.name in LOOK_UPS and not _is_settled_since(conversation, one)]
    found: list[Request] = []
    for name in dict.fromkeys(one.name for one in later):
        answered, row = requests.counts[name, RequestState.ANSWERED], [one for one in later if one.name == name]
        mute = heard is not None and heard.packet < row[0].asked.packet
        if mute and answered >= ROW - 1 and len(row) >= ROW and waited(conversation, row[0]) >= ROW_PATIENCE:
            found += row
        elif name in QUICK and answered:
            found += [one for one in row if waited(conversation, one) >= QUICK_PATIENCE]
    return tuple(found)


def _is_settled_since(conversation: Conversation, request: Request) -> bool:
    later = conversation.dialogue.requests.settled.get(request.name)
    return later is not None and later.packet > request.asked.packet


def _is_overtaken(conversation: Conversation, request: Request) -> bool:
    """Tell whether a later request of the same kind was answered long ago."""
    if request.name not in LOOK_UPS or not conversation.dialogue.requests.counts[request.name, RequestState.ANSWERED]:
        return False
    return _is_settled_since(conversation, request) and waited(conversation, request) >= OVERTAKEN_PATIENCE
