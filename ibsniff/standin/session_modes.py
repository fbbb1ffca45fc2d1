"""More modes for one client: the stand-in answers the hello, and then something is wrong with the session or behind it.

What a mode does was seen in the field or is described in IB's documentation of message codes; comments name the source.
"""

from __future__ import annotations

import asyncio

from ibsniff.ib import errors
from ibsniff.standin import messages
from ibsniff.standin.connection import Connection
from ibsniff.standin.messages import error, frame
from ibsniff.standin.modes import (
    ConnectionMode,
    answer_hello,
    become_ready,
    mode_of,
    ok,
    refuse_client_id,
    serve_requests,
    start_session,
)

TOO_OLD_VERSION = 76
"""Below the lowest version in any framed client's hello."""

REDIRECT_TARGET = "192.0.2.5:7497"
"""In TEST-NET-1 (RFC 5737), where a client that follows reaches nobody."""

PACING_STRIKES = 3
"""By IB's documentation the third breach ends the session."""

BURST, BURST_PAUSE = 50, 0.2
"""Ticks sent at once, and seconds between: about what a hundred busy instruments give."""

LOST = "Connectivity between IBKR and Trader Workstation has been lost."
FARM_LOST, FARM_BACK = "Market data farm connection is broken:usfarm", "Market data farm connection is OK:usfarm"
FARM_PAUSE = 1.0
"""Seconds until a farm that was lost for a moment is back."""
RESTORED = "Connectivity between IBKR and Trader Workstation has been restored - data {}."

SESSION_MODES: dict[str, ConnectionMode] = {}
"""Mode -> what it does with a connection."""

_mode = mode_of(SESSION_MODES)


@_mode
async def redirect(connection: Connection) -> None:
    """Answers the hello with the address of another server (192.0.2.5:7497)."""
    await connection.read_hello()
    await connection.write(frame(messages.version_reply(-1, REDIRECT_TARGET)))
    await connection.discard_input()


@_mode
async def too_old(connection: Connection) -> None:
    """Works, but has version 76, which is too old for all current clients."""
    await connection.send_reply(await connection.read_hello(), TOO_OLD_VERSION)
    await start_session(connection)
    await serve_requests(connection)


@_mode
async def client_id_in_use(connection: Connection) -> None:
    """Answers START_API with error 326 and closes."""
    await answer_hello(connection)
    await connection.read_start_api()
    await refuse_client_id(connection)


@_mode
async def zombie(connection: Connection) -> None:
    """Works, but keeps a session and its client id for --delay seconds after the client has closed."""
    try:
        await ok(connection)
    except EOFError:
        if connection.client_id is not None:
            await asyncio.sleep(connection.settings.delay)  # nautilus_trader 4412, ib_async 152


@_mode
async def never_ready(connection: Connection) -> None:
    """Accepts START_API and sends the accounts, but never nextValidId."""
    await answer_hello(connection)
    await connection.read_start_api()
    await connection.send(messages.ready()[0])  # heshiming/ibga 24
    await connection.discard_input()


_ACCOUNT_REQUESTS = {"REQ_ACCT_DATA", "REQ_ACCOUNT_UPDATES_MULTI"}


@_mode
async def endless_account(connection: Connection) -> None:
    """Works, but never sends the end of the account download."""
    await become_ready(connection)
    async for request in connection.read_requests():
        sent = messages.answers(request)
        await connection.send(*(sent[:-1] if request.name in _ACCOUNT_REQUESTS else sent))  # ib_insync 386


