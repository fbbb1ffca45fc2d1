"""The requests of IB's protocol: which messages answer each one, and what ends it. Data with its source.

Here are only the messages that TWS answers. To others nothing is ever sent back: every CANCEL message, SET_SERVER_LOGLEVEL,
REQ_MARKET_DATA_TYPE, REQ_GLOBAL_CANCEL, REQ_AUTO_OPEN_ORDERS, UPDATE_DISPLAY_GROUP, REQ_NEWS_BULLETINS (bulletins come when
there are some). START_API is answered by the messages that make a session ready.

Source: the callbacks of the official Python client 10.46 and IB's API documentation; which errors name a request was taken
from public logs.
"""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.ib.id_fields import WITHOUT_ID
from ibsniff.ib.names import CLIENT_MESSAGES
from ibsniff.model import Side


class RequestKind(NamedTuple):
    """How a request is answered. Messages have the names of ``ib.names``."""

    parts: tuple[str, ...] = ()
    """Server messages that bring a part of the answer."""
    ends: tuple[str, ...] = ()
    """Server messages that end it: an end marker, or the whole answer. Without any, it goes on until it is cancelled."""
    cancelled_by: str = ""
    """The client's message that ends it."""
    is_order: bool = False
    """It has an order id, and the status of the order ends it."""
    part_is_whole: bool = False
    """Its first part ends it. (Other requests get any number of the same messages.)"""
    answers_all_before: bool = False
    """TWS may answer several of them once."""


_TICKS = (
    "TICK_PRICE", "TICK_SIZE", "TICK_STRING", "TICK_GENERIC", "TICK_EFP", "TICK_OPTION_COMPUTATION", "TICK_REQ_PARAMS",
    "MARKET_DATA_TYPE", "TICK_NEWS", "REROUTE_MKT_DATA_REQ", "DELTA_NEUTRAL_VALIDATION",
)  # fmt: skip
_HISTORICAL_TICKS = ("HISTORICAL_TICKS", "HISTORICAL_TICKS_BID_ASK", "HISTORICAL_TICKS_LAST")
_OF_ORDERS = ("OPEN_ORDER", "ORDER_STATUS", "EXECUTION_DATA")

