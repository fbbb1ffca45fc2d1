"""The ways a stand-in behaves towards one client: each a coroutine, named like its mode, explained by its docstring.

A mode that returns has the connection closed for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ibsniff.standin import messages
from ibsniff.standin.connection import Connection
from ibsniff.standin.requests import Hello

Behaviour = Callable[[Connection], Awaitable[None]]

BYTE_PAUSE = 0.01
"""Seconds between single bytes: enough that a client reads each alone."""

BEHAVIOURS: dict[str, Behaviour] = {}
"""Mode -> what it does with a connection."""


def mode_of(behaviours: dict[str, Behaviour]) -> Callable[[Behaviour], Behaviour]:
    """A decorator that puts a mode into a table, named like its function."""

    def register(behaviour: Behaviour) -> Behaviour:
        behaviours[behaviour.__name__.replace("_", "-")] = behaviour
        return behaviour

    return register


_mode = mode_of(BEHAVIOURS)


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
    """From START_API to ready, if the client id is free."""
    if not await connection.start():
        await refuse_id(connection)
        raise EOFError
    await connection.say(*messages.ready())
    connection.tell("ready")


async def refuse_id(connection: Connection) -> None:
    """Error 326, and the end."""
    text = "Unable to connect as the client id is already in use. Retry with a unique client id."
    await connection.say(messages.error(326, text))
    await connection.finish()


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
async def ask(connection: Connection) -> None:
    """Serves its own machine, and leaves everybody else waiting for a click that never comes."""
    # ib_async 18, ib_insync 529: "Accept incoming connection?" is on its screen; the loopback is always trusted (IBC).
    await (ok if connection.from_here else silent)(connection)


@_mode
async def localhost_only(connection: Connection) -> None:
    """Serves its own machine, and closes on everybody else at once."""
    # IBKR-API-Rust 28, IbcAlpha/IBC 173: it listens on every address all the same.
    await (ok if connection.from_here else close_on_accept)(connection)


@_mode
async def silent(connection: Connection) -> None:
    """Accepts, acknowledges everything, and never says a word; nor does it close when the client does."""
    await connection.ignore()


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
async def close_after_reply(connection: Connection) -> None:
    """Answers the hello and closes."""
    await answered(connection)
    await connection.finish()


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
