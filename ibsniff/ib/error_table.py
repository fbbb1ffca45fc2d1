"""The table of IB's error numbers: what each one means, what kind of problem it is, and who must act.

Client libraries report problems of their own with numbers like those of TWS, and so do operating systems: they are in the
table too, because people look them up, and are marked as never sent by TWS. A number alone does not always decide who
must act; then the table says so.

Left out are the numbers of TWS's DDE interface and those that IB's documentation calls deprecated: no current TWS sends
them on this socket. The meanings are written for this table; TWS's own text is in the capture.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import NamedTuple

from ibsniff.model import Fault


class ErrorClass(StrEnum):
    """What kind of problem an error number reports."""

    SESSION = "session"
    """This client's place beside other clients and logins."""
    PACING = "pacing"
    """More messages or subscriptions than are allowed."""
    CONNECTIVITY = "connectivity"
    """Between TWS and IB's servers."""
    DATA_FARM = "data farm"
    """One of IB's groups of data servers."""
    STATUS_NOTICE = "status notice"
    """Not an error: ``NOTICES``."""
    TWS_SETTING = "TWS setting"
    REQUEST_INVALID = "request invalid"
    CONTRACT = "contract"
    MARKET_DATA = "market data"
    PERMISSION = "permission"
    """What the account may do or has subscribed to."""
    ORDER_REJECTED = "order rejected"
    ORDER_CANCELLED = "order cancelled"
    ADVISORY = "advisory"
    """A remark on a request or an order that may well go on."""
    CLIENT_LIBRARY = "client library"
    """Made by the client library itself; never sent by TWS."""
    OPERATING_SYSTEM = "operating system"
    """Made by the client's operating system; never sent by TWS."""


class ErrorNumber(NamedTuple):
    """One row of the table."""

    code: int
    meaning: str
    """One sentence."""
    error_class: ErrorClass
    fault: Fault
    """Who must act; ``UNDETERMINED`` when the number alone does not decide it."""
    source: str
    """Where this meaning was taken from."""

    @property
    def is_sent_by_tws(self) -> bool:
        """Whether the number is ever on the wire."""
        return self.error_class not in (ErrorClass.CLIENT_LIBRARY, ErrorClass.OPERATING_SYSTEM)


IB_DOCUMENTATION = "IB's API documentation, pages on message codes"
IB_CLIENTS = "source of IB's client libraries (errors.py, EClientErrors)"
STOQEY = "errorCode.ts of @stoqey/ib"
RUST_IBAPI = "wboayue/rust-ibapi"
PUBLIC_LOGS = "TWS's own text in public logs"
WINDOWS = "Windows Sockets error codes"

