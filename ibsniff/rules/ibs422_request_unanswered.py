"""TWS left an order or a request without a word.

Seen: an order that TWS is to send on at once, and for 10 s or longer neither a status nor an error; or a question that a TWS
that works answers (ids, accounts, positions of several accounts, all open orders), unanswered for 5 to 10 s, or a row of
requests for the time. Other messages of the server may come. Or look-ups (history, contracts) of a kind that was answered
before: three or more of them for 60 s, and not one byte of the server since; or a single one for contracts for 3 min.
Meaning: nobody can tell from the packets whether TWS has the order. It may wait for a click in TWS (a precaution, a
confirmation, an advisor's dialog), or TWS dropped the message.
How sure: that nothing came is certain; why, the packets do not show: undetermined and low.
Sources: QuantConnect Lean.Brokerages.InteractiveBrokers 93 and pull request 240 (orders of advisor accounts that a dialog
holds); rust-ibapi docs/wire-facts/orders.md (orders that are not to be transmitted).
What else: an order with transmit = false is held in TWS and lawfully silent; so are cancellations, subscriptions and
requests of a closed market. A single look-up or request for history without an answer, although later ones of the same kind were
answered, is a note: IB's servers may take minutes. Positions, open orders and account downloads without their end are IBS408;
a TWS that answers nothing at all is IBS409.
What to do: look at TWS's window for a dialog. Before the order is placed again, request the open orders
(``reqAllOpenOrders``): they show whether TWS has it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ibsniff.facts.delivery import unacknowledged
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.liveness import half_message, unanswered
from ibsniff.facts.unanswered_requests import ORDER, unanswered_requests, waited
from ibsniff.formatting import counted, duration
from ibsniff.ib import errors
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Request, RequestState, Severity, Side
from ibsniff.rules.registry import Statement, cited, conversation_rule
from ibsniff.timeline.asked import name_of

WITH_AN_END = frozenset(
    {"REQ_POSITIONS", "REQ_OPEN_ORDERS", "REQ_ACCT_DATA", "REQ_ACCOUNT_UPDATES_MULTI", "REQ_ACCOUNT_SUMMARY"}
)
"""Questions that IBS408 reports."""
MAX_NAMED = 4
"""Requests named in a sentence."""

DIALOG = Alternative(
    "a dialog in TWS waits for a click: a precaution, a confirmation, or the allocation of an advisor",
    Fault.TWS_STATE,
    "look at TWS's window; the status of the order comes with the click",
)
DROPPED = Alternative(
    "TWS received the message and dropped it",
    Fault.UNDETERMINED,
    "ask again: is it answered? The log of API messages of TWS shows what it received",
)
SLOW = Alternative(
    "IB's servers are slow or cannot be reached: the answer comes from them",
    Fault.IB,
    "request the time (reqCurrentTime): TWS answers it by itself; errors 1100 and 2103 to 2110 tell of its connections",
)


@conversation_rule(Severity.WARNING, rests_on_absence=True)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Something got neither an answer nor an error, and no other rule says why."""
    if _is_said_by_others(conversation):
        return None
    found = unanswered_requests(conversation)
    questions = [one for one in found.questions if one.name not in WITH_AN_END]
    if found.orders:
        return _warning(conversation, found.orders, "order", (DIALOG, DROPPED))
    if questions:
        return _warning(conversation, questions, "request", (DROPPED,))
    if found.look_ups:
        return _warning(conversation, found.look_ups, "request", (SLOW, DROPPED))
    return _note(conversation, found.overtaken) if found.overtaken else None


def _is_said_by_others(conversation: Conversation) -> bool:
    """Nothing is answered, nothing can be sent or delivered, or TWS has lost IB."""
    connection, last = conversation.connection, conversation.dialogue.ib_connection
    if connection.from_client.window_closed is not None or connection.from_server.window_closed is not None:
        return True
    if any(unacknowledged(connection, side) is not None for side in Side):
        return True
    if last is not None and last.code in errors.IB_CONNECTION_DOWN:
        return True
    return unanswered(conversation) is not None or half_message(conversation) is not None


def _warning(
    conversation: Conversation, found: Sequence[Request], what: str, alternatives: tuple[Alternative, ...]
) -> Statement:
    longest = duration(waited(conversation, found[0]))
    answered = conversation.dialogue.requests.count(RequestState.ANSWERED)
    others = f" It answered {counted(answered, 'other request')}." if answered else ""
    return Statement(
        f"TWS has not said a word about {_named(found, what)} for {longest}: no answer, no error.{others}",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=[
            cited(conversation, one.asked, f"asked {name_of(one)}: no answer, no error") for one in found[:MAX_NAMED]
        ],
        remedy="Look at TWS's window for a dialog. Before the order is placed again, request the open orders "
        "(reqAllOpenOrders): they show whether TWS has it."
        if what == "order"
        else "Ask again, and look at TWS's window and at its log of API messages.",
        alternatives=alternatives,
    )


def _named(found: Sequence[Request], what: str) -> str:
    each = [str(one.number) if one.name == ORDER else name_of(one) for one in found[:MAX_NAMED]]
    more = f" and {len(found) - MAX_NAMED:,} more" if len(found) > MAX_NAMED else ""
    if what == "order":
        return f"{what if len(found) == 1 else 'orders'} {', '.join(each)}{more}"
    if len(found) > 1 and len({one.name for one in found}) == 1:
        return f"{len(found):,} requests {found[0].name}"
    return f"{', '.join(each)}{more}"


def _note(conversation: Conversation, found: Sequence[Request]) -> Statement:
    named = ", ".join(f"{name_of(one)} ({duration(waited(conversation, one))})" for one in found[:MAX_NAMED])
    more = f" and {len(found) - MAX_NAMED:,} more" if len(found) > MAX_NAMED else ""
    return Statement(
        f"Without an answer so far, although later ones of the same kind were answered: {named}{more}. IB's servers may need "
        "minutes, or the request failed inside TWS without a word.",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=[
            cited(conversation, one.asked, f"asked {name_of(one)}: no answer, no error") for one in found[:MAX_NAMED]
        ],
        remedy="Give each request a timeout of its own, cancel it then, and ask again for less at a time.",
        severity=Severity.NOTE,
    )
