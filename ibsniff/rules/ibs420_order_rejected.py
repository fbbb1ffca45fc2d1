"""TWS rejected an order.

Seen: an error that names an order and ends it, without or after an answer to it; or one that refuses a change of an
order, which stays as it was.
Meaning: the connection works, and TWS has answered: the order does not exist. A program that drops the error waits for the
order until it reports a timeout, although the answer came within milliseconds.
How sure: TWS says so itself. Who must act follows from the number of the error, and for 201 from well-known words of its
text (margin, available funds, trading permissions): medium. Undetermined and low when the
number leaves it open, when several errors differ in it, and when TWS could not reach IB at that
time.
Sources: IB's API documentation (message codes); QuantConnect Lean.Brokerages.InteractiveBrokers, pull request 248 (of 27
timeouts, IB had answered 25 within milliseconds).
What else: remarks on an order that lives (399, 404, 10349), and cancellations that came too late (161, 10147, 10148) are
no rejection. That TWS cancelled an order without being asked (202) is a note if no reason is given: another order of its
group was filled, its time had passed, or somebody cancelled it in TWS. With a reason it is a warning: the exchange may have
rejected it. An order that becomes inactive without an error was rejected, or is held in TWS: undetermined, low.
What to do: read the text of the error; pass errors on to whoever waits for the order.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.rejections import all_of, refused_changes, rejections
from ibsniff.formatting import counted
from ibsniff.ib import errors
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, cited, conversation_rule
from ibsniff.rules.wording.rejections import (
    MAX_IDS,
    advice_on,
    error_in_words,
    judged,
    refuses_change,
    rejected_statement,
)

CANCELLED_BY_TWS = "A note only: another order of the same group was filled, the order's time had passed, or somebody cancelled it in TWS."
THE_REASON = "Read the reason in the error's text; the exchange, the account or the order may be what it names."


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """An error ended an order, or refused a change of it."""
    found = rejections(conversation, orders=True)
    rejected = [one for one in found if one.code != errors.ORDER_CANCELLED]
    if rejected:
        return rejected_statement(conversation, rejected, "order", index)
    return _change_refused(conversation) or _cancelled(conversation) or _inactive(conversation)


def _change_refused(conversation: Conversation) -> Statement | None:
    found = [(order, error) for order, error in refused_changes(conversation) if refuses_change(error.code)]
    if not found:
        return None
    order, error = found[0]
    others = f" (and of {counted(len(found) - 1, 'other order')})" if len(found) > 1 else ""
    fault = judged(error.code).fault
    return Statement(
        f"TWS refused a change of order {order.number}{others}: {error_in_words(error)}. The order itself was not ended.",
        fault,
        Confidence.LOW if fault is Fault.UNDETERMINED else Confidence.MEDIUM,
        packets=[cited(conversation, error.moment) for _, error in found[:MAX_IDS]],
        remedy=advice_on([error.code]),
    )


def _cancelled(conversation: Conversation) -> Statement | None:
    cancelled = all_of(rejections(conversation, orders=True))
    if not cancelled:
        return None
    numbers = ", ".join(str(order.number) for order, _ in cancelled[:MAX_IDS])
    more = f" and {counted(len(cancelled) - MAX_IDS, 'more order')}" if len(cancelled) > MAX_IDS else ""
    which = "order" if len(cancelled) == 1 else "orders"
    has_reason = any(error.text.behind_last(":") for _, error in cancelled)
    return Statement(
        f"TWS cancelled {which} {numbers}{more} without a request of this client ({error_in_words(cancelled[0][1])}).",
        Fault.UNDETERMINED if has_reason else Fault.NONE,
        Confidence.LOW if has_reason else Confidence.HIGH,
        packets=(error.moment.packet for _, error in cancelled[:MAX_IDS]),
        remedy=THE_REASON if has_reason else CANCELLED_BY_TWS,
        severity=None if has_reason else Severity.NOTE,
    )


def _inactive(conversation: Conversation) -> Statement | None:
    orders = list(conversation.dialogue.requests.inactive.values())
    if not orders:
        return None
    numbers = ", ".join(str(order.number) for order in orders[:MAX_IDS])
    more = f" and {counted(len(orders) - MAX_IDS, 'more order')}" if len(orders) > MAX_IDS else ""
    which = "order" if len(orders) == 1 else "orders"
    return Statement(
        f"TWS made {which} {numbers}{more} inactive without an error: rejected, or held until somebody releases it in TWS.",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=[
            cited(conversation, order.ended, f"status Inactive of order {order.number}") for order in orders[:MAX_IDS]
        ],
        remedy="Look at the order in TWS's window: its status there says why it does not work.",
    )
