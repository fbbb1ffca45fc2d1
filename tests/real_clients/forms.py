"""What a scripted TWS answers: every message in the form of every server version, as short as real clients accept it.

A text form lists the fields in order. ``name=value`` is a field with that value, a bare name an empty field or the value
that is given, ``name*`` a count of 0, ``N-`` N empty fields, ``name@131`` a field from server version 131 on and
``name@<131`` one below it. In protobuf nothing has to be there but what a client is to be told.

The forms were made by hand from what the clients under test read; a client that cannot decode one fails the test.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import ib_bytes

from ibsniff.ib import names

ID = "id"
NUMBERS = {name: number for number, name in names.SERVER_MESSAGES.items()}
ALL_IN_PROTOBUF = 213
"""From this server version on, every message is protobuf that the official client can decode as such."""
ONLY_TEXT = frozenset({"DELTA_NEUTRAL_VALIDATION", "TICK_EFP"})

CONTRACT = "conId=265598 symbol=AAPL secType=STK 3- multiplier= exchange=SMART currency=USD 2-"
_ORDER_HEAD = "action=BUY totalQuantity=1 orderType=LMT lmtPrice=1 6- orderRef"
_ORDER_FA = "faGroup faMethod faPercentage faProfile@<177 modelCode@103"
_SCALE = "legsText legs* orderLegs* routing* 3- hedgeType"
_CONDITIONS = "conditions*@102"
_ADJUSTED = "adjustedOrderType@102 1-@102 trailStopPrice@102 lmtPriceOffset@102 4-@102"
_PEG = "minTradeQty@170 minCompeteSize@170 competeAgainstBestOffset@170 midOffsetAtWhole@170 midOffsetAtHalf@170"


class Form(NamedTuple):
    text: str
    protobuf: dict[int, int | str | dict[int, int | str]] = {1: ID}  # noqa: RUF012
    """Field number -> value; a name stands for the value that is given."""


FORMS: dict[str, Form] = {
    # -- the session
    "MANAGED_ACCTS": Form("version=1 accounts=DU1234567", {1: "DU1234567"}),
    "NEXT_VALID_ID": Form("version=1 orderId=1000", {1: 1000}),
    "CURRENT_TIME": Form("version=1 time=1767605400", {1: 1767605400}),
    "CURRENT_TIME_IN_MILLIS": Form("time=1767605400000", {1: 1767605400000}),
    "ERR_MSG": Form(
        "version=2@<194 id code text json@166 time=1767605400000@194", {1: ID, 2: 1767605400000, 3: "code", 4: "text"}
    ),
    # -- market data
    "MARKET_DATA_TYPE": Form("version=1 id type=1", {1: ID, 2: 1}),
    "TICK_REQ_PARAMS": Form("id minTick=0.01 bboExchange=a6 permissions=3", {1: ID, 2: "0.01", 3: "a6", 4: 3}),
    "TICK_PRICE": Form("version=6 id tickType=4 price=187.31 size=100 mask=0", {1: ID, 2: 4, 4: "100"}),
    "TICK_SIZE": Form("version=6 id tickType=8 size=500", {1: ID, 2: 8, 3: "500"}),
    "TICK_STRING": Form("version=6 id tickType=45 value=1767605400", {1: ID, 2: 45, 3: "1767605400"}),
    "TICK_GENERIC": Form("version=6 id tickType=49 value=0.0", {1: ID, 2: 49}),
    "TICK_OPTION_COMPUTATION": Form(
        "version=6@<156 id tickType=13 attribute=0@156 volatility=0.2 delta=0.5 price=1 dividend=0 gamma=0 vega=0 "
        "theta=0 under=1"
    ),
    "TICK_NEWS": Form(
        "id time=1767605400000 provider=BRFG article=BRFG$1 headline=h extra=", {1: ID, 2: 1767605400000}
    ),
    "TICK_SNAPSHOT_END": Form("version=1 id"),
    "MARKET_DEPTH": Form("version=1 id position=0 operation=0 side=1 price=187.3 size=100", {1: ID, 2: {1: 0, 5: "1"}}),
    "MARKET_DEPTH_L2": Form(
        "version=1 id position=0 maker=NSDQ operation=0 side=1 price=187.3 size=100 smart=1@146",
        {1: ID, 2: {1: 0, 5: "1", 6: "NSDQ"}},
    ),
    "TICK_BY_TICK": Form("id type=4 time=1767605400 price=187.32", {1: ID, 2: 4, 5: {1: 1767605400}}),
    "REAL_TIME_BARS": Form(
        "version=3 id time=1767605400 open=1 high=1 low=1 close=1 volume=1 wap=1 count=1",
        {1: ID, 2: 1767605400, 7: "1", 8: "1"},
    ),
    "REROUTE_MKT_DATA_REQ": Form("id conId=1 exchange=NYSE", {1: ID, 2: 1, 3: "NYSE"}),
    # -- history
    "HISTORICAL_DATA": Form(
        "version=3@<124 id start@<196 end@<196 bars=1 date=20260105 open=1 high=2 low=1 close=2 volume=3 wap=1 "
        "gaps=false@<124 count=4",
        {1: ID, 2: {1: "20260105", 6: "1", 7: "1"}},
    ),
    "HISTORICAL_DATA_END": Form("id start end"),
    "HISTORICAL_DATA_UPDATE": Form(
        "id count=1 date=20260105 open=1 close=1 high=1 low=1 wap=1 volume=1", {1: ID, 2: {1: "1", 6: "1", 7: "1"}}
    ),
    "HISTORICAL_SCHEDULE": Form("id start=a end=b zone=US/Eastern sessions*"),
    "HISTORICAL_TICKS": Form("id ticks* done=1", {1: ID, 3: 1}),
    "HISTORICAL_TICKS_BID_ASK": Form("id ticks* done=1", {1: ID, 3: 1}),
    "HISTORICAL_TICKS_LAST": Form("id ticks* done=1", {1: ID, 3: 1}),
    "HEAD_TIMESTAMP": Form("id time=19801212-14:30:00", {1: ID, 2: "19801212-14:30:00"}),
    "HISTOGRAM_DATA": Form("id entries*"),
    # -- contracts
    "CONTRACT_DATA": Form(
        "version=8@<164 id symbol=AAPL secType=STK lastTradeDate lastTradeDate@182 strike=0 right exchange=SMART "
        "currency=USD localSymbol=AAPL market=NMS class=NMS conId=265598 minTick=0.01 multiplierOfDepth@110@<164 "
        "multiplier types exchanges magnifier=1 under=0 long=Apple primary=NASDAQ 7- evRule evMultiplier=0 ids* "
        "group=1@121 underSymbol@122 underType@122 rules=26@126 expiration@134 stockType@152 increment=1@163@<164 "
        "minSize=1@164 sizeIncrement=1@164 suggested=1@164 ineligible*@186",
        {1: ID, 2: {1: 265598, 2: "AAPL"}, 3: {1: "NMS"}},
    ),
    "CONTRACT_DATA_END": Form("version=1 id"),
    "SYMBOL_SAMPLES": Form("id samples*"),
    "SECURITY_DEFINITION_OPTION_PARAMETER": Form(
        "id exchange=SMART under=265598 class=AAPL multiplier=100 expirations* strikes*", {1: ID, 2: "SMART", 4: "AAPL"}
    ),
    "SECURITY_DEFINITION_OPTION_PARAMETER_END": Form("id"),
    "SMART_COMPONENTS": Form("id components*"),
    "MARKET_RULE": Form("id increments*"),
    "MKT_DEPTH_EXCHANGES": Form("exchanges*", {}),
    "SCANNER_PARAMETERS": Form("version=1 xml=<x/>", {1: "<x/>"}),
    "SCANNER_DATA": Form("version=3 id rows*"),
    "FUNDAMENTAL_DATA": Form("version=1 id data=<x/>", {1: ID, 2: "<x/>"}),
    # -- news and the calendar
    "NEWS_PROVIDERS": Form("providers*", {}),
    "NEWS_ARTICLE": Form("id type=0 text=nothing", {1: ID, 2: 0, 3: "nothing"}),
    "HISTORICAL_NEWS": Form("id time=2026-01-05 provider=BRFG article=BRFG$1 headline=h", {1: ID, 2: "2026-01-05"}),
    "HISTORICAL_NEWS_END": Form("id more=0"),
    "WSH_META_DATA": Form("id json={}", {1: ID, 2: "{}"}),
    "WSH_EVENT_DATA": Form("id json={}", {1: ID, 2: "{}"}),
    # -- the account
    "ACCT_VALUE": Form(
        "version=2 key=Cash value=1 currency=USD account=DU1234567", {1: "Cash", 2: "1", 4: "DU1234567"}
    ),
    "PORTFOLIO_VALUE": Form(
        f"version=8 {CONTRACT} position=1 price=1 value=1 cost=1 unrealized=0 realized=0 account=DU1234567",
        {1: {1: 265598, 2: "AAPL"}, 2: "1", 8: "DU1234567"},
    ),
    "ACCT_UPDATE_TIME": Form("version=1 time=09:30", {1: "09:30"}),
    "ACCT_DOWNLOAD_END": Form("version=1 account=DU1234567", {1: "DU1234567"}),
    "POSITION_DATA": Form(
        f"version=3 account=DU1234567 {CONTRACT} position=1 cost=1", {1: "DU1234567", 2: {1: 265598, 2: "AAPL"}, 3: "1"}
    ),
    "POSITION_END": Form("version=1", {}),
    "ACCOUNT_SUMMARY": Form(
        "version=1 id account=DU1234567 tag=NetLiquidation value=1 currency=USD",
        {1: ID, 2: "DU1234567", 3: "a", 4: "1"},
    ),
    "ACCOUNT_SUMMARY_END": Form("version=1 id"),
    "POSITION_MULTI": Form(
        f"version=1 id account=DU1234567 {CONTRACT} position=1 cost=1 model=",
        {1: ID, 2: "DU1234567", 3: {1: 1}, 4: "1"},
    ),
    "POSITION_MULTI_END": Form("version=1 id"),
    "ACCOUNT_UPDATE_MULTI": Form(
        "version=1 id account=DU1234567 model= key=Cash value=1 currency=USD",
        {1: ID, 2: "DU1234567", 4: "Cash", 5: "1"},
    ),
    "ACCOUNT_UPDATE_MULTI_END": Form("version=1 id"),
    "PNL": Form("id daily=1.0 unrealized=0.0@129 realized=0.0@135"),
    "PNL_SINGLE": Form("id position=1 daily=1.0 unrealized=0.0@129 realized=0.0@135 value=1.0", {1: ID, 2: "1"}),
    "FAMILY_CODES": Form("codes*", {}),
    "SOFT_DOLLAR_TIERS": Form("id tiers*"),
    "RECEIVE_FA": Form("version=1 type=1 xml=<x/>", {1: 1, 2: "<x/>"}),
    "REPLACE_FA_END": Form("id text=ok", {1: ID, 2: "ok"}),
    "USER_INFO": Form("id branding="),
    "DISPLAY_GROUP_LIST": Form("version=1 id groups=1|2", {1: ID, 2: "1|2"}),
    "DISPLAY_GROUP_UPDATED": Form("version=1 id contract=265598@SMART", {1: ID, 2: "265598@SMART"}),
    # -- orders
    "OPEN_ORDER": Form(
        f"version=34@<145 id {CONTRACT} {_ORDER_HEAD} clientId permId 4- shares {_ORDER_FA} 28- "
        f"continuous referencePrice trailStop trailing basis basisType {_SCALE} optOut 3- neutral=0 algo solicited whatIf "
        f"state=Submitted 6-@142 3- 3- currency 12-@195 allocations*@195 warning randomizeSize randomizePrice {_CONDITIONS} {_ADJUSTED} "
        "1-@106 1-@106 1-@106 cash@111 hedge@141 oms@145 upToLimit@148 priceAlgo@151 duration@158 ats@160 "
        f"autoCancel@162 {_PEG} customer@183 professional@184 interest@185 overnight@189 2-@193 submitter@198 imbalance@199",
        {1: ID, 2: {1: 265598, 2: "AAPL"}, 3: {1: 7}, 4: {1: "Submitted"}},
    ),
    "ORDER_STATUS": Form(
        "version=6@<131 id status filled=0 remaining=1 average=0 permId=1 parent=0 last=0 clientId=7 held= cap=0@131",
        {1: ID, 2: "status", 3: "0", 4: "1", 9: 7},
    ),
    "OPEN_ORDER_END": Form("version=1", {}),
    "EXECUTION_DATA": Form(
        f"version=10@<136 id order {CONTRACT} exec=00.01 time=20260105-14:30:00 account=DU1234567 exchange=SMART side=BOT "
        "shares=1 price=1 permId=1 clientId=7 liquidation=0 cumulative=1 average=1 reference rule multiplier model@103 "
        "liquidity=0@136 revision=0@178 submitter@198",
        {1: ID, 2: {1: 265598, 2: "AAPL"}, 3: {1: "order", 2: "00.01", 3: "20260105-14:30:00", 7: "1"}},
    ),
    "EXECUTION_DATA_END": Form("version=1 id"),
    "COMMISSION_AND_FEES_REPORT": Form("version=1 exec=00.01 fees=1 currency=USD pnl=0 yield=0 date=0", {1: "00.01"}),
    "COMPLETED_ORDER": Form(
        f"{CONTRACT} {_ORDER_HEAD} permId outsideRth hidden discretionary after {_ORDER_FA} 22- "
        f"continuous referencePrice trailStop trailing {_SCALE} 3- neutral=0 algo solicited state=Filled 2- "
        f"{_CONDITIONS} trail offset cash hedge oms cancelled filled reference autoCancel shareholder imbalance "
        f"route parent time status {_PEG} customer@183 professional@184 submitter@198",
        {1: {1: 265598, 2: "AAPL"}, 2: {1: 7}, 3: {1: "Filled"}},
    ),
    "COMPLETED_ORDERS_END": Form("", {}),
}


def encode(name: str, server_version: int, **given: object) -> bytes:
    """A frame with this message; ``given`` fills its bare names."""
    form, number = FORMS[name], NUMBERS[name]
    since = names.SERVER_PROTOBUF_SINCE.get(number, ALL_IN_PROTOBUF)
    if server_version >= since and name not in ONLY_TEXT:
        return ib_bytes.protobuf(number, _filled(form.protobuf, given))
    return ib_bytes.text(server_version, number, *_text(form.text, server_version, given))


_TOKEN = re.compile(r"(?:(\d+)-|(\w+)(\*)?(?:=([^\s@]*(?:@SMART)?))?)((?:@<?\d+)*)")


def _text(form: str, server_version: int, given: dict[str, object]) -> list[object]:
    found: list[object] = []
    for token in form.split():
        match = _TOKEN.fullmatch(token)
        assert match, token
        empty, name, is_count, value, bounds = match.groups()
        if not all(_is_within(server_version, bound) for bound in bounds.split("@")[1:]):
            continue
        if empty:
            found += [""] * int(empty)
        else:
            found.append(0 if is_count else given.get(name, value or ""))
    return found


def _is_within(server_version: int, bound: str) -> bool:
    return server_version < int(bound[1:]) if bound.startswith("<") else server_version >= int(bound)


def _filled(
    form: dict[int, int | str | dict[int, int | str]], given: dict[str, object]
) -> dict[int, int | str | bytes]:
    filled: dict[int, int | str | bytes] = {}
    for number, value in form.items():
        if isinstance(value, dict):
            filled[number] = ib_bytes.protobuf_body(_filled(value, given))  # type: ignore[arg-type]
        else:
            found = given.get(value, value) if isinstance(value, str) else value
            filled[number] = found if isinstance(found, int) else str(found)
    return filled
