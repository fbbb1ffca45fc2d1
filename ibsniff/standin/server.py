"""The stand-in as a process: a listening socket, the connections it has accepted, and how both come and go."""

from __future__ import annotations

import asyncio
import errno
import inspect
import os
import socket
import threading
from collections.abc import Callable
from difflib import get_close_matches
from typing import Protocol

from ibsniff.model import ExitCode, UserError
from ibsniff.standin import modes, troubles
from ibsniff.standin.connection import Connection, Settings
from ibsniff.standin.modes import Behaviour
from ibsniff.standin.plans import PLANS

DEFAULT_BACKLOG = 5
"""Connections the kernel completes for a process that does not accept them."""

STOP_INTERVAL = 0.05
"""Seconds between looks at ``stop``: an event of another thread cannot be awaited, and on Windows a blocked wait
would hold back Ctrl-C."""


class Signal(Protocol):
    """What ``ready`` must offer; a ``threading.Event`` does."""

    def set(self) -> None:
        """Called once, when the socket listens."""


class Server:
    """A listening socket and its connections. Plans open and close it and change how it behaves."""

    def __init__(self, host: str, port: int, settings: Settings, backlog: int, tell: Callable[[str], None]) -> None:
        self.settings = settings
        self.tell = tell
        self.behaviour: Behaviour = modes.ok
        self._host = host
        self.port = port
        self._backlog = backlog
        self._listener: socket.socket | None = None
        self._acceptor: asyncio.Server | None = None
        self.connections: set[Connection] = set()

    def listen(self) -> None:
        """Let the kernel complete connections; accept none. Raises ``UserError`` when the port cannot be had."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            self._listener = socket.create_server((self._host, self.port), family=family, backlog=self._backlog)
        except OSError as problem:
            raise _listen_error(problem, self._host, self.port) from problem
        self.port = self._listener.getsockname()[1]
        self.tell(f"listening on {_show((self._host, self.port))}")

    async def accept(self, behaviour: Behaviour) -> None:
        """Listen, unless it does, and treat every new connection like this from now on."""
        self.behaviour = behaviour
        if self._listener is None:
            self.listen()
        if self._acceptor is None:
            self._acceptor = await asyncio.start_server(self._converse, sock=self._listener)

    def close(self) -> None:
        """Stop listening: the port refuses."""
        if self._acceptor is not None:
            self._acceptor.close()
        elif self._listener is not None:
            self._listener.close()
        self._listener = self._acceptor = None

    def reset_connections(self) -> None:
        """RST to everyone."""
        for connection in self.connections:
            connection.reset()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = _show(writer.get_extra_info("peername"))
        connection = Connection(
            reader, writer, self.settings, self.connections, lambda event: self.tell(f"{peer} {event}")
        )
        self.connections.add(connection)
        connection.tell("connected")
        try:
            await self.behaviour(connection)
        except (EOFError, OSError, asyncio.LimitOverrunError):
            pass  # the client has gone, or talks nonsense without end
        finally:
            connection.tell("over")
            self.connections.discard(connection)
            writer.close()


BEHAVIOURS = modes.BEHAVIOURS | troubles.BEHAVIOURS

MODES: dict[str, str] = {
    name: (inspect.getdoc(what) or "").partition("\n")[0] for name, what in (BEHAVIOURS | PLANS).items()
}
"""Mode -> what it does, in one line."""


def serve(
    mode: str,
    host: str = "127.0.0.1",
    port: int = 7497,
    *,
    server_version: int = 178,
    delay: float = 3.0,
    backlog: int = DEFAULT_BACKLOG,
    on_event: Callable[[str], None] | None = None,
    ready: Signal | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Stand in for TWS until ``stop`` is set, or for ever.

    ``port`` 0 takes any free one; the first event, ``listening on HOST:PORT``, says which. ``delay`` is in seconds.
    ``on_event`` hears what happens, one line at a time, from this thread. Raises ``UserError`` for an unknown mode
    and when the port cannot be had.
    """
    if mode not in MODES:
        meant = " or ".join(get_close_matches(mode, MODES, cutoff=0.7))
        what_to_do = (f"Perhaps {meant}; " if meant else "") + "'ibsniff simulate list' says what there is"
        raise UserError(f"unknown mode {mode!r}", what_to_do, ExitCode.USAGE)
    server = Server(host, port, Settings(server_version, delay), backlog, on_event or (lambda _: None))
    asyncio.run(_run(server, mode, ready, stop or threading.Event()))


async def _run(server: Server, mode: str, ready: Signal | None, stop: threading.Event) -> None:
    plan = PLANS.get(mode) or (lambda server: server.accept(BEHAVIOURS[mode]))
    server.listen()
    if ready is not None:
        ready.set()
    progress = asyncio.ensure_future(plan(server))
    try:
        while not stop.is_set():
            await asyncio.sleep(STOP_INTERVAL)
            if progress.done():
                progress.result()  # a plan that failed ends the run
    finally:
        progress.cancel()
        server.close()


def _show(address: tuple[str, int]) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listen_error(problem: OSError, host: str, port: int) -> UserError:
    where = _show((host, port))
    if problem.errno == errno.EADDRINUSE:
        return UserError(
            f"{where} is already in use", "Stop what listens there (perhaps TWS), or choose another --port"
        )
    if isinstance(problem, PermissionError):
        return UserError(f"no permission to listen on {where}", "Choose a --port above 1023", ExitCode.PERMISSION)
    why = problem.strerror or str(problem)
    if errno.errorcode.get(problem.errno or 0):  # none of a name that does not resolve
        why = os.strerror(problem.errno or 0)  # asyncio's own text says the address again
    return UserError(f"cannot listen on {where}: {why}", "Choose a --host of this machine")