GROUPS: tuple[tuple[ErrorClass, Fault, str, dict[int, str]], ...] = (
    # -- the session ---------------------------------------------------------------------------------------------
    (ErrorClass.SESSION, Fault.CLIENT, IB_DOCUMENTATION, {
        326: "The client id is already in use; TWS closes this connection.",
        327: "Only the client with id 0 may take over orders that were entered in TWS by hand.",
        2101: "Another client holds a subscription to a different account.",
    }),
    (ErrorClass.SESSION, Fault.TWS_STATE, IB_DOCUMENTATION, {
        10197: "Another live session of the same user receives the market data.",
    }),
    (ErrorClass.PACING, Fault.CLIENT, IB_DOCUMENTATION, {
        100: "The client sends more messages per second than TWS allows; after repeated breaches TWS ends the session.",
        101: "The client has as many market data lines open as the account allows.",
        309: "The client has as many market depth subscriptions open as the account allows.",
    }),
    (ErrorClass.PACING, Fault.CLIENT, PUBLIC_LOGS, {
        10190: "The client has as many tick-by-tick subscriptions open as the account allows.",
    }),
    # -- TWS, IB's servers and data farms ------------------------------------------------------------------------
    (ErrorClass.CONNECTIVITY, Fault.IB, IB_DOCUMENTATION, {
        1100: "TWS lost its connection to IB's servers; the API connection stays open.",
        2110: "TWS lost its connection to IB's servers and is restoring it.",
        10328: "TWS lost its connection to IB's servers, so the state of orders is not known.",
    }),
    (ErrorClass.DATA_FARM, Fault.IB, IB_DOCUMENTATION, {
        2103: "TWS lost its connection to a market data farm.",
        2105: "TWS lost its connection to a historical data farm.",
    }),
    (ErrorClass.DATA_FARM, Fault.IB, RUST_IBAPI, {
        2157: "TWS lost its connection to the security definition farm.",
    }),
    (ErrorClass.DATA_FARM, Fault.IB, PUBLIC_LOGS, {
        10182: "TWS could not request live updates because its connection to the data farm is down.",
    }),
    (ErrorClass.STATUS_NOTICE, Fault.CLIENT, IB_DOCUMENTATION, {
        1101: "TWS is connected to IB's servers again; subscriptions to market data were lost and must be made again.",
    }),
    (ErrorClass.STATUS_NOTICE, Fault.NONE, IB_DOCUMENTATION, {
        1102: "TWS is connected to IB's servers again; subscriptions to market data were kept.",
        2100: "A newer account subscription replaced this one.",
        2104: "The connection to a market data farm is working.",
        2106: "The connection to a historical data farm is working.",
        2107: "A historical data farm is idle and will be connected when it is needed.",
        2108: "A market data farm is idle and will be connected when it is needed.",
        2119: "TWS is connecting to a market data farm.",
        2158: "The connection to the security definition farm is working.",
    }),
    (ErrorClass.TWS_SETTING, Fault.TWS_CONFIG, IB_DOCUMENTATION, {
        109: "The price is outside the percentage that TWS's order precautions allow.",
        163: "The price would break the percentage limit of TWS's order precautions.",
        164: "TWS has no market data to check the price against its order precautions.",
        308: "TWS cannot open another page for API requests.",
        382: "The price breaks the limit on ticks in TWS's order precautions.",
        383: "The size breaks the size limit of TWS's order precautions.",
        1300: "The API port was changed in TWS, which now closes this connection.",
        10230: "Changes to the advisor configuration in TWS have not been saved.",
        10335: "The order presets of TWS contradict each other.",
    }),
    (ErrorClass.TWS_SETTING, Fault.TWS_CONFIG, PUBLIC_LOGS, {
        2139: "The paper trading disclaimer has not been accepted in TWS.",
        10141: "The paper trading disclaimer must be accepted in TWS before the API can be used.",
    }),
    # -- requests that TWS could not read or accept --------------------------------------------------------------
    (ErrorClass.REQUEST_INVALID, Fault.CLIENT, IB_DOCUMENTATION, {
        102: "This request id is already in use for market data.",
        122: "TWS did not find a field of the request: the message is malformed.",
        138: "TWS could not read the request for market data.",
        139: "TWS could not read the request.",
        140: "A size in the request is not an integer.",
        141: "A price in the request is not a number.",
        143: "A request id is not an integer.",
        145: "A field of the request has a value that TWS does not accept.",
        300: "There is no market data subscription with this request id.",
        301: "The action of the market data request is not valid.",
        302: "TWS could not read the request to stop market data.",
        304: "The action of the account request is not valid.",
        310: "There is no market depth subscription with this request id.",
        319: "The log level must be 1 to 5.",
        320: "TWS could not read the request: a wrong encoding, a wrong number of fields, or a field of the wrong type.",
        322: "TWS failed while it processed the request, for example because an id was used twice.",
        357: "The client is too old for this request.",
        365: "There is no market scanner subscription with this request id.",
        366: "There is no open historical data request with this id; it may have ended or been cancelled.",
        385: "A market scanner subscription with this request id exists already.",
        386: "A historical data request with this id exists already.",
        401: "A text in the request is too long.",
        407: "The symbol contains characters that are not valid.",
        414: "A snapshot request must not list generic ticks.",
        10278: "Event calendar metadata has already been requested.",
        10281: "These calendar events have already been requested.",
        10282: "Event calendar metadata must be requested before the events.",
        10285: "The client uses an API version below 163, which has no fractional sizes.",
        10286: "A number in the request has too many decimals.",
        10299: "The requested kind of historical data is not valid.",
        10300: "A date or time in the request is not valid.",
        10301: "A date or time in the request is not valid.",
        10309: "The request for calendar events is not valid.",
        10314: "The date, time or time zone of the request is not valid.",
        10315: "A time in the request is not valid.",
        10316: "The request uses a trigger setting that is no longer supported.",
        10330: "The expiry date or time has the wrong format.",
        10337: "The request has an option that TWS does not know.",
        10338: "An option of the request has a value that is not valid.",
        10339: "A request for a continuous future must not have an end date.",
    }),
    (ErrorClass.REQUEST_INVALID, Fault.UNDETERMINED, IB_DOCUMENTATION, {
        321: "TWS read the request and refused it; a Read-Only API answers requests about orders with this number, too.",
    }),
    (ErrorClass.CONTRACT, Fault.CLIENT, IB_DOCUMENTATION, {
        124: "No market rule exists for this contract.",
        166: "IB has no historical data of this expired contract.",
        200: "No contract fits the description, or more than one does.",
    }),
    # -- market data ---------------------------------------------------------------------------------------------
    (ErrorClass.MARKET_DATA, Fault.UNDETERMINED, IB_DOCUMENTATION, {
        162: "IB's historical data service refused the request: too many requests, no permission, or no data.",
        420: "The request for real-time data was refused: too many requests, or no subscription.",
        10189: "The request for tick-by-tick data was refused: no permission, or another session has the data.",
    }),
    (ErrorClass.MARKET_DATA, Fault.IB, IB_DOCUMENTATION, {
        10225: "Trades were withdrawn (a bust event), so the real-time bars ended and must be requested again.",
        316: "The market depth subscription was stopped and must be made again.",
        10279: "IB could not deliver the event calendar metadata.",
        10280: "IB could not cancel the request for event calendar metadata.",
        10283: "IB could not deliver the calendar events.",
        10284: "IB could not cancel the request for calendar events.",
    }),
    (ErrorClass.ADVISORY, Fault.NONE, IB_DOCUMENTATION, {
        165: "IB's historical data service sent a remark on a request; its text says what.",
        317: "The market depth was reset: the client must clear its order book and build it again.",
        2152: "TWS lists the exchanges of the market depth, and those for which the account has no permission.",
        10167: "The account has no live subscription for this data; delayed data is sent in its place.",
        10346: "The same instrument is shown elsewhere, so its data is not sent here.",
    }),
    (ErrorClass.ADVISORY, Fault.NONE, STOQEY, {
        492: "The results of the market scanner are not exact without a data subscription.",
        2150: "A value that TWS derives from a position and its trades is not valid.",
    }),
    (ErrorClass.ADVISORY, Fault.CLIENT, PUBLIC_LOGS, {
        2174: "A date in the request has no time zone; later versions of the API will no longer accept that.",
        2176: "The client's API version is too old for fractional sizes, so a size was cut to a whole number.",
    }),
    (ErrorClass.PERMISSION, Fault.IB, IB_DOCUMENTATION, {
        203: "The account may not trade this contract, or the contract has no currency.",
        330: "Only advisor accounts can ask for their managed accounts.",
        331: "This advisor account manages no accounts.",
        344: "The account is not an advisor account.",
        346: "The account is not an institutional account.",
        354: "The account has no subscription to live market data of this contract.",
        430: "The account has no fundamental data of this contract.",
        10005: "The model portfolio can only be read.",
        10015: "The account may not trade through the API.",
        10089: "The subscription does not cover use through the API; delayed data is available.",
        10090: "The account has no subscription to a part of the requested market data.",
        10091: "A part of the requested market data needs another subscription for use through the API.",
        10186: "The account has no subscription to this market data, and delayed data was not enabled.",
        10187: "The account has no permission for these historical ticks.",
        10248: "The account has no permission to trade fractions.",
        10276: "The account may not use this source of news.",
        10277: "The account needs a permission for this source of news.",
        10322: "The account name All cannot be used with accounts that are loaded on demand.",
        10345: "The account may not trade this instrument.",
    }),
    (ErrorClass.PERMISSION, Fault.IB, STOQEY, {
        460: "The account has no permission for this trade.",
    }),
    (ErrorClass.PERMISSION, Fault.IB, PUBLIC_LOGS, {
        10168: "The account has no subscription to this market data, and delayed data was not enabled.",
    }),
    # -- orders --------------------------------------------------------------------------------------------------
    (ErrorClass.ORDER_REJECTED, Fault.UNDETERMINED, IB_DOCUMENTATION, {
        201: "The order was rejected; the text says why.",
        323: "TWS failed while it processed an order; the text says why.",
    }),
    (ErrorClass.ORDER_REJECTED, Fault.IB, IB_DOCUMENTATION, {
        132: "The order has no clearing account.",
        133: "The order could not be submitted.",
        142: "The order of an institutional account has no account information.",
        154: "Trading of this instrument is halted.",
        332: "The account codes of the allocation profile are not valid.",
        338: "Good-after-time orders are disabled on this exchange.",
        345: "Generic combinations cannot be traded from an advisor account.",
        395: "One-cancels-all (OCA) orders are not accepted at present.",
        396: "Only market and limit orders are accepted at present.",
        397: "Only market and limit orders are accepted at present.",
        412: "The contract cannot be traded.",
        423: "The request for a quote of the cross has expired.",
        426: "The accounts do not hold enough shares, and these shares cannot be sold short.",
        445: "The request for a quote is no longer valid.",
        10013: "The account must opt out of smart routing for this order.",
        10231: "A group of the advisor configuration holds accounts that are not valid.",
        10238: "The advisor service of IB reported an error.",
        10239: "The risk score of some accounts does not allow this order.",
        10312: "The account may not send volatility orders for this combination.",
        10319: "Municipal bonds cannot be traded through the API.",
        10321: "Municipal bonds cannot be part of attached orders or of one-cancels-all (OCA) orders.",
    }),
    (ErrorClass.ORDER_CANCELLED, Fault.NONE, IB_DOCUMENTATION, {
        202: "The order was cancelled; the text says why.",
    }),
    (ErrorClass.ORDER_REJECTED, Fault.CLIENT, IB_DOCUMENTATION, {
        103: "The order id was used already or is too low: count up from the id in nextValidId.",
        104: "The order is filled and cannot be changed.",
        105: "The changed order does not match the original one.",
        106: "The order cannot be transmitted in this form.",
        107: "The order is incomplete.",
        110: "The price is not a multiple of the contract's minimum tick.",
        111: "The time in force does not fit the order type.",
        113: "At-the-close orders must have the time in force DAY.",
        116: "The exchange is not valid or not available.",
        117: "A block order must have a size of 50 or more.",
        118: "A VWAP order must be routed to the VWAP venue.",
        119: "The VWAP venue accepts only VWAP orders.",
        120: "It is too late for a VWAP order today.",
        125: "The price of the buy order must be the best ask.",
        126: "The price of the sell order must be the best bid.",
        129: "A VWAP order must be sent three minutes before its start.",
        134: "The order could not be changed.",
        135: "TWS knows no order with this id.",
        136: "The order cannot be cancelled.",
        137: "It is too late to cancel the VWAP order.",
        144: "The allocation does not add up to the size of the order.",
        146: "The trigger method is not valid.",
        147: "A contract in a condition of the order is incomplete.",
        148: "The order type does not support conditions.",
        152: "This order cannot be hidden.",
        157: "An order cannot be both an iceberg order and a discretionary order.",
        158: "The order needs an offset, as an amount or in percent.",
        159: "The offset in percent must be between 0 and 100.",
        160: "The size of the order is zero.",
        161: "The order is not in a state in which it can be cancelled.",
        167: "The times of the VWAP order must be in the future.",
        168: "The discretionary amount is not a multiple of the minimum tick.",
        303: "The action of the order is not valid: it must be BUY, SELL, SSHORT or SLONG.",
        311: "The origin of the order is not valid.",
        312: "The description of the combination is not valid.",
        313: "The description of a leg of the combination is not valid.",
        314: "An order for a combination must list its legs.",
        315: "The stock legs of a combination must be routed to SMART.",
        325: "Discretionary orders are not supported for this contract.",
        328: "A trailing stop can only be attached to a limit or stop limit order.",
        329: "The order cannot be changed to this order type.",
        333: "The share allocation is written wrongly.",
        334: "The good-till-date order is not valid.",
        335: "The delta must be between 0 and 100.",
        336: "The time or time zone of the order is not valid.",
        337: "The date, time or time zone of the order is not valid.",
        339: "This kind of futures spread is obsolete: use a combination.",
        340: "The improvement amount of the box auction is not valid.",
        341: "The delta must be between 1 and 100.",
        342: "Pegged orders are not supported on this exchange.",
        343: "The date, time or time zone of the order is not valid.",
        347: "The slot of a short sale must be 1 or 2.",
        348: "A short sale slot was given for an order that is no short sale.",
        349: "A generic combination cannot have a good-after time.",
        350: "A minimum quantity cannot be used for this combination.",
        351: "The setting for regular trading hours is not valid for this order.",
        352: "Short sale slot 2 needs a location.",
        353: "Short sale slot 1 must have no location.",
        355: "The size does not fit the market rule.",
        356: "A smart combination cannot be part of one-cancels-all (OCA) orders.",
        358: "A smart combination cannot have this child order.",
        359: "A combination order can only be reduced on a fill when it is no block order.",
        360: "The effect of a smart combination order cannot be computed in advance.",
        361: "The trigger price is not valid.",
        362: "The adjusted stop price is not valid.",
        363: "The adjusted stop limit price is not valid.",
        364: "The adjusted trailing amount is not valid.",
        367: "The volatility type must be 1 or 2.",
        368: "The reference price type must be 1 or 2.",
        369: "Volatility orders are possible for US options only.",
        370: "Volatility orders that adjust themselves must be routed to SMART or PIE.",
        371: "The volatility of the order must be positive.",
        372: "Only volatility orders can adjust themselves to the volatility.",
        373: "Only volatility and relative orders can have a stock price range.",
        374: "The lower end of the stock price range is not below the upper end.",
        375: "The stock price range must not be negative.",
        376: "This order cannot be updated continuously.",
        377: "The delta hedge order needs an auxiliary price.",
        378: "This type of delta hedge order needs an auxiliary price.",
        379: "This type of delta hedge order must have no auxiliary price.",
        380: "This order type cannot be used for a delta hedge.",
        387: "The exchange does not support this order type for this kind of instrument.",
        388: "The size is below the minimum.",
        389: "The id of the routed order is not unique.",
        390: "The id of the routed order is not valid.",
        391: "The time or time zone of the order is not valid.",
        392: "The contract has expired.",
        393: "A short sale slot can only be given for a delta hedge order.",
        394: "The processing time must be between 100 and 2000 milliseconds.",
        398: "This contract cannot trigger a condition.",
        400: "The algorithmic order is not valid; the text says why.",
        402: "Conditions are not allowed for this contract.",
        403: "The stop price is not valid.",
        406: "The currency is not allowed.",
        408: "The price increment of the scale order is not valid.",
        409: "The scale order needs a component size.",
        410: "The later component size of the scale order is not valid.",
        411: "The setting for trading outside regular hours is not valid for this order.",
        413: "An order that is only to be evaluated must have the transmit setting.",
        415: "The request for a quote is still running.",
        416: "A request for a quote is not possible here.",
        417: "The initial size of the scale order is not valid.",
        418: "The profit offset of the scale order is not valid.",
        419: "The scale order needs an initial size.",
        422: "The account and clearing attributes of an order cannot be changed.",
        429: "Delta neutral orders are possible for combinations only.",
        433: "The scale order cannot restore its size for several accounts.",
        434: "The size of the order is zero.",
        435: "The order needs an account.",
        436: "The order needs an allocation: a group or an account.",
        439: "TWS does not know the algorithm of the order.",
        440: "The algorithmic order cannot be changed.",
        441: "The attributes of the algorithm are not valid.",
        442: "The algorithm is not allowed for this order.",
        443: "The order has an attribute that its algorithm does not know.",
        444: "The volatility order for the combination has not been confirmed yet.",
        446: "The scale order needs a profit offset.",
        447: "The scale order needs a price adjustment.",
        448: "The adjustment interval of the scale order is not valid.",
        449: "The price adjustment of the scale order is not expected here.",
        2102: "The order cannot be changed while TWS is still processing it.",
        10000: "The cross-currency combination is not valid.",
        10001: "The volatility order for a cross-currency combination is not valid.",
        10002: "The legs of the non-guaranteed combination are not valid.",
        10003: "The exchange IBSX is not allowed for this order.",
        10006: "The parent order is missing: send it first.",
        10007: "The hedge type is not valid.",
        10008: "The beta is not valid.",
        10009: "The hedge ratio is not valid.",
        10010: "The delta hedge is not valid.",
        10011: "The currency is not possible for a smart combination.",
        10012: "The percentages of the allocation are not valid.",
        10020: "The display size must be smaller than the size of the order.",
        10147: "TWS did not find the order that was to be cancelled.",
        10148: "The order cannot be cancelled in its present state.",
        10149: "The order id is not valid: count up from the id in nextValidId.",
        10234: "The order needs a decision maker.",
        10235: "The order needs a decision maker.",
        10236: "The child order must be all-or-none because its parent is.",
        10237: "An all-or-none order must be routed with its full size.",
        10240: "The price cap is not valid.",
        10241: "An order with a size in money cannot be changed through the API.",
        10242: "A fractional order cannot be changed through the API.",
        10243: "A fractional order cannot be placed through the API.",
        10244: "The order cannot have a size in money.",
        10245: "This instrument cannot be traded in fractions.",
        10246: "The order does not support fractional sizes.",
        10247: "Fractional sizes must be routed to SMART.",
        10249: "This order type does not support fractional sizes.",
        10250: "The size is not a multiple of the smallest size step.",
        10251: "Allocation orders cannot have fractional sizes.",
        10252: "A fractional order that does not close the position is not allowed.",
        10253: "A hedged combination cannot be cleared to another firm.",
        10254: "The bond has expired.",
        10268: "The order attribute eTradeOnly is no longer supported.",
        10269: "The order attribute firmQuoteOnly is no longer supported.",
        10270: "The order attribute nbboPriceCap is no longer supported.",
        10289: "The order needs a size in money.",
        10290: "This instrument can only be traded by a size in money.",
        10291: "An order that realizes a loss must have the time in force DAY.",
        10292: "The order type or action is not allowed for this instrument.",
        10293: "An order with a size in money must have no other size.",
        10294: "The size in money differs from the total of the group.",
        10295: "The order must have the time in force DAY; a request for a trading schedule needs daily bars.",
        10296: "Two smart routing options of the order contradict each other.",
        10297: "The not-held setting is not valid for this order.",
        10298: "The currency of the order differs from that of the model portfolio.",
        10302: "The order must have no minimum trade quantity.",
        10303: "The minimum trade quantity is not valid.",
        10304: "The minimum competing size must not be negative.",
        10305: "The offset from the best competing price is not valid.",
        10306: "Offsets from the midpoint are not allowed.",
        10307: "The offsets from the midpoint are not valid.",
        10308: "The order attribute postToAts cannot be changed.",
        10317: "The size in money is not a multiple of its smallest step.",
        10318: "The quantity must not be a fraction.",
        10324: "The exchange does not accept these parameters of one-cancels-all (OCA) orders.",
        10325: "One-cancels-all (OCA) orders are not supported here.",
        10326: "The one-cancels-all (OCA) group of an order cannot be changed.",
        10327: "The one-cancels-all (OCA) type of an order cannot be changed.",
        10336: "A different executing broker for each leg is not supported.",
        10340: "The order has an attribute that is not supported.",
        10341: "The parent of an order cannot be changed.",
        10342: "The attribute imbalanceOnly is not allowed for this order.",
        10343: "Event contracts cannot be sold.",
        10344: "The price of an event contract must be between 0.02 and 0.99.",
    }),
    (ErrorClass.ADVISORY, Fault.NONE, IB_DOCUMENTATION, {
        131: "The settings for sweep-to-fill and display size were ignored.",
        399: "TWS sent a remark on an order; the text says what. The order may be alive.",
        404: "The order is held while shares to borrow are being located.",
        2109: "The setting for trading outside regular hours was ignored for this order.",
        2111: "The time of the algorithmic order was moved to the next trading day.",
        2130: "The price of this product is multiplied by a factor.",
        2137: "The order would turn a long position into a short one, or a short one into a long one.",
        2168: "The order attribute eTradeOnly is no longer supported and was ignored.",
        2169: "The order attribute firmQuoteOnly is no longer supported and was ignored.",
        10233: "The defaults of the order come from TWS's preset for currencies.",
        10287: "The cryptocurrency order has not been confirmed in TWS.",
        10288: "A dialog in TWS asks to confirm the cryptocurrency market order.",
        10310: "TWS sent a remark on the solicited setting of the order.",
        10311: "The order is routed directly to an exchange, which may cost more.",
        10329: "The order is routed directly to an exchange.",
        10331: "TWS sent a warning about stop orders.",
        10332: "TWS warns of the volatility of cryptocurrencies.",
        10333: "TWS warns that the option to be exercised is near its strike price.",
        10334: "TWS asks to confirm the omnibus account.",
        10347: "TWS warns that the instrument has little liquidity.",
    }),
    (ErrorClass.ADVISORY, Fault.NONE, STOQEY, {
        481: "The size of the order was reduced.",
    }),
    (ErrorClass.ADVISORY, Fault.NONE, "ib_async 217", {
        10349: "The time in force was set by a preset of TWS; the order is alive.",
    }),
    # -- never on the wire: numbers the client library makes itself ----------------------------------------------
    (ErrorClass.CLIENT_LIBRARY, Fault.UNDETERMINED, IB_CLIENTS, {
        -1: "The C# client library reports a socket error with this number.",
        502: "The client library could not open the connection to TWS, or lost it before the handshake was complete.",
        506: "The server version is outside the range that the client library supports.",
        507: "The client library received a frame that is too long, or the connection ended inside a frame.",
        509: "The client library had an error while it read from or wrote to the connection.",
        520: "The client library could not create a socket; the Java one could not send a market depth cancellation.",
    }),
    (ErrorClass.CLIENT_LIBRARY, Fault.CLIENT, IB_CLIENTS, {
        501: "The program asked to connect while it was already connected.",
        504: "The program made a request while it was not connected.",
        505: "The client library received a message id that it does not know.",
        508: "The client library could not decode a message.",
        517: "The client library does not know the contract.",
        579: "A text in the request holds characters other than printable ASCII.",
        585: "The client library no longer supports advisor profiles: use groups.",
        586: "The program tried to read while it was not connected.",
        588: "The client library could not encode the request as protobuf.",
    }),
    (ErrorClass.CLIENT_LIBRARY, Fault.TWS_CONFIG, IB_CLIENTS, {
        503: "TWS is too old for this request of the client.",
    }),
    # -- never on the wire: numbers of the client's operating system ---------------------------------------------
    (ErrorClass.OPERATING_SYSTEM, Fault.CLIENT, WINDOWS, {
        10038: "The program used a socket that it had closed already (Windows).",
    }),
    (ErrorClass.OPERATING_SYSTEM, Fault.UNDETERMINED, WINDOWS, {
        10053: "The client's own machine ended the connection (Windows).",
        10054: "The connection was reset (Windows).",
        10061: "The connection was refused: as a rule nothing listens at that address and port (Windows).",
    }),
)  # fmt: skip
"""Class, who must act, source, and for each number its meaning."""

