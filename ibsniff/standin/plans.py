"""Modes that are not about one connection but about the whole process: each a coroutine that drives the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ibsniff.standin import modes
from ibsniff.standin.connection import Connection
from ibsniff.standin.messages import error
from ibsniff.standin.requests import Hello

if TYPE_CHECKING:
    from ibsniff.standin.server import Server

Plan = Callable[["Server"], Awaitable[None]]


async def never_accept(_server: Server) -> None:
    """Listens and never accepts: the kernel acknowledges the hello, and a full backlog answers no call."""


async def one_at_a_time(server: Server) -> None:
    """Behaves, but hears one hello after the other: who connects and says nothing holds everybody up."""
    # TWS's log names one thread, JTS-SocketListener, that reads the beginning of every connection (ib-ruby).
    turn = asyncio.Lock()

    async def in_turn(connection: Connection) -> None:
        async with turn:
            hello = await connection.hello()
        await _serve(connection, hello)

    await server.accept(in_turn)


async def wedge(server: Server) -> None:
    """Behaves until a client leaves without a proper hello; then hears nobody any more, and closes nothing."""
    # gnzsnz/ib-gateway-docker 336, nautilus_trader 4796: CLOSE_WAIT piles up until it is restarted.
    listener = asyncio.Lock()

    async def until_hung(connection: Connection) -> None:
        await listener.acquire()
        try:
            hello = await connection.hello()
        except EOFError:
            await connection.ignore()
        listener.release()
        await _serve(connection, hello)

    await server.accept(until_hung)


async def restart(server: Server) -> None:
    """Behaves; --delay seconds after the first session is ready, resets it, refuses, is silent, and behaves again."""
    await _after_the_first_session(server)
    server.close()
    server.reset_connections()
    server.tell("down: the port refuses")
    await asyncio.sleep(server.settings.delay)
    await server.accept(modes.silent)
    server.tell("starting: silent")
    await asyncio.sleep(server.settings.delay)
    await server.accept(modes.ok)
    server.tell("up again")


async def port_changed(server: Server) -> None:
    """Behaves; --delay seconds after the first session is ready, its port is changed: drops everyone (1300)."""
    await _after_the_first_session(server)
    server.close()
    text = f"TWS socket port has been reset and this connection is being dropped. Please reconnect on the new port - {server.port + 1}"
    for connection in list(server.connections):
        await connection.say(error(1300, text))
        await connection.finish()


async def _after_the_first_session(server: Server) -> None:
    ready = asyncio.Event()

    async def first_session(connection: Connection) -> None:
        await modes.become_ready(connection)
        ready.set()
        await modes.serve_requests(connection)

    await server.accept(first_session)
    await ready.wait()
    await asyncio.sleep(server.settings.delay)


async def _serve(connection: Connection, hello: Hello) -> None:
    await connection.answer(hello)
    await modes.start(connection)
    await modes.serve_requests(connection)


PLANS: dict[str, Plan] = {
    plan.__name__.replace("_", "-"): plan for plan in (never_accept, one_at_a_time, wedge, restart, port_changed)
}
"""Mode -> what drives the server."""
