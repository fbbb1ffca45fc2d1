"""Modes that concern the whole server and not one connection: each is a coroutine that controls the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ibsniff.ib import errors
from ibsniff.standin import modes
from ibsniff.standin.connection import Connection
from ibsniff.standin.messages import error
from ibsniff.standin.requests import Hello

if TYPE_CHECKING:
    from ibsniff.standin.server import Server

ServerMode = Callable[["Server"], Awaitable[None]]


async def never_accept(_server: Server) -> None:
    """Listens but never accepts: the kernel acknowledges the hello, and SYNs get no answer when the backlog is full."""


async def one_at_a_time(server: Server) -> None:
    """Works, but reads one hello after the other: a client that connects and sends nothing blocks all others."""
    # TWS's log names one thread, JTS-SocketListener, that reads the beginning of every connection (ib-ruby).
    reading = asyncio.Lock()

    async def in_turn(connection: Connection) -> None:
        async with reading:
            hello = await connection.read_hello()
        await _serve(connection, hello)

    await server.accept(in_turn)


async def wedge(server: Server) -> None:
    """Works until a client closes without a valid hello; then answers nobody any more, and closes nothing."""
    # gnzsnz/ib-gateway-docker 336, nautilus_trader 4796: CLOSE_WAIT piles up until it is restarted.
    reading = asyncio.Lock()

    async def until_stuck(connection: Connection) -> None:
        await reading.acquire()
        try:
            hello = await connection.read_hello()
        except EOFError:
            await connection.stay_silent()
        reading.release()
        await _serve(connection, hello)

    await server.accept(until_stuck)


async def restart(server: Server) -> None:
    """Works; --delay seconds after the first session is ready, resets it, refuses, is silent, and works again."""
    await _serve_first_session(server)
    server.close()
    server.reset_connections()
    server.log("down: the port refuses connections")
    await asyncio.sleep(server.settings.delay)
    await server.accept(modes.silent)
    server.log("starting: silent")
    await asyncio.sleep(server.settings.delay)
    await server.accept(modes.ok)
    server.log("up again")


async def port_changed(server: Server) -> None:
    """Works; --delay seconds after the first session is ready, its port is changed: it closes everything (1300)."""
    await _serve_first_session(server)
    server.close()
    text = (
        "TWS socket port has been reset and this connection is being dropped. "
        f"Please reconnect on the new port - {server.port + 1}"
    )
    for connection in list(server.connections):
        await connection.send(error(errors.API_PORT_CHANGED, text))
        await connection.close()


async def _serve_first_session(server: Server) -> None:
    """Serve clients until ``delay`` seconds after the first session became ready."""
    ready = asyncio.Event()

    async def first_session(connection: Connection) -> None:
        await modes.become_ready(connection)
        ready.set()
        await modes.serve_requests(connection)

    await server.accept(first_session)
    await ready.wait()
    await asyncio.sleep(server.settings.delay)


async def _serve(connection: Connection, hello: Hello) -> None:
    await connection.send_reply(hello)
    await modes.start_session(connection)
    await modes.serve_requests(connection)


SERVER_MODES: dict[str, ServerMode] = {
    mode.__name__.replace("_", "-"): mode for mode in (never_accept, one_at_a_time, wedge, restart, port_changed)
}
"""Mode -> what controls the server."""
