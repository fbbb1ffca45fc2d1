"""One client at the stand-in's door, and the steps of a session that modes are composed of."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from ibsniff.ib import names
from ibsniff.standin import messages
from ibsniff.standin.messages import Message, frame
from ibsniff.standin.requests import Hello, Request, is_start, parse_legacy, parse_range, parse_request

LONGEST_FRAME = 0xFF_FFFF
"""The official clients take nothing longer; nor do we."""

FIRST_LEGACY_START_API = 63
"""The first legacy client version that introduces itself with START_API (IB's Java client 9.70)."""

READ_SIZE = 65_536

_LINGER = "hh" if os.name == "nt" else "ii"
"""``struct linger`` is two shorts in Winsock, two ints everywhere else."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``simulate`` lets the user choose."""

    server_version: int
    delay: float
    """Seconds; every mode that waits waits this long."""


class Connection:
    """One accepted connection. Methods that read raise ``EOFError`` when the client has gone."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        settings: Settings,
        tell: Callable[[str], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._socket = writer.get_extra_info("socket")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a packet for every write
        self.tell = tell
        self.settings = settings
        self.version = 0
        """The negotiated server version, once answered."""
        self.legacy: Hello | None = None
        """The hello, when it was a legacy one: nothing is framed then."""

    # -- the steps of a session, in order

    async def hello(self) -> Hello:
        """Wait for a whole hello. One that TWS would not understand is met with silence, for ever."""
        hello = await self._read_hello()
        if hello is None:
            self.tell("not an API hello: saying nothing")
            await self.drain()
            raise EOFError
        self.tell(f"hello: versions {hello.minimum} to {hello.maximum}{', legacy' if hello.legacy else ''}")
        return hello

    async def answer(self, hello: Hello, version: int | None = None) -> None:
        """Answer a hello with ``version``, by default with what the two sides have in common."""
        self.accept(hello, version)
        await self.write(self.reply())

    def accept(self, hello: Hello, version: int | None = None) -> None:
        """Settle the version without saying so yet."""
        if hello.legacy:
            self.legacy = hello
            version = version or names.LEGACY_SERVER_VERSION
        self.version = version or min(hello.maximum, self.settings.server_version)
        self.tell(f"answering with version {self.version}")

    def reply(self) -> bytes:
        """The version reply for the version settled."""
        text = messages.version_reply(self.version)
        return text if self.legacy else frame(text)

    async def start(self) -> None:
        """Wait for START_API in the form of the negotiated version; whatever else comes first is ignored."""
        if self.legacy:
            await self._legacy_start(self.legacy)
            return
        async for request in self._frames():
            if request is not None and is_start(request, self.version):
                self.tell(f"START_API with client id {request.number}")
                return
            name = "bytes" if request is None else request.name
            self.tell(f"{name} instead of START_API in the form of version {self.version}: ignored")

    async def requests(self) -> AsyncIterator[Request]:
        """What the client asks, until it goes. Legacy requests have no borders and are not read."""
        if self.legacy:
            await self.drain()
            return
        async for request in self._frames():
            self.tell(f"not in the form of version {self.version}: ignored" if request is None else request.name)
            if request is not None:
                yield request

    # -- saying and ending

    async def say(self, *said: Message) -> None:
        """Send messages in the form of the negotiated version, each in a write (so a packet) of its own."""
        for message in said:
            payload = message.encode(self.version)
            await self.write(payload if self.legacy else frame(payload))

    async def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def read(self) -> bytes:
        """Whatever the client has sent; at least a byte."""
        data = await self._reader.read(READ_SIZE)
        if not data:
            raise EOFError
        return data

    async def drain(self) -> None:
        """Read and forget until the client goes."""
        while await self._reader.read(READ_SIZE):
            pass

    async def finish(self) -> None:
        """End with FIN. Closing alone would send RST whenever bytes lie unread."""
        self._writer.write_eof()
        self._writer.close()

    def reset(self) -> None:
        """End with RST: a socket that does not linger throws its connection away."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))
        self._writer.transport.abort()

    # -- reading

    async def _read_hello(self) -> Hello | None:
        first = await self._reader.readexactly(1)
        if first.isdigit():
            return parse_legacy(first + await self._read_field())
        if first != b"A" or await self._reader.readexactly(3) != b"PI\0":
            return None
        return parse_range(await self._read_frame())

    async def _legacy_start(self, hello: Hello) -> None:
        # A client below 63 sends its bare id, whatever the server version: npm ib (62) does so to version 76.
        client_id = await self._read_field()
        if client_id == b"71" and hello.maximum >= FIRST_LEGACY_START_API:
            message_version, client_id = await self._read_field(), await self._read_field()
            if message_version == b"2":
                await self._read_field()  # the capabilities
        self.tell(f"legacy start with client id {client_id.decode(errors='replace')}")

    async def _read_field(self) -> bytes:
        return (await self._reader.readuntil(b"\0"))[:-1]

    async def _read_frame(self) -> bytes:
        (length,) = struct.unpack(">I", await self._reader.readexactly(4))
        if length > LONGEST_FRAME:
            self.tell(f"a frame of {length} bytes: waiting for them like TWS would")
            await self.drain()
            raise EOFError
        return await self._reader.readexactly(length)

    async def _frames(self) -> AsyncIterator[Request | None]:
        while True:
            yield parse_request(await self._read_frame(), self.version)
