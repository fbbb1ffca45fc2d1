"""What became of each request, as the client library saw it: by its own methods and callbacks, not by ibsniff's tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from real_clients.script import FIRST_LIVE_HISTORY, LARGEST_ID, NO_REQUEST


class Method(NamedTuple):
    """A method of the client, and the callbacks that answer it."""

    message: str
    """The name of the message that it sends."""
    parts: str = ""
    ends: str = ""
    cancel: str = ""
    has_id: bool = True


TICKS = "tickPrice tickSize priceSizeTick tickString tickGeneric tickEFP tickReqParams tickNews tickOptionComputation marketDataType rerouteMktDataReq"
TICKS_OF_HISTORY = "historicalTicks historicalTicksBidAsk historicalTicksLast"
ORDER_CALLBACKS = ("openOrder", "orderStatus", "execDetails")
PLACED = ("placeOrder", "exerciseOptions")

METHODS: dict[str, Method] = {
    "reqMktData": Method("REQ_MKT_DATA", TICKS, "tickSnapshotEnd", "cancelMktData"),
    "placeOrder": Method("PLACE_ORDER"),
    "exerciseOptions": Method("EXERCISE_OPTIONS"),
    "reqExecutions": Method("REQ_EXECUTIONS", "execDetails", "execDetailsEnd"),
    "reqContractDetails": Method(
        "REQ_CONTRACT_DATA", "contractDetails bondContractDetails", "contractDetailsEnd", "cancelContractData"
    ),
    "reqMktDepth": Method("REQ_MKT_DEPTH", "updateMktDepth updateMktDepthL2 rerouteMktDepthReq", "", "cancelMktDepth"),
    "replaceFA": Method("REPLACE_FA", "", "replaceFAEnd"),
    "reqHistoricalData": Method(
        "REQ_HISTORICAL_DATA",
        "historicalData historicalDataUpdate",
        "historicalDataEnd historicalSchedule",
        "cancelHistoricalData",
    ),
    "reqScannerSubscription": Method(
        "REQ_SCANNER_SUBSCRIPTION", "scannerData scannerDataEnd", "", "cancelScannerSubscription"
    ),
    "reqRealTimeBars": Method("REQ_REAL_TIME_BARS", "realtimeBar", "", "cancelRealTimeBars"),
    "reqFundamentalData": Method("REQ_FUNDAMENTAL_DATA", "", "fundamentalData", "cancelFundamentalData"),
    "calculateImpliedVolatility": Method(
        "REQ_CALC_IMPLIED_VOLAT", "", "tickOptionComputation", "cancelCalculateImpliedVolatility"
    ),
    "calculateOptionPrice": Method("REQ_CALC_OPTION_PRICE", "", "tickOptionComputation", "cancelCalculateOptionPrice"),
    "reqAccountSummary": Method("REQ_ACCOUNT_SUMMARY", "accountSummary", "accountSummaryEnd", "cancelAccountSummary"),
    "queryDisplayGroups": Method("QUERY_DISPLAY_GROUPS", "", "displayGroupList"),
    "subscribeToGroupEvents": Method(
        "SUBSCRIBE_TO_GROUP_EVENTS", "displayGroupUpdated", "", "unsubscribeFromGroupEvents"
    ),
    "reqPositionsMulti": Method("REQ_POSITIONS_MULTI", "positionMulti", "positionMultiEnd", "cancelPositionsMulti"),
    "reqAccountUpdatesMulti": Method(
        "REQ_ACCOUNT_UPDATES_MULTI", "accountUpdateMulti", "accountUpdateMultiEnd", "cancelAccountUpdatesMulti"
    ),
    "reqSecDefOptParams": Method(
        "REQ_SEC_DEF_OPT_PARAMS", "securityDefinitionOptionParameter", "securityDefinitionOptionParameterEnd"
    ),
    "reqSoftDollarTiers": Method("REQ_SOFT_DOLLAR_TIERS", "", "softDollarTiers"),
    "reqMatchingSymbols": Method("REQ_MATCHING_SYMBOLS", "", "symbolSamples"),
    "reqSmartComponents": Method("REQ_SMART_COMPONENTS", "", "smartComponents"),
    "reqNewsArticle": Method("REQ_NEWS_ARTICLE", "", "newsArticle"),
    "reqHistoricalNews": Method("REQ_HISTORICAL_NEWS", "historicalNews", "historicalNewsEnd"),
    "reqHeadTimeStamp": Method("REQ_HEAD_TIMESTAMP", "", "headTimestamp", "cancelHeadTimeStamp"),
    "reqHistogramData": Method("REQ_HISTOGRAM_DATA", "", "histogramData", "cancelHistogramData"),
    "reqMarketRule": Method("REQ_MARKET_RULE", "", "marketRule"),
    "reqPnL": Method("REQ_PNL", "pnl", "", "cancelPnL"),
    "reqPnLSingle": Method("REQ_PNL_SINGLE", "pnlSingle", "", "cancelPnLSingle"),
    "reqHistoricalTicks": Method("REQ_HISTORICAL_TICKS", "", TICKS_OF_HISTORY, "cancelHistoricalTicks"),
    "reqTickByTickData": Method(
        "REQ_TICK_BY_TICK_DATA", "tickByTickAllLast tickByTickBidAsk tickByTickMidPoint", "", "cancelTickByTickData"
    ),
    "reqWshMetaData": Method("REQ_WSH_META_DATA", "", "wshMetaData", "cancelWshMetaData"),
    "reqWshEventData": Method("REQ_WSH_EVENT_DATA", "", "wshEventData", "cancelWshEventData"),
    "reqUserInfo": Method("REQ_USER_INFO", "", "userInfo"),
    "reqOpenOrders": Method("REQ_OPEN_ORDERS", "openOrder", "openOrderEnd", has_id=False),
    "reqAllOpenOrders": Method("REQ_ALL_OPEN_ORDERS", "openOrder", "openOrderEnd", has_id=False),
    "reqAccountUpdates": Method(
        "REQ_ACCT_DATA", "updateAccountValue updatePortfolio updateAccountTime", "accountDownloadEnd", has_id=False
    ),
    "reqIds": Method("REQ_IDS", "", "nextValidId", has_id=False),
    "reqManagedAccts": Method("REQ_MANAGED_ACCTS", "", "managedAccounts", has_id=False),
    "requestFA": Method("REQ_FA", "", "receiveFA", has_id=False),
    "reqScannerParameters": Method("REQ_SCANNER_PARAMETERS", "", "scannerParameters", has_id=False),
    "reqCurrentTime": Method("REQ_CURRENT_TIME", "", "currentTime", has_id=False),
    "reqCurrentTimeInMillis": Method("REQ_CURRENT_TIME_IN_MILLIS", "", "currentTimeInMillis", has_id=False),
    "reqPositions": Method("REQ_POSITIONS", "position", "positionEnd", "cancelPositions", has_id=False),
    "reqFamilyCodes": Method("REQ_FAMILY_CODES", "", "familyCodes", has_id=False),
    "reqMktDepthExchanges": Method("REQ_MKT_DEPTH_EXCHANGES", "", "mktDepthExchanges", has_id=False),
    "reqNewsProviders": Method("REQ_NEWS_PROVIDERS", "", "newsProviders", has_id=False),
    "reqCompletedOrders": Method("REQ_COMPLETED_ORDERS", "completedOrder", "completedOrdersEnd", has_id=False),
}
CANCELS = {method.cancel: name for name, method in METHODS.items() if method.cancel}
REMARKS = frozenset({10089, 10090, 10167, 399, 300, 10147, 161, 104})
"""Errors of the script that end nothing: data follows, an order is held, a cancellation or a change is refused."""
WHY_ENDED = frozenset({201, 202})
"""Errors that may come after the status of the order that they rejected."""
REFUSED = 321
OF_ORDERS = frozenset({201, 202, 399, 10147, 161, 104})


@dataclass
class Row:
    """One request, in the words of ``ibsniff requests --json`` but with numbers of messages for packets."""

    method: str
    number: int | None
    asked: int
    state: str = "open"
    answers: list[int] = field(default_factory=list)
    """Numbers of the server's messages."""
    ended: tuple[str, int] | None = None
    """By which side's message."""
    error: tuple[int, int] | None = None
    """Its code, and the number of its message."""
    modified: int = 0
    goes_on: bool = False
    cancel_asked: bool = False
    died: bool = False
    """It is an order that ended without being filled."""

    @property
    def is_order(self) -> bool:
        return self.method in PLACED


