"""A request was not answered completely.

Seen: a session that is ready, a request whose answer closes with an end message (positions, open orders, executions,
account download ...), and neither this end message nor an immediate error 320, until the client closed or 5 s passed.
Meaning: a client that collects everything while it connects (ib_async, ib_insync) waits for these end messages and
reports TimeoutError although it is connected. Known causes: a read-only API, many accounts, a slow or broken
connection to IB.
How sure: it is certain that the end message did not come; the packets do not show why, unless another error says so:
low.
Sources: ib_insync 303, 386, 584, 638 and 224; ib_async 82.
What to do: raise the client's timeout; ask for less at the start (ib_async: ``fetchFields``); look for errors 1100
and 21xx.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.session import settled_after
from ibsniff.facts.timing import MINIMUM_WAIT, round_trip
from ibsniff.formatting import seconds_between
from ibsniff.ib import errors
from ibsniff.model import Alternative, Confidence, Conversation, Dialogue, Fault, Moment, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule

ENDS = {
    "REQ_POSITIONS": "POSITION_END",
    "REQ_OPEN_ORDERS": "OPEN_ORDER_END",
    "REQ_EXECUTIONS": "EXECUTION_DATA_END",
    "REQ_COMPLETED_ORDERS": "COMPLETED_ORDERS_END",
    "REQ_ACCT_DATA": "ACCT_DOWNLOAD_END",
    "REQ_ACCOUNT_UPDATES_MULTI": "ACCOUNT_UPDATE_MULTI_END",
    "REQ_ACCOUNT_SUMMARY": "ACCOUNT_SUMMARY_END",
}
"""Request -> the message that closes its answer (EWrapper of the official API)."""

TOO_EARLY = Alternative(
    "the request was sent before nextValidId came, and TWS ignored it",
    Fault.CLIENT,
    "its log says 'Ignoring API request ... since API is not accepted'; sent after nextValidId (9), the request is "
    "answered",
)


@conversation_rule(Severity.WARNING, rests_on_absence=True)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The message that ends an answer did not come."""
    dialogue, connection = conversation.dialogue, conversation.connection
    requested, received = dialogue.messages[Side.CLIENT], dialogue.messages[Side.SERVER]
    last = connection.from_client.last_data
    if dialogue.ready is None or last is None or dialogue.bytes_after_gap or errors.REQUEST_REFUSED in dialogue.errors:
        return None
    if connection.ended is not None and connection.ended.by is Side.SERVER:
        return None
    in_time = MINIMUM_WAIT + round_trip(connection)
    unfinished = [
        request
        for request, end in ENDS.items()
        if requested[request] and not received[end] and not _not_understood(dialogue, request, in_time)
    ]
    if not unfinished or not settled_after(conversation, last):
        return None
    asked = _times_of(dialogue, unfinished)
    too_early = any(moment.time_ns < dialogue.ready.time_ns for moment in asked)
    return Statement(
        f"The session is ready, but the answer to {' and '.join(unfinished)} did not end "
        f"({', '.join(ENDS[one] for one in unfinished)} did not come). A client that waits for it reports TimeoutError "
        "although it is connected.",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=[moment.packet for moment in asked],
        remedy="Raise the client's timeout, or ask for less while connecting (ib_async: fetchFields); look for errors "
        "1100 and 2103 to 2110 in the same session.",
        alternatives=(TOO_EARLY,) if too_early else (),
    )


def _times_of(dialogue: Dialogue, requests: list[str]) -> list[Moment]:
    """When the client sent these requests."""
    return [one.moment for one in dialogue.first_messages if one.side is Side.CLIENT and one.name in requests]


def _not_understood(dialogue: Dialogue, request: str, in_time: float) -> bool:
    """Soon after the request, TWS said that it could not read one: it does not say which, so it may be this one."""
    if errors.REQUEST_NOT_READABLE not in dialogue.errors:
        return False
    reported = [error.moment for error in dialogue.errors[errors.REQUEST_NOT_READABLE].examples]
    sent = _times_of(dialogue, [request])
    return any(0 <= seconds_between(one, answer) < in_time for one in sent for answer in reported)
