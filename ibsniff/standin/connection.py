"""One client at the stand-in's door, and the steps of a session that modes are composed of."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable, Collection
from typing import NamedTuple, NoReturn

from ibsniff.ib import names
from ibsniff.standin import messages
from ibsniff.standin.messages import Message, frame
from ibsniff.standin.requests import NO_REQUEST, Hello, Request, is_start, parse_legacy, parse_range, parse_request

LONGEST_FRAME = 0xFF_FFFF
"""The official clients take nothing longer; nor do we."""

FIRST_LEGACY_START_API = 63
"""The first legacy client version that introduces itself with START_API (IB's Java client 9.70)."""

MOST_DIGITS = 9
"""Of a client id: those of a 32-bit number, whatever they are. Python itself refuses to read thousands."""

READ_SIZE = 65_536

ONE_DOT = re.compile(rb"v\d+\.\d+")
"""A version range with one dot: TWS resets (github.com/emptist/ib_tws_api). Other broken ones are met with silence."""

_LINGER = "hh" if os.name == "nt" else "ii"
"""``struct linger`` is two shorts in Winsock, two ints everywhere else."""


class Settings(NamedTuple):
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
        others: Collection[Connection],
        tell: Callable[[str], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._socket = writer.get_extra_info("socket")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a packet for every write
        self.tell = tell
        self.settings = settings
        self._others = others
        self.client_id: int | None = None
        """Whose session it is, once it has one."""
        self.version = 0
        """The negotiated server version, once answered."""
        self.legacy: Hello | None = None
        """The hello, when it was a legacy one: nothing is framed then."""

    # -- the steps of a session, in order

    async def hello(self) -> Hello:
        """Wait for a whole hello. One that TWS would not understand is met as TWS has been seen to: mostly with silence."""
        hello = await self._read_hello()
        if hello is None:
            self.tell("not an API hello: saying nothing")
            await self.ignore()
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

    async def start(self) -> bool:
        """Wait for START_API in the form of the negotiated version; whatever else comes first is ignored.

        Whether the client may have its id: another session may.
        """
        client_id = await (self._legacy_start(self.legacy) if self.legacy else self._framed_start())
        if any(other.client_id == client_id for other in self._others):
            return False
        self.client_id = client_id
        return True

    async def requests(self) -> AsyncIterator[Request]:
        """What the client asks, until it goes. Legacy requests have no borders and are not read."""
        if self.legacy:
            await self.drain()
            return
        async for request in self._frames():
            if request is None:
                self.tell(f"not in the form of version {self.version}")
                await self.say(messages.error(320, "Error reading request. Unable to parse data."))
                continue
            self.tell(request.name)
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

    async def ignore(self) -> NoReturn:
        """Say nothing, and do not close when the client does: a TWS that is silent stays in CLOSE_WAIT (ib_async 18)."""
        await self.drain()
        self.tell("the client has gone")
        await asyncio.Event().wait()
        raise EOFError

    async def finish(self) -> None:
        """End with FIN. Closing alone would send RST whenever bytes lie unread."""
        self._writer.write_eof()
        self._writer.close()

    def reset(self) -> None:
        """End with RST: a socket that does not linger throws its connection away."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))
        self._writer.transport.abort()

    @property
    def from_here(self) -> bool:
        """The client is on this machine, by its address: TWS asks nobody whether to let it in."""
        peer, own = (self._socket.getpeername()[0], self._socket.getsockname()[0])
        return peer == own or ipaddress.ip_address(peer).is_loopback

    # -- reading

    async def _read_hello(self) -> Hello | None:
        first = await self._reader.readexactly(1)
        if first.isdigit():
            return parse_legacy(first + await self._read_field())
        if first == b"\0":
            self.tell("no API prefix: closing")
            await self.finish()
            raise EOFError
        if first != b"A" or await self._reader.readexactly(3) != b"PI\0":
            return None
        text = await self._read_frame()
        if ONE_DOT.fullmatch(text):
            self.tell("one dot in the version range: resetting")
            self.reset()
            raise EOFError
        return parse_range(text)

    async def _framed_start(self) -> int:
        async for request in self._frames():
            if request is not None and is_start(request, self.version):
                self.tell(f"START_API with client id {request.number}")
                return request.number
            name = "bytes" if request is None else request.name
            self.tell(f"{name} instead of START_API in the form of version {self.version}: ignored")
        raise EOFError

    async def _legacy_start(self, hello: Hello) -> int:
        # A client below 63 sends its bare id, whatever the server version: npm ib (62) does so to version 76.
        client_id = await self._read_field()
        if client_id == b"71" and hello.maximum >= FIRST_LEGACY_START_API:
            message_version, client_id = await self._read_field(), await self._read_field()
            if message_version == b"2":
                await self._read_field()  # the capabilities
        self.tell(f"legacy start with client id {client_id.decode(errors='replace')}")
        return int(client_id) if client_id.isdigit() and len(client_id) <= MOST_DIGITS else NO_REQUEST

    async def _read_field(self) -> bytes:
        return (await self._reader.readuntil(b"\0"))[:-1]

    async def _read_frame(self) -> bytes:
        (length,) = struct.unpack(">I", await self._reader.readexactly(4))
        if length > LONGEST_FRAME:
            self.tell(f"a frame of {length} bytes: waiting for them like TWS would")
            await self.ignore()
        return await self._reader.readexactly(length)

    async def _frames(self) -> AsyncIterator[Request | None]:
        while True:
            if payload := await self._read_frame():  # what TWS does with an empty one is not known
                yield parse_request(payload, self.version)