class Truth:
    """Reads the log of a driver from beginning to end."""

    def __init__(self, entries: list[dict[str, Any]], server_version: int) -> None:
        self.rows: list[Row] = []
        self._keeps_up_to_date = server_version >= FIRST_LIVE_HISTORY
        self._unasked = {"nextValidId", "managedAccounts"}
        for entry in entries:
            if "call" in entry:
                if entry["message"] is not None:  # the library may refuse what the server is too old for
                    self._call(entry["call"], entry["given"], entry["message"])
            else:
                self._callback(entry["callback"], entry["given"], entry["message"])

    def _open(self, *methods: str, number: int | None) -> list[Row]:
        return [row for row in self.rows if row.method in methods and row.number == number and row.state == "open"]

    def _rejected(self, *methods: str, number: int | None) -> list[Row]:
        """The last one, if it was rejected: what comes for it now shows that it lives."""
        rows = [row for row in self.rows if row.method in methods and row.number == number]
        return rows[-1:] if number is not None and rows and rows[-1].state == "rejected" else []

    # -- what the client did

    def _call(self, name: str, given: list[Any], message: int) -> None:
        if name in CANCELS:
            number = given[0] if METHODS[CANCELS[name]].has_id else None
            for row in self._open(CANCELS[name], number=number):
                self._end(row, "cancelled", "client", message)
        elif name == "cancelOrder":
            for row in self._open(*PLACED, number=given[0]):
                row.cancel_asked = True
        elif name == "reqGlobalCancel":
            for row in self.rows:
                row.cancel_asked |= row.is_order and row.state == "open"
        elif name == "reqAccountUpdates" and not given[0]:
            for row in self._open(name, number=None):
                self._end(row, "cancelled", "client", message)
        elif name in METHODS:
            self._ask(name, given, message)

    def _ask(self, name: str, given: list[Any], message: int) -> None:
        number = given[0] if METHODS[name].has_id else None
        if name in PLACED and (placed := self._open(name, number=number)):
            placed[-1].modified += 1
            return
        goes_on = name == "reqHistoricalData" and given[8] is True and self._keeps_up_to_date
        self.rows.append(Row(name, number, message, goes_on=goes_on))

    # -- what it heard

    def _callback(self, name: str, given: list[Any], message: int) -> None:
        if name in self._unasked:
            self._unasked.discard(name)
            return
        if name == "error":
            self._error(*given[:1], code=next(each for each in given[1:] if 100 <= each < 100_000), message=message)
            return
        if name in ORDER_CALLBACKS:
            self._order(name, given, message)
        for is_end in (False, True):
            wanted = [method for method, row in METHODS.items() if name in (row.ends if is_end else row.parts).split()]
            for has_id in (False, True):
                methods = [method for method in wanted if METHODS[method].has_id is has_id]
                number = given[0] if has_id and given else None
                if rows := self._open(*methods, number=number) or self._rejected(*methods, number=number):
                    self._answer(rows[0], is_end, message)

    def _answer(self, row: Row, is_end: bool, message: int) -> None:
        if row.state == "rejected":
            row.state, row.ended = "open", None
        if message not in row.answers:
            row.answers.append(message)
        if is_end and not row.goes_on:
            self._end(row, "answered", "server", message)

    def _order(self, name: str, given: list[Any], message: int) -> None:
        number = given[2] if name == "execDetails" else given[0]
        status = given[1] if name == "orderStatus" else ""
        rows = self._open(*PLACED, number=number)
        if not rows and status in ("PreSubmitted", "Submitted"):
            rows = self._rejected(*PLACED, number=number)
        if not rows:
            return
        row = rows[-1]
        self._answer(row, False, message)
        row.died = status in ("Cancelled", "Inactive")
        if status == "Cancelled":
            self._end(row, "cancelled" if row.cancel_asked else "answered", "server", message)
        elif status in ("Filled", "Inactive"):
            self._end(row, "answered", "server", message)

    def _error(self, number: int, code: int, message: int) -> None:
        row = self._about(number, code)
        if row is None:
            return
        row.error = (code, message)
        if code not in REMARKS:
            self._end(row, "cancelled" if code == 202 and row.cancel_asked else "rejected", "server", message)

    def _about(self, number: int, code: int) -> Row | None:
        """Which request an error is about."""
        if number == NO_REQUEST and code == REFUSED:  # it names nothing, so it is about the only one not answered
            return next(row for row in self.rows if row.number is None and row.state == "open" and not row.answers)
        number = LARGEST_ID if number == NO_REQUEST else number
        all_rows = [row for row in self.rows if row.number == number and row.method != "reqMarketRule"]
        rows = [row for row in all_rows if row.state == "open"]
        if len({row.is_order for row in rows}) > 1:
            rows = [row for row in rows if row.is_order == (code in OF_ORDERS)]
        if not rows and code in WHY_ENDED:
            rows = [row for row in all_rows if row.is_order and row.state == "answered" and row.died][-1:]
        return next((row for row in reversed(rows) if not row.answers), rows[-1] if rows else None)

    def _end(self, row: Row, state: str, side: str, message: int) -> None:
        row.state, row.ended = state, (side, message)
