"""A TWS that follows a script, and remembers what went over its connection in which order.

It reads as little of a request as it needs, and not as ibsniff does: an id is told by its size, a word by its form.
"""

from __future__ import annotations

import random
import re
import socket
import struct
import threading

import ib_bytes
from real_clients.forms import encode
from real_clients.script import Asked, Script

from ibsniff.ib import names
from ibsniff.model import Side

LEAST_ID = 1000
"""The plans use no smaller ids, so that an id is told from the fields around it."""
_WORD = re.compile(rb"do-([a-z]+)(?:-(\d+))?\.")


class ScriptedTws:
    """Serves one client on a free port; ``log`` has every chunk in the order in which this machine saw them."""

    def __init__(self, server_version: int, seed: int = 0) -> None:
        self.version = server_version
        self.log: list[tuple[Side, list[bytes]]] = []
        """The frames of one write, or the frames that the client's bytes were split into."""
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._script = Script(server_version, seed)
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def finish(self, patience: float = 30) -> None:
        """Wait until the client has gone."""
        self._thread.join(patience)
        assert not self._thread.is_alive(), "the client did not disconnect"
        if self._failure:
            raise self._failure

    # -- the connection -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._listener.settimeout(30)
            connection, _ = self._listener.accept()
            with self._listener, connection:
                connection.settimeout(60)
                self._serve(connection)
        except Exception as failure:
            self._failure = failure

    def _serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        prefix = stream.read(4)
        (length,) = struct.unpack(">I", size := stream.read(4))
        self.log.append((Side.CLIENT, [prefix + size + stream.read(length)]))
        self._send(connection, [ib_bytes.reply(self.version)])
        while len(size := stream.read(4)) == 4:
            (length,) = struct.unpack(">I", size)
            payload = stream.read(length)
            self.log.append((Side.CLIENT, [size + payload]))
            answers = self._script.react(self._read(payload))
            self._send(connection, [encode(name, self.version, **given) for name, given in answers])

    def _send(self, connection: socket.socket, frames: list[bytes]) -> None:
        """Send frames, several of them in one packet now and then."""
        while frames:
            count = self._random.choice((1, 1, 2, 3))
            now, frames = frames[:count], frames[count:]
            self.log.append((Side.SERVER, now))
            connection.sendall(b"".join(now))

    def _read(self, payload: bytes) -> Asked:
        """Which request this is, by what is unmistakable in it."""
        fields = payload.split(b"\0")
        if self.version < 201:
            number = int(fields.pop(0))
        else:
            number = int.from_bytes(payload[:4], "big")
            fields = payload[4:].split(b"\0")
        word = _WORD.search(payload)
        if number > 200:
            number, found = number - 200, _first_varint(payload[4:])
        else:
            integers = [int(field) for field in fields[:5] if re.fullmatch(rb"\d{1,10}", field)]
            found = next((integer for integer in integers if integer >= LEAST_ID), integers[-1] if integers else 0)
        name = names.CLIENT_MESSAGES[number]
        return Asked(name, found, word[1].decode() if word else "", int(word[2] or 0) if word else 0)


def _first_varint(body: bytes) -> int:
    """The integer in protobuf field 1; 0 when there is none."""
    if not body or body[0] != 1 << 3:
        return 0
    value = 0
    for place, byte in enumerate(body[1:11]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    return value - (1 << 64) if value >> 63 else value
