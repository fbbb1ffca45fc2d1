"""The questions that show whether TWS is alive: a TWS that works answers them within a known time, whatever else it does.

A TWS that leaves one of these unanswered, and sends not one other byte, does not work. Any other message proves nothing:

* Nothing is ever sent back for the CANCEL messages, for unsubscribing (``reqAccountUpdates(False)``), and for
  SET_SERVER_LOGLEVEL, REQ_MARKET_DATA_TYPE, REQ_AUTO_OPEN_ORDERS and REQ_GLOBAL_CANCEL.
* History, scanners, contract chains, executions and completed orders come from IB's servers. They may take minutes, and
  may fail inside TWS without a word (ib_insync 638).
* An order may be held in TWS: transmit is false (nothing comes back, not even a status), a precaution or an advisor's
  dialog waits for a click (QuantConnect Lean.Brokerages.InteractiveBrokers, pull request 240).
* Market data of a closed or quiet market sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ibsniff.formatting import seconds_between
from ibsniff.model import Request

CLOCK_SPACING = 5.0
"""Seconds. TWS leaves a request for the time unanswered when another one came shortly before: within about a second
(ib_insync 604 and 479, rust-ibapi 314). One client waits 4.25 s between two (ibkr-go, docs/session-contract.md)."""
SURE_ROW = 3
"""Requests for the time in a row, none of them answered, that are no coincidence: TWS may drop one that comes too soon."""
SURE_SPAN, WELL_APART = 10.0, 2.0
"""Seconds. TWS drops a request for the time that comes within about a second of another one. It does not drop all of a row that
goes on for so long, if so many of them came well after the one before, or if of such a row some were answered before."""


class Question(NamedTuple):
    """A message that a TWS that works answers, if with an error."""

    patience: float
    """Seconds in which some answer comes, with a wide margin: TWS needs milliseconds for each of them."""
    answer: str
    """The server's message that begins or is the answer."""
    is_clock: bool = False
    """It may be dropped when another one came shortly before."""


OWN, STORED = 5.0, 10.0
"""Patience for what TWS knows by itself (its clock, its ids, the accounts of the user), and for what it keeps up to date and
has to collect (positions, orders, accounts): ib_async gives all of these 4 s while it connects (``IB.connectAsync``)."""

QUESTIONS: dict[str, Question] = {
    # EClient.reqCurrentTime: programs poll it to check whether TWS responds (TraderAlice/OpenAlice 294)
    "REQ_CURRENT_TIME": Question(OWN, "CURRENT_TIME", is_clock=True),
    "REQ_CURRENT_TIME_IN_MILLIS": Question(OWN, "CURRENT_TIME_IN_MILLIS", is_clock=True),
    # EClient.reqIds: the next valid id, or error 321 under a Read-Only API (ibkr-go, live-coverage matrix)
    "REQ_IDS": Question(OWN, "NEXT_VALID_ID"),
    # EClient.reqManagedAccts: the same message that TWS sends by itself when a session begins
    "REQ_MANAGED_ACCTS": Question(OWN, "MANAGED_ACCTS"),
    # EClient.reqPositions, reqPositionsMulti: an end marker comes even without positions (EWrapper.positionEnd)
    "REQ_POSITIONS": Question(STORED, "POSITION_END"),
    "REQ_POSITIONS_MULTI": Question(STORED, "POSITION_MULTI_END"),
    # EClient.reqOpenOrders, reqAllOpenOrders: an end marker, or error 321 under a Read-Only API (ib_insync 224)
    "REQ_OPEN_ORDERS": Question(STORED, "OPEN_ORDER_END"),
    "REQ_ALL_OPEN_ORDERS": Question(STORED, "OPEN_ORDER_END"),
    # EClient.reqAccountUpdates(True), reqAccountUpdatesMulti, reqAccountSummary: values at once, or error 321 or 322. The
    # end of a large account may take longer or never come (ib_insync 386), but not the first value.
    "REQ_ACCT_DATA": Question(STORED, "ACCT_DOWNLOAD_END"),
    "REQ_ACCOUNT_UPDATES_MULTI": Question(STORED, "ACCOUNT_UPDATE_MULTI_END"),
    "REQ_ACCOUNT_SUMMARY": Question(STORED, "ACCOUNT_SUMMARY_END"),
}
"""The positive list. What is not here proves nothing by its silence."""


def is_long_row(row: Sequence[Request]) -> bool:
    """Tell whether so many requests for the time came well after the one before, over so long, that TWS does not drop all."""
    apart = sum(seconds_between(earlier.asked, later.asked) >= WELL_APART for earlier, later in pairwise(row))
    return apart >= SURE_ROW - 1 and seconds_between(row[0].asked, row[-1].asked) >= SURE_SPAN
