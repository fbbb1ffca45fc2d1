"""What becomes of orders when a session fails: those that were never confirmed, and those that are open."""

from __future__ import annotations

from ibsniff.facts.unanswered_requests import unconfirmed_orders
from ibsniff.formatting import counted
from ibsniff.model import Conversation

MAX_NAMED = 4
"""Orders named in a sentence."""

AT_A_RESTART = "IB keeps the orders that it has accepted while TWS restarts: check the open orders before and after it."
"""To add wherever a restart is advised to somebody who may have orders at work."""


def never_confirmed(*conversations: Conversation) -> str:
    """A sentence to begin with when sessions failed while orders had no answer; empty if none had."""
    found = [order for one in conversations for order in unconfirmed_orders(one)]
    if not found:
        return ""
    numbers = ", ".join(str(one.number) for one in found[:MAX_NAMED])
    if len(found) == 1:
        return f"Order {numbers} was sent and never confirmed: look in TWS whether it exists before you send it again. "
    more = f" and {counted(len(found) - MAX_NAMED, 'more order')}" if len(found) > MAX_NAMED else ""
    return f"Orders {numbers}{more} were sent and never confirmed: look in TWS whether they exist before you send them again. "