REQUESTS: dict[str, RequestKind] = {
    # -- with a request id or an order id
    "REQ_MKT_DATA": RequestKind(_TICKS, ("TICK_SNAPSHOT_END",), "CANCEL_MKT_DATA"),
    "PLACE_ORDER": RequestKind(_OF_ORDERS, is_order=True),
    "EXERCISE_OPTIONS": RequestKind(_OF_ORDERS, is_order=True),
    "REQ_EXECUTIONS": RequestKind(("EXECUTION_DATA",), ("EXECUTION_DATA_END",)),
    "REQ_CONTRACT_DATA": RequestKind(
        ("CONTRACT_DATA", "BOND_CONTRACT_DATA"), ("CONTRACT_DATA_END",), "CANCEL_CONTRACT_DATA"
    ),
    "REQ_MKT_DEPTH": RequestKind(("MARKET_DEPTH", "MARKET_DEPTH_L2", "REROUTE_MKT_DEPTH_REQ"), (), "CANCEL_MKT_DEPTH"),
    "REPLACE_FA": RequestKind(ends=("REPLACE_FA_END",)),
    "REQ_HISTORICAL_DATA": RequestKind(
        ("HISTORICAL_DATA", "HISTORICAL_DATA_UPDATE"),
        ("HISTORICAL_DATA_END", "HISTORICAL_SCHEDULE"),
        "CANCEL_HISTORICAL_DATA",
    ),
    "REQ_SCANNER_SUBSCRIPTION": RequestKind(("SCANNER_DATA",), (), "CANCEL_SCANNER_SUBSCRIPTION"),
    "REQ_REAL_TIME_BARS": RequestKind(("REAL_TIME_BARS",), (), "CANCEL_REAL_TIME_BARS"),
    "REQ_FUNDAMENTAL_DATA": RequestKind((), ("FUNDAMENTAL_DATA",), "CANCEL_FUNDAMENTAL_DATA"),
    "REQ_CALC_IMPLIED_VOLAT": RequestKind(
        ("TICK_OPTION_COMPUTATION",), (), "CANCEL_CALC_IMPLIED_VOLAT", part_is_whole=True
    ),
    "REQ_CALC_OPTION_PRICE": RequestKind(
        ("TICK_OPTION_COMPUTATION",), (), "CANCEL_CALC_OPTION_PRICE", part_is_whole=True
    ),
    "REQ_ACCOUNT_SUMMARY": RequestKind(("ACCOUNT_SUMMARY",), ("ACCOUNT_SUMMARY_END",), "CANCEL_ACCOUNT_SUMMARY"),
    "QUERY_DISPLAY_GROUPS": RequestKind(ends=("DISPLAY_GROUP_LIST",)),
    "SUBSCRIBE_TO_GROUP_EVENTS": RequestKind(("DISPLAY_GROUP_UPDATED",), (), "UNSUBSCRIBE_FROM_GROUP_EVENTS"),
    "REQ_POSITIONS_MULTI": RequestKind(("POSITION_MULTI",), ("POSITION_MULTI_END",), "CANCEL_POSITIONS_MULTI"),
    "REQ_ACCOUNT_UPDATES_MULTI": RequestKind(
        ("ACCOUNT_UPDATE_MULTI",), ("ACCOUNT_UPDATE_MULTI_END",), "CANCEL_ACCOUNT_UPDATES_MULTI"
    ),
    "REQ_SEC_DEF_OPT_PARAMS": RequestKind(
        ("SECURITY_DEFINITION_OPTION_PARAMETER",), ("SECURITY_DEFINITION_OPTION_PARAMETER_END",)
    ),
    "REQ_SOFT_DOLLAR_TIERS": RequestKind(ends=("SOFT_DOLLAR_TIERS",)),
    "REQ_MATCHING_SYMBOLS": RequestKind(ends=("SYMBOL_SAMPLES",)),
    "REQ_SMART_COMPONENTS": RequestKind(ends=("SMART_COMPONENTS",)),
    "REQ_NEWS_ARTICLE": RequestKind(ends=("NEWS_ARTICLE",)),
    "REQ_HISTORICAL_NEWS": RequestKind(("HISTORICAL_NEWS",), ("HISTORICAL_NEWS_END",)),
    "REQ_HEAD_TIMESTAMP": RequestKind((), ("HEAD_TIMESTAMP",), "CANCEL_HEAD_TIMESTAMP"),
    "REQ_HISTOGRAM_DATA": RequestKind((), ("HISTOGRAM_DATA",), "CANCEL_HISTOGRAM_DATA"),
    "REQ_MARKET_RULE": RequestKind(ends=("MARKET_RULE",)),
    "REQ_PNL": RequestKind(("PNL",), (), "CANCEL_PNL"),
    "REQ_PNL_SINGLE": RequestKind(("PNL_SINGLE",), (), "CANCEL_PNL_SINGLE"),
    "REQ_HISTORICAL_TICKS": RequestKind((), _HISTORICAL_TICKS, "CANCEL_HISTORICAL_TICKS"),
    "REQ_TICK_BY_TICK_DATA": RequestKind(("TICK_BY_TICK", *_HISTORICAL_TICKS), (), "CANCEL_TICK_BY_TICK_DATA"),
    "REQ_WSH_META_DATA": RequestKind((), ("WSH_META_DATA",), "CANCEL_WSH_META_DATA"),
    "REQ_WSH_EVENT_DATA": RequestKind((), ("WSH_EVENT_DATA",), "CANCEL_WSH_EVENT_DATA"),
    "REQ_USER_INFO": RequestKind(ends=("USER_INFO",)),
    "REQ_CONFIG": RequestKind(ends=("CONFIG_RESPONSE",)),
    "UPDATE_CONFIG": RequestKind(ends=("UPDATE_CONFIG_RESPONSE",)),
    # -- without an id: paired with their answers by name and order
    "REQ_OPEN_ORDERS": RequestKind(("OPEN_ORDER",), ("OPEN_ORDER_END",)),
    "REQ_ALL_OPEN_ORDERS": RequestKind(("OPEN_ORDER",), ("OPEN_ORDER_END",)),
    "REQ_ACCT_DATA": RequestKind(("ACCT_VALUE", "PORTFOLIO_VALUE", "ACCT_UPDATE_TIME"), ("ACCT_DOWNLOAD_END",)),
    "REQ_IDS": RequestKind(ends=("NEXT_VALID_ID",)),
    "REQ_MANAGED_ACCTS": RequestKind(ends=("MANAGED_ACCTS",)),
    "REQ_FA": RequestKind(ends=("RECEIVE_FA",)),
    "REQ_SCANNER_PARAMETERS": RequestKind(ends=("SCANNER_PARAMETERS",)),
    "REQ_CURRENT_TIME": RequestKind(ends=("CURRENT_TIME",), answers_all_before=True),
    "REQ_POSITIONS": RequestKind(("POSITION_DATA",), ("POSITION_END",), "CANCEL_POSITIONS"),
    "VERIFY_REQUEST": RequestKind(ends=("VERIFY_MESSAGE_API",)),
    "VERIFY_MESSAGE": RequestKind(ends=("VERIFY_COMPLETED",)),
    "VERIFY_AND_AUTH_REQUEST": RequestKind(ends=("VERIFY_AND_AUTH_MESSAGE_API",)),
    "VERIFY_AND_AUTH_MESSAGE": RequestKind(ends=("VERIFY_AND_AUTH_COMPLETED",)),
    "REQ_FAMILY_CODES": RequestKind(ends=("FAMILY_CODES",)),
    "REQ_MKT_DEPTH_EXCHANGES": RequestKind(ends=("MKT_DEPTH_EXCHANGES",)),
    "REQ_NEWS_PROVIDERS": RequestKind(ends=("NEWS_PROVIDERS",)),
    "REQ_COMPLETED_ORDERS": RequestKind(("COMPLETED_ORDER",), ("COMPLETED_ORDERS_END",)),
    "REQ_CURRENT_TIME_IN_MILLIS": RequestKind(ends=("CURRENT_TIME_IN_MILLIS",), answers_all_before=True),
}
"""The client's message -> how it is answered."""

