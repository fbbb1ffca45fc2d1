"""What the scripted TWS answers: decided by a word in the request, not by anything that ibsniff reads.

The client puts ``do-fill.`` or ``do-reject-200.`` where a request has room for text (the symbol of a contract, an account, a
pattern). Requests without such a word are answered as usual. The log level is the baton: ``HOLD`` collects the answers,
``RELEASE`` sends them with those of different requests mixed, ``DROP`` lets requests go unanswered, ``REFUSE`` rejects
those without an id (321, which names no request), ``SERVE`` ends all that.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

HOLD, RELEASE, DROP, REFUSE, SERVE = 5, 1, 4, 3, 2
FIRST_SCHEDULE, FIRST_LIVE_HISTORY, FIRST_END_OF_HISTORY = 165, 124, 196
"""Server versions; a request that asks an older one for it gets the usual answer."""
NO_REQUEST = -1
LARGEST_ID = 2**31 - 1

Sent = tuple[str, dict[str, object]]
"""A message and what fills its bare names."""


class Asked(NamedTuple):
    """One request as the server reads it."""

    name: str
    id: int
    word: str
    """What the request asks the script for; empty: the usual answer."""
    code: int


def one(*wanted: str) -> Callable[[int], list[Sent]]:
    return lambda number: [(name, {"id": number}) for name in wanted]


TICKS = ("MARKET_DATA_TYPE", "TICK_REQ_PARAMS", "TICK_PRICE", "TICK_SIZE", "TICK_STRING", "TICK_GENERIC", "TICK_PRICE")
ANSWERS: dict[str, Callable[[int], list[Sent]]] = {
    "REQ_MKT_DATA": one(*TICKS),
    "REQ_EXECUTIONS": lambda number: [
        ("EXECUTION_DATA", {"id": number, "order": 999}),
        ("EXECUTION_DATA_END", {"id": number}),
    ],
    "REQ_CONTRACT_DATA": one("CONTRACT_DATA", "CONTRACT_DATA", "CONTRACT_DATA_END"),
    "REQ_MKT_DEPTH": one("MARKET_DEPTH", "MARKET_DEPTH_L2", "MARKET_DEPTH"),
    "REPLACE_FA": one("REPLACE_FA_END"),
    "REQ_HISTORICAL_DATA": one("HISTORICAL_DATA"),
    "REQ_SCANNER_SUBSCRIPTION": one("SCANNER_DATA", "SCANNER_DATA"),
    "REQ_REAL_TIME_BARS": one("REAL_TIME_BARS", "REAL_TIME_BARS"),
    "REQ_FUNDAMENTAL_DATA": one("FUNDAMENTAL_DATA"),
    "REQ_CALC_IMPLIED_VOLAT": one("TICK_OPTION_COMPUTATION"),
    "REQ_CALC_OPTION_PRICE": one("TICK_OPTION_COMPUTATION"),
    "REQ_ACCOUNT_SUMMARY": one("ACCOUNT_SUMMARY", "ACCOUNT_SUMMARY", "ACCOUNT_SUMMARY_END"),
    "QUERY_DISPLAY_GROUPS": one("DISPLAY_GROUP_LIST"),
    "SUBSCRIBE_TO_GROUP_EVENTS": one("DISPLAY_GROUP_UPDATED"),
    "REQ_POSITIONS_MULTI": one("POSITION_MULTI", "POSITION_MULTI_END"),
    "REQ_ACCOUNT_UPDATES_MULTI": one("ACCOUNT_UPDATE_MULTI", "ACCOUNT_UPDATE_MULTI", "ACCOUNT_UPDATE_MULTI_END"),
    "REQ_SEC_DEF_OPT_PARAMS": one(
        *["SECURITY_DEFINITION_OPTION_PARAMETER"] * 2, "SECURITY_DEFINITION_OPTION_PARAMETER_END"
    ),
    "REQ_SOFT_DOLLAR_TIERS": one("SOFT_DOLLAR_TIERS"),
    "REQ_MATCHING_SYMBOLS": one("SYMBOL_SAMPLES"),
    "REQ_SMART_COMPONENTS": one("SMART_COMPONENTS"),
    "REQ_NEWS_ARTICLE": one("NEWS_ARTICLE"),
    "REQ_HISTORICAL_NEWS": one("HISTORICAL_NEWS", "HISTORICAL_NEWS", "HISTORICAL_NEWS_END"),
    "REQ_HEAD_TIMESTAMP": one("HEAD_TIMESTAMP"),
    "REQ_HISTOGRAM_DATA": one("HISTOGRAM_DATA"),
    "REQ_MARKET_RULE": one("MARKET_RULE"),
    "REQ_PNL": one("PNL", "PNL"),
    "REQ_PNL_SINGLE": one("PNL_SINGLE", "PNL_SINGLE", "PNL_SINGLE"),
    "REQ_HISTORICAL_TICKS": one("HISTORICAL_TICKS"),
    "REQ_TICK_BY_TICK_DATA": one("TICK_BY_TICK", "TICK_BY_TICK"),
    "REQ_WSH_META_DATA": one("WSH_META_DATA"),
    "REQ_WSH_EVENT_DATA": one("WSH_EVENT_DATA"),
    "REQ_USER_INFO": one("USER_INFO"),
    "REQ_ACCT_DATA": one("ACCT_VALUE", "PORTFOLIO_VALUE", "ACCT_UPDATE_TIME", "ACCT_DOWNLOAD_END", "ACCT_VALUE"),
    "REQ_IDS": one("NEXT_VALID_ID"),
    "REQ_MANAGED_ACCTS": one("MANAGED_ACCTS"),
    "REQ_FA": one("RECEIVE_FA"),
    "REQ_SCANNER_PARAMETERS": one("SCANNER_PARAMETERS"),
    "REQ_CURRENT_TIME": one("CURRENT_TIME"),
    "REQ_CURRENT_TIME_IN_MILLIS": one("CURRENT_TIME_IN_MILLIS"),
    "REQ_POSITIONS": one("POSITION_DATA", "POSITION_DATA", "POSITION_END", "POSITION_DATA"),
    "REQ_FAMILY_CODES": one("FAMILY_CODES"),
    "REQ_MKT_DEPTH_EXCHANGES": one("MKT_DEPTH_EXCHANGES"),
    "REQ_NEWS_PROVIDERS": one("NEWS_PROVIDERS"),
    "REQ_COMPLETED_ORDERS": one("COMPLETED_ORDER", "COMPLETED_ORDERS_END"),
}
WITHOUT_AN_ID = frozenset({
    "REQ_ACCT_DATA", "REQ_IDS", "REQ_MANAGED_ACCTS", "REQ_FA", "REQ_SCANNER_PARAMETERS", "REQ_CURRENT_TIME",
    "REQ_CURRENT_TIME_IN_MILLIS", "REQ_POSITIONS", "REQ_FAMILY_CODES", "REQ_MKT_DEPTH_EXCHANGES",
    "REQ_NEWS_PROVIDERS", "REQ_COMPLETED_ORDERS", "REQ_OPEN_ORDERS", "REQ_ALL_OPEN_ORDERS",
})  # fmt: skip


class Script:
    """The answers to one client."""

    def __init__(self, server_version: int, seed: int) -> None:
        self._version = server_version
        self._random = random.Random(seed)
        self._baton = SERVE
        self._held: list[tuple[str, list[Sent]]] = []
        self._orders: dict[int, str] = {}
        """Working orders, with the word that each was placed with."""
        self._after_cancel: dict[int, list[Sent]] = {}

    def react(self, asked: Asked) -> Iterator[Sent]:
        """Everything that is sent because of this request."""
        if asked.name == "START_API":
            yield from [("MANAGED_ACCTS", {}), ("NEXT_VALID_ID", {})]
            yield "ERR_MSG", {"id": NO_REQUEST, "code": 2104, "text": "Market data farm connection is OK:usfarm"}
        elif asked.name == "SET_SERVER_LOGLEVEL":
            self._baton = asked.id
            if self._baton == RELEASE:
                yield from self._mixed()
        elif answers := list(self._answers(asked)):
            if self._baton == REFUSE:
                yield _error(asked._replace(id=NO_REQUEST, code=321))
            elif self._baton == HOLD:
                self._held.append((_queue(asked), answers))
            elif self._baton != DROP:
                yield from answers

    def _mixed(self) -> list[Sent]:
        """The answers held back: those to one request, or to requests that only their order tells apart, stay in order."""
        queues: dict[str, list[Sent]] = {}
        for key, answers in self._held:
            queues.setdefault(key, []).extend(answers)
        self._held = []
        mixed: list[Sent] = []
        while queues:
            key = self._random.choice(list(queues))
            mixed.append(queues[key].pop(0))
            if not queues[key]:
                del queues[key]
        return mixed

    def _answers(self, asked: Asked) -> Iterator[Sent]:
        if asked.name in ("PLACE_ORDER", "EXERCISE_OPTIONS"):
            yield from self._order(asked)
        elif asked.name == "CANCEL_ORDER":
            yield from self._cancelled(asked.id)
        elif asked.name == "REQ_GLOBAL_CANCEL":
            for number in list(self._orders):
                yield from self._cancelled(number)
        elif asked.name in ("REQ_OPEN_ORDERS", "REQ_ALL_OPEN_ORDERS"):
            for number in self._orders:
                yield "OPEN_ORDER", {"id": number}
                yield _status(number, "Submitted")
            yield "OPEN_ORDER_END", {}
        elif asked.name.startswith("CANCEL_"):
            yield from self._after_cancel.pop(asked.id, ())
        elif asked.name == "REQ_ACCT_DATA" and asked.id == 0:
            return
        else:
            yield from self._answer(asked)

    def _answer(self, asked: Asked) -> Iterator[Sent]:
        usual = ANSWERS[asked.name](asked.id) if asked.name in ANSWERS else []
        match asked.word:
            case "silent":
                return
            case "reject":
                yield _error(asked)
            case "remark":  # such as 10089 or 10167: data follows all the same
                yield _error(asked)
                yield from usual
            case "break":  # the answer has begun
                yield usual[0]
                yield _error(asked)
            case "snapshot":
                yield from usual
                yield "TICK_SNAPSHOT_END", {"id": asked.id}
            case "late":
                self._after_cancel[asked.id] = [usual[-1], _error(asked._replace(code=300))]
                yield from usual
            case "schedule" if self._version >= FIRST_SCHEDULE:
                yield "HISTORICAL_SCHEDULE", {"id": asked.id}
            case "live" if self._version >= FIRST_LIVE_HISTORY:
                yield from self._answer(asked._replace(word=""))
                yield from one("HISTORICAL_DATA_UPDATE", "HISTORICAL_DATA_UPDATE")(asked.id)
            case "bidask":
                yield "HISTORICAL_TICKS_BID_ASK", {"id": asked.id}
            case "trades":
                yield "HISTORICAL_TICKS_LAST", {"id": asked.id}
            case _:
                yield from usual
                if asked.name == "REQ_HISTORICAL_DATA" and self._version >= FIRST_END_OF_HISTORY:
                    yield "HISTORICAL_DATA_END", {"id": asked.id}

    # -- orders -------------------------------------------------------------------------------------------------------

    def _order(self, asked: Asked) -> Iterator[Sent]:
        number, working = asked.id, [("OPEN_ORDER", {"id": asked.id}), _status(asked.id, "Submitted")]
        match asked.word:
            case "silent":
                return
            case "reject":
                yield _error(asked)
            case "inactive":  # the error, and then the status, which says no more
                yield _error(asked)
                yield _status(number, "Inactive")
            case "inactivefirst":
                yield _status(number, "Inactive")
                yield _error(asked)
            case "revive":  # an error, and the order lives all the same
                self._orders[number] = asked.word
                yield _error(asked)
                yield _status(number, "PreSubmitted")
            case "refuse":  # a change that is not accepted: the order goes on
                yield _error(asked)
            case "hold":
                self._orders[number] = asked.word
                yield "OPEN_ORDER", {"id": number}
                yield _status(number, "PreSubmitted")
                yield _error(asked._replace(code=399))
            case "kill":  # accepted, then cancelled by the exchange
                yield from working
                yield _error(asked)
                yield _status(number, "Cancelled")
            case "killfirst":
                yield from working
                yield _status(number, "Cancelled")
                yield _error(asked)
            case "fill":
                yield from working
                yield "EXECUTION_DATA", {"id": NO_REQUEST, "order": number}
                yield _status(number, "Filled")
                yield "COMMISSION_AND_FEES_REPORT", {}
                self._orders.pop(number, None)
            case _:
                self._orders[number] = asked.word
                yield from working

    def _cancelled(self, number: int) -> Iterator[Sent]:
        word = self._orders.pop(number, None)
        if word is None:
            yield (
                "ERR_MSG",
                {"id": number, "code": 10147, "text": f"OrderId {number} that needs to be cancelled is not found"},
            )
            return
        confirmed: list[Sent] = [
            _status(number, "Cancelled"), ("ERR_MSG", {"id": number, "code": 202, "text": "Order Canceled - reason:"})
        ]  # fmt: skip
        yield _status(number, "PendingCancel")
        yield from reversed(confirmed) if word == "errorfirst" else confirmed


def _queue(asked: Asked) -> str:
    """Requests whose answers have to stay in order among each other."""
    if asked.name in ("REQ_OPEN_ORDERS", "REQ_ALL_OPEN_ORDERS"):
        return "OPEN_ORDER_END"
    return asked.name if asked.name in WITHOUT_AN_ID else f"{asked.id}"


def _error(asked: Asked) -> Sent:
    number = NO_REQUEST if asked.id == LARGEST_ID else asked.id
    return "ERR_MSG", {"id": number, "code": asked.code, "text": f"error {asked.code} of the script"}


def _status(number: int, status: str) -> Sent:
    return "ORDER_STATUS", {"id": number, "status": status}
