"""How the stand-in treats one client: each mode is a coroutine with the name of the mode, described by its docstring.

Here are the modes that work, those that fail during the handshake, and those that are not TWS at all. The connection is
closed when a mode returns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ibsniff.ib import errors
from ibsniff.standin import messages
from ibsniff.standin.connection import Connection
from ibsniff.standin.requests import Hello

ConnectionMode = Callable[[Connection], Awaitable[None]]

BYTE_PAUSE = 0.01
"""Seconds between single bytes: enough that a client reads each of them separately."""

CONNECTION_MODES: dict[str, ConnectionMode] = {}
"""Mode -> what it does with a connection."""


def mode_of(modes: dict[str, ConnectionMode]) -> Callable[[ConnectionMode], ConnectionMode]:
    """A decorator that adds a mode to a table, with the name of its function."""

    def register(mode: ConnectionMode) -> ConnectionMode:
        modes[mode.__name__.replace("_", "-")] = mode
        return mode

    return register


_mode = mode_of(CONNECTION_MODES)


# ---------------------------------------------------------------------------------------------------------------
# The parts of which modes are composed


async def answer_hello(connection: Connection) -> None:
    """Read the hello and send the version reply."""
    await connection.send_reply(await connection.read_hello())


async def become_ready(connection: Connection) -> None:
    """Set up a whole session, up to managedAccounts, nextValidId and the notices of the data farms."""
    await answer_hello(connection)
    await start_session(connection)


async def start_session(connection: Connection) -> None:
    """Go on from START_API until the session is ready, if the client id is free."""
    if not await connection.read_start_api():
        await refuse_client_id(connection)
        raise EOFError
    await connection.send(*messages.ready())
    connection.log("ready")


async def refuse_client_id(connection: Connection) -> None:
    """Send error 326 and close."""
    text = "Unable to connect as the client id is already in use. Retry with a unique client id."
    await connection.send(messages.error(errors.CLIENT_ID_IN_USE, text))
    await connection.close()


async def serve_requests(connection: Connection) -> None:
    """Answer requests until the client closes the connection."""
    async for request in connection.read_requests():
        await connection.send(*messages.answers(request))


# ---------------------------------------------------------------------------------------------------------------
# It works


@_mode
async def ok(connection: Connection) -> None:
    """Works like TWS: answers the hello, becomes ready, and serves what clients request when they start."""
    await become_ready(connection)
    await serve_requests(connection)


@_mode
async def slow(connection: Connection) -> None:
    """Works, but answers the hello only after --delay seconds."""
    hello = await connection.read_hello()
    await asyncio.sleep(connection.settings.delay)
    await connection.send_reply(hello)
    await start_session(connection)
    await serve_requests(connection)


@_mode
async def one_byte(connection: Connection) -> None:
    """Works, but sends the version reply one byte at a time."""
    connection.negotiate(await connection.read_hello())
    for byte in connection.encode_reply():
        await connection.write(bytes([byte]))
        await asyncio.sleep(BYTE_PAUSE)
    await start_session(connection)
    await serve_requests(connection)


@_mode
async def legacy(connection: Connection) -> None:
    """Speaks only the old unframed protocol (version 76), which new clients do not understand."""
    hello = await connection.read_hello()
    await connection.send_reply(Hello(hello.minimum, hello.maximum, legacy=True))
    await start_session(connection)
    await serve_requests(connection)


# ---------------------------------------------------------------------------------------------------------------
# It is silent, closes or resets


@_mode
async def ask(connection: Connection) -> None:
    """Serves clients on its own machine; leaves all others waiting for a click on a dialog that never comes."""
    # ib_async 18, ib_insync 529: "Accept incoming connection?" is on its screen; the loopback is always trusted (IBC).
    await (ok if connection.is_from_this_machine else silent)(connection)


@_mode
async def localhost_only(connection: Connection) -> None:
    """Serves clients on its own machine, and closes the connections of all others at once."""
    # IBKR-API-Rust 28, IbcAlpha/IBC 173: it listens on every address all the same.
    await (ok if connection.is_from_this_machine else close_on_accept)(connection)


@_mode
async def silent(connection: Connection) -> None:
    """Accepts the connection and never sends a byte; does not close when the client does."""
    await connection.stay_silent()


@_mode
async def close_on_accept(connection: Connection) -> None:
    """Closes (FIN) as soon as it has accepted the connection."""
    await connection.close()


@_mode
async def reset_on_accept(connection: Connection) -> None:
    """Resets (RST) as soon as it has accepted the connection."""
    connection.reset()


@_mode
async def close_after_hello(connection: Connection) -> None:
    """Closes (FIN) when it has received the hello."""
    await connection.read_hello()
    await connection.close()


@_mode
async def reset_after_hello(connection: Connection) -> None:
    """Resets (RST) when it has received the hello."""
    await connection.read_hello()
    connection.reset()


@_mode
async def close_after_reply(connection: Connection) -> None:
    """Answers the hello, then closes (FIN)."""
    await answer_hello(connection)
    await connection.close()


@_mode
async def close_after_start(connection: Connection) -> None:
    """Answers the hello, then closes (FIN) when START_API comes."""
    await answer_hello(connection)
    await connection.read_start_api()
    await connection.close()


@_mode
async def reset_after_start(connection: Connection) -> None:
    """Answers the hello, then resets (RST) when START_API comes."""
    await answer_hello(connection)
    await connection.read_start_api()
    connection.reset()


@_mode
async def half_reply(connection: Connection) -> None:
    """Sends half of the version reply, then nothing more."""
    connection.negotiate(await connection.read_hello())
    reply = connection.encode_reply()
    await connection.write(reply[: len(reply) // 2])
    await connection.discard_input()


# ---------------------------------------------------------------------------------------------------------------
# It is not TWS at all


@_mode
async def http(connection: Connection) -> None:
    """Is a web server: answers 400 Bad Request."""
    await connection.read()
    await connection.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await connection.close()


@_mode
async def tls_alert(connection: Connection) -> None:
    """Is a TLS server: answers with the fatal alert protocol_version (RFC 8446, 6.2)."""
    await connection.read()
    await connection.write(bytes.fromhex("15 0303 0002 02 46"))
    await connection.close()


@_mode
async def ssh(connection: Connection) -> None:
    """Is an SSH server: sends its identification first, then closes on what it receives (RFC 4253, 4.2)."""
    await connection.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await connection.read()
    await connection.write(b"Invalid SSH identification string.\r\n")
    await connection.close()
