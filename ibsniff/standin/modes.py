"""The ways a stand-in behaves towards one client: each a coroutine, named like its mode, explained by its docstring.

A mode that returns has the connection closed for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ibsniff.standin import messages
from ibsniff.standin.connection import Connection
from ibsniff.standin.messages import error, frame
from ibsniff.standin.requests import Hello

Behaviour = Callable[[Connection], Awaitable[None]]

TOO_OLD_VERSION = 76
"""Below the lowest version any framed client offers."""

REDIRECT_TARGET = "192.0.2.5:7497"
"""In TEST-NET-1 (RFC 5737): no client that follows reaches anyone."""

BYTE_PAUSE = 0.01
"""Seconds between single bytes: enough that a client reads each alone."""

PACING_STRIKES = 3
"""IB's documentation: the third breach ends the session."""

BEHAVIOURS: dict[str, Behaviour] = {}
"""Mode -> what it does with a connection."""


def _mode(behaviour: Behaviour) -> Behaviour:
    BEHAVIOURS[behaviour.__name__.replace("_", "-")] = behaviour
    return behaviour


# ---------------------------------------------------------------------------------------------------------------
# What the modes are composed of


async def answered(connection: Connection) -> None:
    """Hello and version reply."""
    await connection.answer(await connection.hello())


async def become_ready(connection: Connection) -> None:
    """A whole session set-up, up to managedAccounts, nextValidId and the notices of the data farms."""
    await answered(connection)
    await start(connection)


async def start(connection: Connection) -> None:
    """From START_API to ready."""
    await connection.start()
    await connection.say(*messages.ready())
    connection.tell("ready")


async def serve_requests(connection: Connection) -> None:
    """Answer until the client goes."""
    async for request in connection.requests():
        await connection.say(*messages.answers(request))


# ---------------------------------------------------------------------------------------------------------------
# It works


@_mode
async def ok(connection: Connection) -> None:
    """Behaves like TWS: answers, becomes ready, serves what clients ask when they start."""
    await become_ready(connection)
    await serve_requests(connection)


@_mode
async def slow(connection: Connection) -> None:
    """Behaves, but answers the hello only after --delay seconds."""
    hello = await connection.hello()
    await asyncio.sleep(connection.settings.delay)
    await connection.answer(hello)
    await start(connection)
    await serve_requests(connection)


@_mode
async def one_byte(connection: Connection) -> None:
    """Behaves, but sends the version reply one byte at a time."""
    connection.accept(await connection.hello())
    for byte in connection.reply():
        await connection.write(bytes([byte]))
        await asyncio.sleep(BYTE_PAUSE)
    await start(connection)
    await serve_requests(connection)


@_mode
async def legacy(connection: Connection) -> None:
    """Speaks only the unframed dialect, version 76: what old clients ask for, and no new one understands."""
    hello = await connection.hello()
    await connection.answer(Hello(hello.minimum, hello.maximum, legacy=True))
    await start(connection)
    await serve_requests(connection)


# ---------------------------------------------------------------------------------------------------------------
# It says nothing, or hangs up


@_mode
async def silent(connection: Connection) -> None:
    """Accepts, acknowledges everything, and never says a word."""
    await connection.drain()


@_mode
async def close_on_accept(connection: Connection) -> None:
    """Closes (FIN) as soon as it has accepted."""
    await connection.finish()


@_mode
async def reset_on_accept(connection: Connection) -> None:
    """Resets (RST) as soon as it has accepted."""
    connection.reset()


@_mode
async def close_after_hello(connection: Connection) -> None:
    """Closes when it has heard the hello."""
    await connection.hello()
    await connection.finish()


@_mode
async def reset_after_hello(connection: Connection) -> None:
    """Resets when it has heard the hello."""
    await connection.hello()
    connection.reset()


@_mode
async def close_after_start(connection: Connection) -> None:
    """Answers the hello, then closes on START_API."""
    await answered(connection)
    await connection.start()
    await connection.finish()


@_mode
async def reset_after_start(connection: Connection) -> None:
    """Answers the hello, then resets on START_API."""
    await answered(connection)
    await connection.start()
    connection.reset()


@_mode
async def half_reply(connection: Connection) -> None:
    """Sends half of the version reply, then nothing more."""
    connection.accept(await connection.hello())
    reply = connection.reply()
    await connection.write(reply[: len(reply) // 2])
    await connection.drain()


# ---------------------------------------------------------------------------------------------------------------
# It answers, and something is wrong


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
    text = "Unable to connect as the client id is already in use. Retry with a unique client id."
    await connection.say(error(326, text))
    await connection.finish()


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
    await become_ready(connection)
    lost = "Connectivity between IBKR and Trader Workstation has been lost."
    found = "Connectivity between IBKR and Trader Workstation has been restored - data maintained."
    await connection.say(error(1100, lost))
    serving = asyncio.ensure_future(serve_requests(connection))
    await asyncio.wait({serving}, timeout=connection.settings.delay)
    await asyncio.gather(serving, connection.say(error(1102, found)))


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


# ---------------------------------------------------------------------------------------------------------------
# It is not TWS at all


@_mode
async def http(connection: Connection) -> None:
    """Is a web server: 400 Bad Request."""
    await connection.read()
    await connection.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await connection.finish()


@_mode
async def tls_alert(connection: Connection) -> None:
    """Speaks TLS only: a fatal alert, protocol_version (RFC 8446, 6.2)."""
    await connection.read()
    await connection.write(bytes.fromhex("15 0303 0002 02 46"))
    await connection.finish()


@_mode
async def ssh(connection: Connection) -> None:
    """Is an SSH server: speaks first, then closes on what it hears (RFC 4253, 4.2)."""
    await connection.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await connection.read()
    await connection.write(b"Invalid SSH identification string.\r\n")
    await connection.finish()
