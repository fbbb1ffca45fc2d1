"""More ways to behave: it answers, and then something is wrong, with the session or with what lies behind it.

What a mode does was seen in the field or stands in IB's documentation of message codes; the comment names where.
"""

from __future__ import annotations

import asyncio

from ibsniff.standin import messages
from ibsniff.standin.connection import Connection
from ibsniff.standin.messages import error, frame
from ibsniff.standin.modes import Behaviour, answered, become_ready, mode_of, ok, refuse_id, serve_requests, start

TOO_OLD_VERSION = 76
"""Below the lowest version any framed client offers."""

REDIRECT_TARGET = "192.0.2.5:7497"
"""In TEST-NET-1 (RFC 5737): no client that follows reaches anyone."""

PACING_STRIKES = 3
"""IB's documentation: the third breach ends the session."""

BURST, BURST_PAUSE = 50, 0.2
"""Ticks sent at once, and seconds between: about what a hundred busy instruments give."""

LOST = "Connectivity between IBKR and Trader Workstation has been lost."

BEHAVIOURS: dict[str, Behaviour] = {}
"""Mode -> what it does with a connection."""

_mode = mode_of(BEHAVIOURS)


@_mode
async def redirect(connection: Connection) -> None:
    """Answers the hello with another address to go to (192.0.2.5:7497)."""
    await connection.hello()
    await connection.write(frame(messages.version_reply(-1, REDIRECT_TARGET)))
    await connection.drain()


@_mode
async def too_old(connection: Connection) -> None:
    """Behaves, but is of version 76, older than any client in use accepts."""
    await connection.answer(await connection.hello(), TOO_OLD_VERSION)
    await start(connection)
    await serve_requests(connection)


@_mode
async def client_id_in_use(connection: Connection) -> None:
    """Answers START_API with error 326 and closes."""
    await answered(connection)
    await connection.start()
    await refuse_id(connection)


@_mode
async def zombie(connection: Connection) -> None:
    """Behaves, but keeps a session and its client id for --delay seconds after the client's goodbye."""
    try:
        await ok(connection)
    except EOFError:
        if connection.client_id is not None:
            await asyncio.sleep(connection.settings.delay)  # nautilus_trader 4412, ib_async 152


@_mode
async def never_ready(connection: Connection) -> None:
    """Takes START_API and sends the accounts, but never nextValidId."""
    await answered(connection)
    await connection.start()
    await connection.say(messages.ready()[0])  # heshiming/ibga 24
    await connection.drain()


_ACCOUNT_REQUESTS = {"REQ_ACCT_DATA", "REQ_ACCOUNT_UPDATES_MULTI"}


@_mode
async def endless_account(connection: Connection) -> None:
    """Behaves, but the account download has no end."""
    await become_ready(connection)
    async for request in connection.requests():
        said = messages.answers(request)
        await connection.say(*(said[:-1] if request.name in _ACCOUNT_REQUESTS else said))  # ib_insync 386


_ORDER_REQUESTS = {
    "PLACE_ORDER", "CANCEL_ORDER", "REQ_GLOBAL_CANCEL",
    "REQ_OPEN_ORDERS", "REQ_ALL_OPEN_ORDERS", "REQ_AUTO_OPEN_ORDERS", "REQ_COMPLETED_ORDERS",
}  # fmt: skip


@_mode
async def read_only(connection: Connection) -> None:
    """Behaves, but refuses whatever has to do with orders: error 321."""
    await become_ready(connection)
    text = "Error validating request.-'bO' : cause - The API interface is currently in Read-Only mode."
    async for request in connection.requests():
        refused = request.name in _ORDER_REQUESTS
        await connection.say(*((error(321, text),) if refused else messages.answers(request)))


@_mode
async def lost_connectivity(connection: Connection) -> None:
    """Behaves, then loses IB's servers (1100) and finds them again after --delay seconds (1102)."""
    found = "Connectivity between IBKR and Trader Workstation has been restored - data maintained."
    await _lose(connection, error(1100, LOST), error(1102, found))


@_mode
async def lost_subscriptions(connection: Connection) -> None:
    """The same, but what was subscribed to is lost (1101)."""
    found = "Connectivity between IBKR and Trader Workstation has been restored - data lost."
    await _lose(connection, error(1100, LOST), error(1101, found))


@_mode
async def lost_farm(connection: Connection) -> None:
    """Behaves, then loses a market data farm (2103) and finds it again after --delay seconds (2104)."""
    lost = error(2103, "Market data farm connection is broken:usfarm")
    await _lose(connection, lost, error(2104, "Market data farm connection is OK:usfarm"))


async def _lose(connection: Connection, lost: messages.Message, found: messages.Message) -> None:
    await become_ready(connection)
    await connection.say(lost)
    serving = asyncio.ensure_future(serve_requests(connection))
    await asyncio.wait({serving}, timeout=connection.settings.delay)
    if not serving.done():
        await connection.say(found)
    await serving


@_mode
async def competing_session(connection: Connection) -> None:
    """Behaves, but another login of the same user has the market data (10197)."""
    await _without_market_data(connection, 10197, "No market data during competing live session")


@_mode
async def not_subscribed(connection: Connection) -> None:
    """Behaves, but the user has not paid for the market data (10089)."""
    text = "Requested market data requires additional subscription for API. Delayed market data is available."
    await _without_market_data(connection, 10089, text)


async def _without_market_data(connection: Connection, code: int, text: str) -> None:
    await become_ready(connection)
    async for request in connection.requests():
        refused = request.name == "REQ_MKT_DATA"
        await connection.say(*((error(code, text, request.number),) if refused else messages.answers(request)))


@_mode
async def stream(connection: Connection) -> None:
    """Behaves, and sends market data without end, once asked for it."""
    await become_ready(connection)
    streams = []
    try:
        async for request in connection.requests():
            await connection.say(*messages.answers(request))
            if request.name == "REQ_MKT_DATA":
                streams.append(asyncio.ensure_future(_send_ticks(connection, request.number)))
    finally:
        for one in streams:
            one.cancel()


async def _send_ticks(connection: Connection, request: int) -> None:
    tick = frame(messages.last_price(request).encode(connection.version))
    while True:
        await connection.write(tick * BURST)
        await asyncio.sleep(BURST_PAUSE)


@_mode
async def pacing(connection: Connection) -> None:
    """Becomes ready, finds every request one too many (error 100), and closes at the third."""
    await become_ready(connection)
    strikes = 0
    async for _ in connection.requests():
        await connection.say(error(100, "Max rate of messages per second has been exceeded:max=50 rec=51"))
        strikes += 1
        if strikes == PACING_STRIKES:
            break
    await connection.finish()
