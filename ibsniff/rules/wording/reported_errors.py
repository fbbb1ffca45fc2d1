"""The errors of a working session that no other rule tells: serious, not over, and not the echo of a harmless step.

TWS reports a great deal with an error number. What rules of their own tell is left out here, and so is what programs cause
in the normal course of things: a cancellation that comes too late, a query that was cancelled, a question without data.
"""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.facts.recovery import over_since
from ibsniff.facts.rejections import refused_changes, rejections, was_out_of_reach
from ibsniff.facts.session import reason_for_close
from ibsniff.facts.subscriptions import stopped_streams
from ibsniff.ib import errors
from ibsniff.model import Conversation, Outcome, RequestState, Rung, Side, WireError
from ibsniff.rules.wording.rejections import judged, refuses_change

TOLD_BY_NUMBER = frozenset(
    {
        errors.MESSAGE_RATE_EXCEEDED,  # IBS402
        errors.REQUEST_NOT_READABLE,  # IBS404
        *errors.IB_CONNECTION,  # IBS403; IBS423 tells whether subscriptions lost by 1101 were made again
        errors.API_PORT_CHANGED,  # IBS407
        *errors.FARM_BROKEN,  # IBS410, until the farm is back
        errors.COMPETING_SESSION,  # IBS411
    }
)
"""Numbers that have a rule of their own."""
CANCELLATIONS = ("CANCEL_ORDER", "REQ_GLOBAL_CANCEL")


class ReportedError(NamedTuple):
    """All errors with one number."""

    code: int
    times: int
    examples: tuple[WireError, ...]
    """The first of them and the last."""


def reported_errors(conversation: Conversation) -> list[ReportedError]:
    """What TWS reported in a session that works, in the order in which it came.

    Empty for a session that TWS has not accepted: there an error belongs to what went wrong with it.
    """
    tallies = conversation.dialogue.errors
    is_session = conversation.rung is Rung.READY or conversation.outcome is Outcome.JOINED
    if tallies.keys() <= errors.NOTICES or not is_session:
        return []
    found, told, taken_back = [], _told(conversation), conversation.dialogue.requests.taken_back
    for code, tally in tallies.items():
        if code in told or not _may_matter(code) or tally.count <= taken_back[code]:
            continue
        examples = tuple(one for one in tally.examples if not _is_settled(conversation, one))
        if examples:
            found.append(ReportedError(code, tally.count, examples))
    return sorted(found, key=lambda one: one.examples[0].moment.packet)


def _told(conversation: Conversation) -> set[int]:
    """The numbers of the errors that IBS420 and IBS421 tell, and of the one that IBS405 states as the reason of the end."""
    orders, requests = rejections(conversation, orders=True), rejections(conversation, orders=False)
    told = {one.code for one in (*orders, *requests)}
    if not {one.code for one in orders} - {errors.ORDER_CANCELLED}:  # else IBS420 tells of the rejected orders only
        told |= {error.code for _, error in refused_changes(conversation) if refuses_change(error.code)}
    reason = reason_for_close(conversation)
    return told if reason is None else told | {reason.code}


def _may_matter(code: int) -> bool:
    """Tell whether an error with this number may be one that somebody must act on."""
    from ibsniff.ib.error_table import ErrorClass, find_error, is_serious  # noqa: PLC0415  (large, and seldom needed)

    if code in TOLD_BY_NUMBER or code in errors.CAME_TOO_LATE or code in errors.PARTIAL or not is_serious(code):
        return False
    known = find_error(code)
    return code not in errors.WARNINGS if known is None else known.error_class is not ErrorClass.ADVISORY


def _is_settled(conversation: Conversation, error: WireError) -> bool:
    """Tell whether this error is over, told by another rule, or the usual answer to what the client did."""
    if over_since(conversation, error) is not None:
        return True
    match error.code:
        case errors.HISTORY_REFUSED if errors.is_no_data(error) or error.text.mentions(errors.CANCELLED_TEXT):
            return True
        case errors.REQUEST_REFUSED:
            return _is_read_only(conversation, error)
        case errors.ORDER_CANCELLED:
            return not error.text.behind_last(":") or _cancels_orders(conversation)
        case errors.CLIENT_ID_IN_USE:
            return conversation.dialogue.ready is None  # IBS310
        case errors.LIVE_UPDATES_FAILED if _stopped_streams(conversation):
            return True
    farms = judged(error.code).farms
    return bool(farms) and was_out_of_reach(conversation, error, farms)  # IBS403 and IBS410 tell of the connection


def _is_read_only(conversation: Conversation, error: WireError) -> bool:
    """IBS401 tells of a Read-Only API, which also refuses requests for ids, and does not say why."""
    if error.text.mentions(errors.READ_ONLY_TEXT):
        return True
    tally, counts = conversation.dialogue.errors[error.code], conversation.dialogue.requests.counts
    is_read_only = any(one.text.mentions(errors.READ_ONLY_TEXT) for one in tally.examples)
    return error.request < 0 and (is_read_only or counts["REQ_IDS", RequestState.REJECTED] > 0)


def _cancels_orders(conversation: Conversation) -> bool:
    """The client sent cancellations: orders of before the capture may be meant by them."""
    sent = conversation.dialogue.messages[Side.CLIENT]
    return any(sent[name] for name in CANCELLATIONS)


def _stopped_streams(conversation: Conversation) -> bool:
    """IBS424 tells which subscriptions stopped with it."""
    stopped = stopped_streams(conversation)
    return stopped is not None and stopped.event is not None and stopped.event.code == errors.LIVE_UPDATES_FAILED
