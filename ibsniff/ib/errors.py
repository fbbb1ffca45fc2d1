"""The numbers of IB's errors that the program knows by name.

TWS sends errors, warnings and plain notices in one message (ERR_MSG). What all of them mean is in
:mod:`ibsniff.ib.error_table`, which is imported only when a meaning is wanted.
"""

from __future__ import annotations

from ibsniff.model import WireError

MESSAGE_RATE_EXCEEDED = 100
HISTORY_REFUSED = 162
"""Of IB's historical data service, also when it has no data, or when the client cancelled the query: its text decides."""
NO_DATA_TEXT, CANCELLED_TEXT = "query returned no data", "cancelled"
"""In the text of ``HISTORY_REFUSED``: ``HMDS query returned no data``, ``API historical data query cancelled``."""
REQUEST_NOT_READABLE = 320
REQUEST_REFUSED = 321
"""Also what an API in Read-Only mode answers to requests about orders; then its text says so."""
READ_ONLY_TEXT = "read-only"
"""In the lower-cased text of ``REQUEST_REFUSED`` when the API is in Read-Only mode."""
CLIENT_ID_IN_USE = 326
ORDER_REJECTED, ORDER_CANCELLED = 201, 202

IB_CONNECTION_LOST = 1100
IB_CONNECTION_RESTORED_DATA_LOST = 1101
IB_CONNECTION_RESTORED_DATA_KEPT = 1102
IB_CONNECTION_BROKEN = 2110
IB_CONNECTION_DOWN = (IB_CONNECTION_LOST, IB_CONNECTION_BROKEN)
IB_CONNECTION_RESTORED = (IB_CONNECTION_RESTORED_DATA_LOST, IB_CONNECTION_RESTORED_DATA_KEPT)
IB_CONNECTION = frozenset({*IB_CONNECTION_DOWN, *IB_CONNECTION_RESTORED})
"""All messages about the connection of TWS to IB's servers."""
API_PORT_CHANGED = 1300
PAPER_TRADING_DISCLAIMER = (2139, 10141)

MARKET_DATA_FARM_BROKEN, MARKET_DATA_FARM_OK, MARKET_DATA_FARM_IDLE, MARKET_DATA_FARM_CONNECTING = (
    2103,
    2104,
    2108,
    2119,
)
HISTORICAL_FARM_BROKEN, HISTORICAL_FARM_OK, HISTORICAL_FARM_IDLE = 2105, 2106, 2107
DEFINITION_FARM_BROKEN, DEFINITION_FARM_OK = 2157, 2158
FARM_BROKEN = (MARKET_DATA_FARM_BROKEN, HISTORICAL_FARM_BROKEN, DEFINITION_FARM_BROKEN)

NO_CONTRACT_FOUND = 200
MARKET_DATA_NOT_SUBSCRIBED_FOR_API = 10089
LIVE_UPDATES_FAILED = 10182
COMPETING_SESSION = 10197

NOTICES: frozenset[int] = frozenset({1101, 1102, 2100, 2104, 2106, 2107, 2108, 2119, 2158})
"""Numbers that are sent as errors but report a state that is well."""

WARNINGS = range(2100, 2200)
"""The numbers that IB uses for warnings and notices."""
ANSWERS_TO_OTHER_MESSAGES = frozenset({104, 105, 135, 136, 161, 300, 302, 310, 365, 366, 2102, 10147, 10148})
"""They name a request, but refuse a later message about it: a cancellation, or a change of an order."""
CAME_TOO_LATE = (ANSWERS_TO_OTHER_MESSAGES - {105, 302, 2102}) | {137, 10280, 10284}
"""They refuse a cancellation, or a change of an order that was filled: what was to end had ended already."""
PARTIAL = frozenset({10090, 10091})
"""A part of the data is not subscribed; TWS says that the rest is delivered."""


def is_no_data(error: WireError) -> bool:
    """Tell whether this error is an answer: IB has no data for the request."""
    return error.code == HISTORY_REFUSED and error.text.mentions(NO_DATA_TEXT)