NOT_SENT = (
    "The client library could not send the request ({}): its connection is gone or the request cannot be encoded."
)
"""The meaning of the numbers in ``REQUESTS_NOT_SENT``."""

REQUESTS_NOT_SENT: dict[int, str] = {
    510: "market data", 511: "cancel market data", 512: "order", 513: "account data", 514: "executions",
    515: "cancel order", 516: "open orders", 518: "contract details", 519: "market depth",
    521: "log level", 522: "advisor configuration", 523: "replace advisor configuration",
    524: "market scanner", 525: "cancel market scanner", 526: "market scanner parameters",
    527: "historical data", 528: "cancel historical data", 529: "real-time bars", 530: "cancel real-time bars",
    531: "current time", 532: "fundamental data", 533: "cancel fundamental data",
    534: "implied volatility", 535: "option price", 536: "cancel implied volatility", 537: "cancel option price",
    538: "global cancel", 539: "market data type", 540: "positions", 541: "cancel positions",
    542: "account summary", 543: "cancel account summary", 544: "verification", 545: "verification message",
    546: "display groups", 547: "subscribe to display group", 548: "update display group",
    549: "unsubscribe from display group", 550: "START_API", 551: "verification and authentication",
    552: "verification and authentication message", 553: "positions by model", 554: "cancel positions by model",
    555: "account updates by model", 556: "cancel account updates by model", 557: "option parameters",
    558: "soft dollar tiers", 559: "family codes", 560: "matching symbols", 561: "market depth exchanges",
    562: "smart routing components", 563: "news providers", 564: "news article", 565: "historical news",
    566: "head timestamp", 567: "histogram", 568: "cancel histogram", 569: "cancel head timestamp",
    570: "market rule", 571: "profit and loss", 572: "cancel profit and loss", 573: "profit and loss of one position",
    574: "cancel profit and loss of one position", 575: "historical ticks", 576: "tick-by-tick data",
    577: "cancel tick-by-tick data", 578: "completed orders", 580: "event calendar metadata",
    581: "cancel event calendar metadata", 582: "calendar events", 583: "cancel calendar events", 584: "user info",
    587: "current time in milliseconds", 589: "cancel market depth", 590: "cancel contract details",
    591: "cancel historical ticks", 592: "configuration", 593: "update configuration",
}  # fmt: skip
"""The client library's number for each request that it could not send -> that request."""


def find_error(code: int) -> ErrorNumber | None:
    """Look up an error number; None when it is not known."""
    return all_errors().get(code)


REMARKS = frozenset({ErrorClass.STATUS_NOTICE, ErrorClass.ADVISORY})
"""What TWS also sends in sessions in which nothing is wrong."""


def is_serious(code: int) -> bool:
    """Tell whether a session in which TWS sent this number had a problem, which may be over by now.

    Not so remarks after which nobody has to act. A number that is not known is serious: it may be anything.
    """
    known = find_error(code)
    return known is None or known.error_class not in REMARKS or known.fault is not Fault.NONE


@cache
def all_errors() -> dict[int, ErrorNumber]:
    """All known error numbers, by code and in their order."""
    errors = [
        ErrorNumber(code, meaning, error_class, fault, source)
        for error_class, fault, source, meanings in GROUPS
        for code, meaning in meanings.items()
    ]
    errors += [
        ErrorNumber(code, NOT_SENT.format(request), ErrorClass.CLIENT_LIBRARY, Fault.UNDETERMINED, IB_CLIENTS)
        for code, request in REQUESTS_NOT_SENT.items()
    ]
    return {error.code: error for error in sorted(errors)}
