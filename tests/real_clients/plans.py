"""What the clients ask. A plan is a list of calls, as JSON; ``wait`` asks for something and waits for the answer."""

from __future__ import annotations

import random
from typing import Any

from real_clients.script import DROP, HOLD, LARGEST_ID, REFUSE, RELEASE, SERVE

Call = list[Any]
ACCOUNT = "DU1234567"
WAIT: Call = ["wait", "reqCurrentTime", "currentTime"]


def market_data(number: int, word: str = "", *, snapshot: bool = False) -> Call:
    return ["reqMktData", number, f"Contract {word}", "", snapshot, False, []]


def history(number: int, word: str = "", *, show: str = "TRADES", live: bool = False) -> Call:
    return ["reqHistoricalData", number, f"Contract {word}", "", "1 D", "1 hour", show, 1, 1, live, []]


def details(number: int, word: str = "") -> Call:
    return ["reqContractDetails", number, f"Contract {word}"]


def order(number: int, word: str = "") -> Call:
    return ["placeOrder", number, f"Contract {word}", "Order"]


def historical_ticks(number: int, word: str = "") -> Call:
    return ["reqHistoricalTicks", number, f"Contract {word}", "20260105 09:30:00", "", 10, "MIDPOINT", 1, False, []]


def tick_by_tick(number: int, word: str = "") -> Call:
    return ["reqTickByTickData", number, f"Contract {word}", "MidPoint", 0, False]


WITHOUT_ID: list[Call] = [
    ["reqIds", 1], ["reqManagedAccts"], ["reqPositions"], ["reqOpenOrders"], ["reqAllOpenOrders"],
    ["reqAccountUpdates", True, ACCOUNT], ["reqCompletedOrders", False], ["requestFA", 1], ["reqScannerParameters"],
    ["reqFamilyCodes"], ["reqMktDepthExchanges"], ["reqNewsProviders"], ["reqCurrentTimeInMillis"],
]  # fmt: skip
"""All but ``reqCurrentTime``, which ``WAIT`` needs for itself."""


def with_id(number: int, word: str = "") -> list[Call]:
    """A request of every kind that has an id, each with the same one: every kind of request counts its own."""
    return [
        market_data(number, word),
        history(number, word),
        details(number, word),
        historical_ticks(number, word),
        tick_by_tick(number, word),
        ["reqExecutions", number, f"ExecutionFilter {word}"],
        ["reqMktDepth", number, f"Contract {word}", 5, False, []],
        ["reqScannerSubscription", number, f"ScannerSubscription {word}", [], []],
        ["reqRealTimeBars", number, f"Contract {word}", 5, "TRADES", True, []],
        ["reqFundamentalData", number, f"Contract {word}", "ReportSnapshot", []],
        ["reqAccountSummary", number, "All", f"NetLiquidation {word}"],
        ["queryDisplayGroups", number],
        ["subscribeToGroupEvents", number, 1],
        ["reqPositionsMulti", number, f"{ACCOUNT}{word}", ""],
        ["reqAccountUpdatesMulti", number, f"{ACCOUNT}{word}", "", False],
        ["reqSecDefOptParams", number, word or "AAPL", "", "STK", 265598],
        ["reqSoftDollarTiers", number],
        ["reqMatchingSymbols", number, word or "AAPL"],
        ["reqSmartComponents", number, word or "a6"],
        ["reqNewsArticle", number, word or "BRFG", "BRFG$1", []],
        ["reqHistoricalNews", number, 265598, word or "BRFG", "", "", 10, []],
        ["reqHeadTimeStamp", number, f"Contract {word}", "TRADES", 1, 1],
        ["reqHistogramData", number, f"Contract {word}", True, "3 days"],
        ["reqPnL", number, f"{ACCOUNT}{word}", ""],
        ["reqPnLSingle", number, f"{ACCOUNT}{word}", "", 265598],
        ["reqWshMetaData", number],
        ["reqWshEventData", number, "WshEventData"],
        ["reqUserInfo", number],
        ["replaceFA", number, 1, "<x/>"],
        ["reqMarketRule", number],
    ]


def numbered(calls: list[Call], first: int) -> list[Call]:
    """The same calls, each with an id of its own."""
    return [[name, first + place, *arguments] for place, (name, _, *arguments) in enumerate(calls)]


CANCELS = [
    "cancelMktData", "cancelHistoricalData", "cancelHistoricalTicks", "cancelTickByTickData", "cancelMktDepth",
    "cancelScannerSubscription", "cancelRealTimeBars", "cancelFundamentalData", "cancelAccountSummary",
    "unsubscribeFromGroupEvents", "cancelPositionsMulti", "cancelAccountUpdatesMulti", "cancelHeadTimeStamp",
    "cancelHistogramData", "cancelPnL", "cancelPnLSingle", "cancelWshMetaData", "cancelWshEventData",
]  # fmt: skip


def cancels(number: int) -> list[Call]:
    return [[name, number, False] if name == "cancelMktDepth" else [name, number] for name in CANCELS]


