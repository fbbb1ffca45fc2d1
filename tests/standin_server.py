"""The stand-in in a thread, and a client made of a bare socket, for tests over loopback."""

from __future__ import annotations

import queue
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ibsniff import standin

PATIENCE = 20.0
"""Seconds after which a test gives up; reached only by a failing one."""

HELLO = b"API\0\0\0\0\x09v100..225"


@dataclass
class Running:
    port: int = 0
    events: queue.Queue[str] = field(default_factory=queue.Queue)
    events_seen: list[str] = field(default_factory=list)

    def wait_for(self, pattern: str) -> str:
        """The next event in which the pattern is found."""
        while True:
            event = self.events.get(timeout=PATIENCE)
            self.events_seen.append(event)
            if re.search(pattern, event):
                return event


@contextmanager
def running(mode: str, *, witness: Callable[[str], None] | None = None, **options: Any) -> Iterator[Running]:
    """``standin.serve`` on a free port of 127.0.0.1; stopped and joined at the end, its failure raised.

    ``witness`` is called with each event in the stand-in's own thread, which waits for it.
    """
    server, stop, failures = Running(), threading.Event(), []

    def on_event(event: str) -> None:
        if witness is not None:
            witness(event)
        server.events.put(event)

    def run() -> None:
        try:
            standin.serve(mode, **{"port": 0, **options}, on_event=on_event, stop=stop)
        except BaseException as failure:
            failures.append(failure)
            server.events.put(f"failed: {failure}")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        event = server.wait_for("^listening on|^failed")
        if not failures:
            server.port = int(event.rpartition(":")[2])
            yield server
    finally:
        stop.set()
        thread.join(PATIENCE)
    if failures:
        raise failures[0]
    assert not thread.is_alive()


class Caller:
    """A client socket that keeps received bytes until they are taken."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), timeout=PATIENCE)
        self.buffer = b""

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def frame(self, payload: bytes) -> None:
        self.send(struct.pack(">I", len(payload)) + payload)

    def take(self, length: int) -> bytes:
        while len(self.buffer) < length:
            data = self.socket.recv(65536)
            assert data, f"the stand-in closed after {self.buffer!r}"
            self.buffer += data
        taken, self.buffer = self.buffer[:length], self.buffer[length:]
        return taken

    def take_frame(self) -> bytes:
        (length,) = struct.unpack(">I", self.take(4))
        return self.take(length)

    def greet(self, hello: bytes = HELLO) -> list[bytes]:
        """Send the hello; return the fields of the framed reply."""
        self.send(hello)
        return self.take_frame().split(b"\0")[:-1]

    def rest(self) -> bytes:
        """Everything until the stand-in closes with FIN; ``ConnectionResetError`` when it resets."""
        while data := self.socket.recv(65536):
            self.buffer += data
        return self.buffer

    def is_ignored(self, server: Running) -> bool:
        """Close this side first: the stand-in has read everything, sent nothing, and does not close its side."""
        self.socket.shutdown(socket.SHUT_WR)
        server.wait_for("the client has closed")
        self.socket.setblocking(False)
        try:
            self.socket.recv(1)
        except BlockingIOError:
            return True
        return False

    def rest_after_closing(self) -> bytes:
        """Close this side first: everything sent by a stand-in that would otherwise wait forever."""
        self.socket.shutdown(socket.SHUT_WR)
        return self.rest()