@_mode
async def half_answer(connection: Connection) -> None:
    """Works, but sends only half of the answer to the first request, and then nothing more."""
    await become_ready(connection)
    async for request in connection.read_requests():
        answer = b"".join(frame(each.encode(connection.version)) for each in messages.answers(request))
        await connection.write(answer[: len(answer) // 2])
        break
    await connection.discard_input()


_ORDER_REQUESTS = {
    "PLACE_ORDER", "CANCEL_ORDER", "REQ_GLOBAL_CANCEL",
    "REQ_OPEN_ORDERS", "REQ_ALL_OPEN_ORDERS", "REQ_AUTO_OPEN_ORDERS", "REQ_COMPLETED_ORDERS",
}  # fmt: skip


@_mode
async def read_only(connection: Connection) -> None:
    """Works, but refuses every request about orders with error 321 (Read-Only API)."""
    await become_ready(connection)
    text = "Error validating request.-'bO' : cause - The API interface is currently in Read-Only mode."
    refusal = (error(errors.REQUEST_REFUSED, text),)
    async for request in connection.read_requests():
        await connection.send(*(refusal if request.name in _ORDER_REQUESTS else messages.answers(request)))


@_mode
async def rejected_orders(connection: Connection) -> None:
    """Works, but rejects every order (201: not enough margin)."""
    await become_ready(connection)
    text = "Order rejected - reason:We are unable to accept your order. Your Available Funds are not sufficient."
    async for request in connection.read_requests():
        rejected = request.name == "PLACE_ORDER"
        refusal = error(errors.ORDER_REJECTED, text, request.number)
        await connection.send(*((refusal,) if rejected else messages.answers(request)))


@_mode
async def lost_connectivity(connection: Connection) -> None:
    """Works, then loses the connection to IB's servers (1100) and restores it after --delay seconds (1102)."""
    restored = error(errors.IB_CONNECTION_RESTORED_DATA_KEPT, RESTORED.format("maintained"))
    await _lose_and_restore(connection, error(errors.IB_CONNECTION_LOST, LOST), restored)


@_mode
async def lost_subscriptions(connection: Connection) -> None:
    """The same as lost-connectivity, but the subscriptions to market data are lost (1101)."""
    restored = error(errors.IB_CONNECTION_RESTORED_DATA_LOST, RESTORED.format("lost"))
    await _lose_and_restore(connection, error(errors.IB_CONNECTION_LOST, LOST), restored)


@_mode
async def lost_farm(connection: Connection) -> None:
    """Works, then loses a market data farm (2103) and restores it after --delay seconds (2104)."""
    lost = error(errors.MARKET_DATA_FARM_BROKEN, FARM_LOST)
    restored = error(errors.MARKET_DATA_FARM_OK, FARM_BACK)
    await _lose_and_restore(connection, lost, restored)


async def _lose_and_restore(connection: Connection, lost: messages.Message, restored: messages.Message) -> None:
    await become_ready(connection)
    await connection.send(lost)
    serving = asyncio.ensure_future(serve_requests(connection))
    await asyncio.wait({serving}, timeout=connection.settings.delay)
    if not serving.done():
        await connection.send(restored)
    await serving


@_mode
async def competing_session(connection: Connection) -> None:
    """Works, but sends no market data: another session of the same user receives it (10197)."""
    text = "No market data during competing live session"
    await _serve_without_market_data(connection, errors.COMPETING_SESSION, text)


@_mode
async def not_subscribed(connection: Connection) -> None:
    """Works, but sends no market data: the user has no subscription for the API (10089)."""
    text = "Requested market data requires additional subscription for API. Delayed market data is available."
    await _serve_without_market_data(connection, errors.MARKET_DATA_NOT_SUBSCRIBED_FOR_API, text)


async def _serve_without_market_data(connection: Connection, code: int, text: str) -> None:
    await become_ready(connection)
    async for request in connection.read_requests():
        refused = request.name == "REQ_MKT_DATA"
        await connection.send(*((error(code, text, request.number),) if refused else messages.answers(request)))


@_mode
async def stream(connection: Connection) -> None:
    """Works, and sends market data without end once it is requested."""
    await become_ready(connection)
    streams = []
    try:
        async for request in connection.read_requests():
            await connection.send(*messages.answers(request))
            if request.name == "REQ_MKT_DATA":
                streams.append(asyncio.ensure_future(_send_ticks(connection, request.number)))
    finally:
        for task in streams:
            task.cancel()


@_mode
async def dead_streams(connection: Connection) -> None:
    """Works, and sends market data until it loses a farm after --delay seconds (2103); it is back (2104), the data is not."""
    await become_ready(connection)
    tasks: list[asyncio.Future[None]] = []
    try:
        async for request in connection.read_requests():
            await connection.send(*messages.answers(request))
            if request.name == "REQ_MKT_DATA":
                tasks.append(asyncio.ensure_future(_send_ticks(connection, request.number, 1)))
            if len(tasks) == 1:
                tasks.append(asyncio.ensure_future(_lose_farm_and_data(connection, tasks)))
    finally:
        for task in tasks:
            task.cancel()


async def _lose_farm_and_data(connection: Connection, streams: list[asyncio.Future[None]]) -> None:
    await asyncio.sleep(connection.settings.delay)
    for task in streams:
        if task is not asyncio.current_task():
            task.cancel()
    await connection.send(error(errors.MARKET_DATA_FARM_BROKEN, FARM_LOST))
    await asyncio.sleep(FARM_PAUSE)
    await connection.send(error(errors.MARKET_DATA_FARM_OK, FARM_BACK))


async def _send_ticks(connection: Connection, request: int, burst: int = BURST) -> None:
    tick = frame(messages.last_price(request).encode(connection.version))
    while True:
        await connection.write(tick * burst)
        await asyncio.sleep(BURST_PAUSE)


@_mode
async def pacing(connection: Connection) -> None:
    """Becomes ready, answers every request with error 100 (too many messages), and closes after the third."""
    await become_ready(connection)
    strikes = 0
    async for _ in connection.read_requests():
        text = "Max rate of messages per second has been exceeded:max=50 rec=51"
        await connection.send(error(errors.MESSAGE_RATE_EXCEEDED, text))
        strikes += 1
        if strikes == PACING_STRIKES:
            break
    await connection.close()