SHOW_LIFE = frozenset(
    {
        "REQ_CURRENT_TIME", "REQ_CURRENT_TIME_IN_MILLIS", "REQ_IDS", "REQ_MANAGED_ACCTS", "REQ_POSITIONS",
        "REQ_POSITIONS_MULTI", "REQ_OPEN_ORDERS", "REQ_ALL_OPEN_ORDERS", "REQ_ACCT_DATA", "REQ_ACCOUNT_UPDATES_MULTI",
        "REQ_ACCOUNT_SUMMARY",
    }
)  # fmt: skip
"""Requests that show by their answer whether TWS is alive. They are followed even when many others are open."""

WHOLE_UNTIL: dict[str, int] = {"HISTORICAL_DATA": 196}
"""Parts that were the whole answer below this server version, from which on an end marker follows."""
UNANSWERED_UNTIL: dict[str, int] = {"REPLACE_FA": 157}
"""Requests that nothing answered below this server version."""
IDS_OF_THEIR_OWN: frozenset[str] = frozenset({"REQ_MARKET_RULE"})
"""Requests whose number is the number of a thing, not of the request: errors never name them by it."""
UNASKED: frozenset[str] = frozenset({"NEXT_VALID_ID", "MANAGED_ACCTS"})
"""Server messages that come once after START_API without a request."""


ORDER_MESSAGES: frozenset[str] = frozenset(_OF_ORDERS)
"""Server messages that carry the id of an order."""
ORDERS: frozenset[str] = frozenset(request for request, kind in REQUESTS.items() if kind.is_order)
"""The client's messages that place an order."""


class AnswerTo(NamedTuple):
    """A request that a server message may answer."""

    request: str
    is_end: bool
    has_id: bool
    """Both carry the id of the request; else they are paired by the order in which they come."""


def _answers() -> dict[str, tuple[AnswerTo, ...]]:
    without_id = {CLIENT_MESSAGES[number] for number in WITHOUT_ID[Side.CLIENT]}
    found: dict[str, tuple[AnswerTo, ...]] = {}
    for request, kind in REQUESTS.items():
        for named, is_end in ((kind.parts, kind.part_is_whole), (kind.ends, True)):
            if named and not kind.is_order:
                answer = (AnswerTo(request, is_end, request not in without_id),)
                for message in named:
                    found[message] = found.get(message, ()) + answer
    return found


ANSWERS: dict[str, tuple[AnswerTo, ...]] = _answers()
"""The server's message -> the requests that it may answer; for orders see ``ORDER_MESSAGES``."""
CANCELS: dict[str, str] = {kind.cancelled_by: request for request, kind in REQUESTS.items() if kind.cancelled_by}
"""The client's message -> the request that it cancels."""

FINAL_STATUSES: frozenset[str] = frozenset({"Filled", "Cancelled", "ApiCancelled", "Inactive"})
"""Statuses of ORDER_STATUS that end an order. An order that TWS holds back may be ``Inactive`` and wake up later."""
LIVE_STATUSES: frozenset[str] = frozenset({"PreSubmitted", "Submitted", "Filled"})
"""Statuses that show that an order lives or lived, whatever was said about it before."""
