"""The server of the stand-in: a listening socket, the connections it has accepted, and ``serve``, which runs them."""

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
from ibsniff.standin import modes
from ibsniff.standin.connection import Connection, Settings
from ibsniff.standin.modes import CONNECTION_MODES, ConnectionMode
from ibsniff.standin.server_modes import SERVER_MODES
from ibsniff.standin.session_modes import SESSION_MODES

DEFAULT_BACKLOG = 5
"""Connections the kernel completes for a process that does not accept them."""

STOP_INTERVAL = 0.05
"""Seconds between checks of ``stop``: an event of another thread cannot be awaited, and on Windows a blocking wait would
delay Ctrl-C."""


class ReadyEvent(Protocol):
    """The type of ``ready``; a ``threading.Event`` fits."""

    def set(self) -> None:
        """Called once, when the socket listens."""


class Server:
    """A listening socket and its connections. Server modes open and close it, and change how it treats connections."""

    def __init__(self, host: str, port: int, settings: Settings, backlog: int, log: Callable[[str], None]) -> None:
        self.settings = settings
        self.log = log
        self.mode: ConnectionMode = modes.ok
        self._host = host
        self.port = port
        self._backlog = backlog
        self._listener: socket.socket | None = None
        self._acceptor: asyncio.Server | None = None
        self.connections: set[Connection] = set()

    def listen(self) -> None:
        """Listen: the kernel completes connections, none is accepted yet. Raises ``UserError`` when that is not possible."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            self._listener = socket.create_server((self._host, self.port), family=family, backlog=self._backlog)
        except OSError as problem:
            raise _listen_error(problem, self._host, self.port) from problem
        self.port = self._listener.getsockname()[1]
        self.log(f"listening on {_show((self._host, self.port))}")

    async def accept(self, mode: ConnectionMode) -> None:
        """Listen if it does not yet, and treat every new connection in this mode from now on."""
        self.mode = mode
        if self._listener is None:
            self.listen()
        if self._acceptor is None:
            self._acceptor = await asyncio.start_server(self._serve_connection, sock=self._listener)

    def close(self) -> None:
        """Stop listening: the port refuses connections."""
        if self._acceptor is not None:
            self._acceptor.close()
        elif self._listener is not None:
            self._listener.close()
        self._listener = self._acceptor = None

    def reset_connections(self) -> None:
        """Reset all connections."""
        for connection in self.connections:
            connection.reset()

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = _show(writer.get_extra_info("peername"))
        connection = Connection(
            reader, writer, self.settings, self.connections, lambda event: self.log(f"{peer} {event}")
        )
        self.connections.add(connection)
        connection.log("connected")
        try:
            await self.mode(connection)
        except (EOFError, OSError, asyncio.LimitOverrunError):
            pass  # the client has closed, or sends an endless field
        finally:
            connection.log("connection ended")
            self.connections.discard(connection)
            writer.close()


MODES: dict[str, str] = {
    name: (inspect.getdoc(mode) or "").partition("\n")[0]
    for name, mode in (CONNECTION_MODES | SESSION_MODES | SERVER_MODES).items()
}
"""Mode -> its description in one line."""


def serve(
    mode: str,
    host: str = "127.0.0.1",
    port: int = 7497,
    *,
    server_version: int = 178,
    delay: float = 3.0,
    backlog: int = DEFAULT_BACKLOG,
    on_event: Callable[[str], None] | None = None,
    ready: ReadyEvent | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Stand in for TWS until ``stop`` is set, or forever.

    ``port`` 0 takes any free port; the first event, ``listening on HOST:PORT``, names it. ``delay`` is in seconds.
    ``on_event`` is called from this thread with one line for everything that happens. Raises ``UserError`` for an unknown
    mode, and when it cannot listen on the port.
    """
    if mode not in MODES:
        meant = " or ".join(get_close_matches(mode, MODES, cutoff=0.7))
        what_to_do = (f"Perhaps you mean {meant}; " if meant else "") + "'ibsniff simulate list' lists all modes"
        raise UserError(f"unknown mode {mode!r}", what_to_do, ExitCode.USAGE)
    server = Server(host, port, Settings(server_version, delay), backlog, on_event or (lambda _: None))
    asyncio.run(_run(server, mode, ready, stop or threading.Event()))


async def _run(server: Server, mode: str, ready: ReadyEvent | None, stop: threading.Event) -> None:
    connection_modes = CONNECTION_MODES | SESSION_MODES
    control = SERVER_MODES.get(mode) or (lambda server: server.accept(connection_modes[mode]))
    server.listen()
    if ready is not None:
        ready.set()
    progress = asyncio.ensure_future(control(server))
    try:
        while not stop.is_set():
            await asyncio.sleep(STOP_INTERVAL)
            if progress.done():
                progress.result()  # a mode that failed ends the run
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
            f"{where} is already in use", "Stop the program that listens there (perhaps TWS), or choose another --port"
        )
    if isinstance(problem, PermissionError):
        return UserError(f"no permission to listen on {where}", "Choose a --port above 1023", ExitCode.PERMISSION)
    why = problem.strerror or str(problem)
    if errno.errorcode.get(problem.errno or 0):  # a name that does not resolve has none
        why = os.strerror(problem.errno or 0)  # asyncio's own text repeats the address
    return UserError(f"cannot listen on {where}: {why}", "Choose a --host of this machine")
