"""A request was not answered completely.

Seen: in a session, a request whose answer closes with an end message (positions, open orders, executions, account
download ...), and neither this end message nor an immediate error 320 for 5 s, or for 2 s until the client closed the
connection. A client that asks and leaves at once did not wait for an answer.
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
from ibsniff.facts.liveness import unanswered
from ibsniff.facts.server_close import in_session
from ibsniff.facts.timing import MINIMUM_WAIT, end_of_wait_ns, round_trip
from ibsniff.formatting import seconds_between
from ibsniff.ib import errors
from ibsniff.model import (
    NANOSECONDS,
    PATIENCE,
    Alternative,
    Confidence,
    Conversation,
    Fault,
    Request,
    Severity,
    Side,
)
from ibsniff.rules.registry import Statement, cited, conversation_rule
from ibsniff.timeline.asked import name_of

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

LEAST_PATIENT = 2.0
"""Seconds a client waits at least for its answers before it gives up (its own timeout, which ib_async sets to 4 s)."""
TOO_EARLY = Alternative(
    "the request was sent before nextValidId came, and TWS ignored it",
    Fault.CLIENT,
    "its log says 'Ignoring API request ... since API is not accepted'; sent after nextValidId (9), the request is "
    "answered",
)


@conversation_rule(Severity.WARNING, rests_on_absence=True)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The message that ends an answer did not come."""
    dialogue, ended = conversation.dialogue, conversation.connection.ended
    if not in_session(conversation) or (ended is not None and ended.by is Side.SERVER):
        return None
    if unanswered(conversation) is not None:  # IBS409 reports that nothing is answered
        return None
    unfinished = [one for one in dialogue.requests.open.values() if _is_unfinished(conversation, one)]
    if not unfinished:
        return None
    names = list(dict.fromkeys(one.name for one in unfinished))
    ready = dialogue.ready
    too_early = ready is not None and any(one.asked.time_ns < ready.time_ns for one in unfinished)
    return Statement(
        f"The session is ready, but the answer to {' and '.join(names)} did not end "
        f"({', '.join(ENDS[name] for name in names)} did not come). A client that waits for it reports TimeoutError "
        "although it is connected.",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=[
            cited(conversation, one.asked, f"asked {name_of(one)}: the end of its answer never came")
            for one in unfinished
        ],
        remedy="Raise the client's timeout, or ask for less while connecting (ib_async: fetchFields); look for errors "
        "1100 and 2103 to 2110 in the same session.",
        alternatives=(TOO_EARLY,) if too_early else (),
    )


def _is_unfinished(conversation: Conversation, request: Request) -> bool:
    """Its answer closes with an end message, which did not come although the client waited."""
    connection, dialogue = conversation.connection, conversation.dialogue
    if request.name not in ENDS or request.may_have_missed or _not_understood(conversation, request):
        return False
    if request.number is None and errors.REQUEST_REFUSED in dialogue.errors:  # it may be the answer
        return False
    waited = (end_of_wait_ns(conversation) - request.asked.time_ns) / NANOSECONDS
    return waited >= (PATIENCE if connection.ended is None else LEAST_PATIENT + round_trip(connection))


def _not_understood(conversation: Conversation, request: Request) -> bool:
    """Soon after the request, TWS said that it could not read one: it does not say which, so it may be this one."""
    tally = conversation.dialogue.errors.get(errors.REQUEST_NOT_READABLE)
    in_time = MINIMUM_WAIT + round_trip(conversation.connection)
    examples = tally.examples if tally is not None else []
    return any(0 <= seconds_between(request.asked, error.moment) < in_time for error in examples)