def everything() -> list[Call]:
    """Every kind of request answered, rejected, broken off, cancelled and left without an answer."""
    return [
        *numbered(with_id(0), 2000), *WITHOUT_ID, WAIT,
        *numbered(with_id(0, "do-reject-321."), 2100), WAIT,
        *numbered(with_id(0, "do-break-162."), 2200), WAIT,
        *with_id(2300), WAIT, *cancels(2300), WAIT,  # one id for all, and what still goes on is cancelled
        *with_id(2300), WAIT, *cancels(2300), ["reqAccountUpdates", False, ACCOUNT], ["cancelPositions"], WAIT,
        ["setServerLogLevel", DROP], *numbered(with_id(0), 2400), ["setServerLogLevel", SERVE], WAIT,
        ["setServerLogLevel", REFUSE], ["wait", "reqOpenOrders", "error"], ["wait", "reqPositions", "error"],
        ["setServerLogLevel", SERVE], WAIT,
        *market_data_plan(), *order_plan(),
        ["setServerLogLevel", DROP], ["reqCurrentTime"], *WITHOUT_ID[1:], ["setServerLogLevel", SERVE],
        ["wait", "reqIds", "nextValidId", 1],
    ]  # fmt: skip


def market_data_plan() -> list[Call]:
    """Streams, snapshots, delayed data, remarks, live bars, ids that are used again."""
    return [
        market_data(3000), market_data(3001, "do-snapshot.", snapshot=True), market_data(3002, "do-reject-200."),
        market_data(3003, "do-reject-354."), market_data(3004, "do-remark-10089."), market_data(3005, "do-remark-10167."),
        market_data(3006, "do-remark-10090."), market_data(3009, "do-remark-354."),
        market_data(3007, "do-late."), market_data(3008, "do-silent."), WAIT,
        ["cancelMktData", 3000], ["cancelMktData", 3007], ["cancelMktData", 3008], WAIT,
        market_data(3000), market_data(3002), market_data(3003, "do-reject-354."), WAIT,
        history(3010), history(3011, "do-live.", live=True), history(3012, "do-schedule.", show="SCHEDULE"),
        history(3013, "do-reject-162."), history(3014, "do-silent."), historical_ticks(3015, "do-bidask."),
        historical_ticks(3016, "do-trades."), details(3017, "do-reject-200."), details(LARGEST_ID, "do-reject-200."), WAIT,
        ["cancelHistoricalData", 3011], ["cancelHistoricalData", 3014], history(3010), WAIT,
        ["calculateImpliedVolatility", 3020, "Contract", 1.0, 1.0, []],
        ["calculateOptionPrice", 3021, "Contract", 0.2, 1.0, []],
        ["calculateOptionPrice", 3022, "Contract do-silent.", 0.2, 1.0, []], WAIT,
        ["cancelCalculateOptionPrice", 3022], details(LARGEST_ID), details(3000), history(3000), WAIT,
    ]  # fmt: skip


def order_plan() -> list[Call]:
    """Orders accepted, filled, rejected, held, changed, cancelled, killed, lost; and lists of those that are open."""
    return [
        order(4000), order(4001, "do-fill."), order(4002, "do-reject-201."), order(4003, "do-inactive-201."),
        order(4004, "do-hold."), order(4005, "do-silent."), order(4006, "do-errorfirst."), order(4007, "do-kill-202."),
        order(4008), order(4009, "do-reject-200."), order(4010, "do-inactivefirst-201."), order(4011, "do-revive-388."),
        order(4012, "do-killfirst-202."), market_data(4000), market_data(4005, "do-reject-354."), WAIT,
        ["reqOpenOrders"], WAIT, ["reqAllOpenOrders"], WAIT,
        order(4000), WAIT, order(4000, "do-refuse-104."), order(4008, "do-fill."), WAIT,
        ["cancelOrder", 4000], ["cancelOrder", 4006], ["cancelOrder", 4001], WAIT,
        order(4000), order(4002), order(4001, "do-reject-201."), order(4005), WAIT,
        ["exerciseOptions", 4020, "Contract do-fill.", 1, 1, ACCOUNT, 0], order(4021, "do-errorfirst."), WAIT,
        ["reqGlobalCancel"], WAIT,
        order(4030), order(4031), WAIT, order(4031), order(4031), WAIT,
        ["reqOpenOrders"], ["reqAllOpenOrders"], ["reqOpenOrders"], WAIT,
    ]  # fmt: skip


def crowded(seed: int) -> list[Call]:
    """Bursts of requests of all kinds whose answers come late and mixed with each other."""
    choose = random.Random(seed)
    plan: list[Call] = []
    for burst in range(8):
        first = 10_000 + 1_000 * burst
        words = [choose.choice(("", "", "", "do-reject-321.", "do-remark-10167.", "do-silent.")) for _ in range(40)]
        calls = [choose.choice(with_id(first + place, word)) for place, word in enumerate(words)]
        calls += [
            order(first + 100 + place, choose.choice(("", "do-fill.", "do-reject-201.", "do-hold.")))
            for place in range(8)
        ]
        calls += [call for call in WITHOUT_ID if choose.random() < 0.5]
        calls += [["reqPositions"], ["reqOpenOrders"]] * choose.randrange(2)
        choose.shuffle(calls)
        plan += [
            ["setServerLogLevel", HOLD],
            *calls,
            ["setServerLogLevel", RELEASE],
            ["setServerLogLevel", SERVE],
            WAIT,
        ]
        plan += [[choose.choice(CANCELS[:7]), first + choose.randrange(40), False] for _ in range(6)]
        plan += [["cancelOrder", first + 100 + choose.randrange(8)] for _ in range(3)] + [WAIT]
    return plan
