"""One client of the stand-in, and the steps of a session that modes are composed of."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable, Collection
from typing import NamedTuple, NoReturn

from ibsniff.ib import errors, names
from ibsniff.standin import messages
from ibsniff.standin.messages import Message, frame
from ibsniff.standin.requests import NO_REQUEST, Hello, Request, is_start, parse_legacy, parse_range, parse_request

MAX_FRAME = 0xFF_FFFF
"""The official clients accept nothing longer; neither does the stand-in."""

FIRST_LEGACY_START_API = 63
"""The first legacy client version that begins its session with START_API (IB's Java client 9.70)."""

MAX_CLIENT_ID_DIGITS = 9
"""Digits of a client id that are read: a 32-bit number has no more. Python itself refuses to read thousands."""

READ_SIZE = 65_536

ONE_DOT = re.compile(rb"v\d+\.\d+")
"""A version range with one dot: TWS resets (github.com/emptist/ib_tws_api). It does not answer other wrong ranges."""

_LINGER = "hh" if os.name == "nt" else "ii"
"""``struct linger`` is two shorts in Winsock, two ints everywhere else."""


class Settings(NamedTuple):
    """What the user of ``simulate`` can choose."""

    server_version: int
    delay: float
    """Seconds that every mode with a delay waits."""


class Connection:
    """One accepted connection. Methods that read raise ``EOFError`` when the client has closed it."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        settings: Settings,
        others: Collection[Connection],
        log: Callable[[str], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._socket = writer.get_extra_info("socket")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a packet for every write
        self.log = log
        self.settings = settings
        self._others = others
        self.client_id: int | None = None
        """The client id of the session, once it has one."""
        self.version = 0
        """The negotiated server version, once it is known."""
        self.legacy: Hello | None = None
        """The hello if it was a legacy one: then nothing is framed."""

    # -- the steps of a session, in order

    async def read_hello(self) -> Hello:
        """Wait for a whole hello. A wrong one gets the answer that TWS is known to give: in most cases none."""
        hello = await self._read_hello()
        if hello is None:
            self.log("not an API hello: not answering")
            await self.stay_silent()
        self.log(f"hello: versions {hello.minimum} to {hello.maximum}{', legacy' if hello.legacy else ''}")
        return hello

    async def send_reply(self, hello: Hello, version: int | None = None) -> None:
        """Answer a hello with ``version``; by default with the highest version that both sides know."""
        self.negotiate(hello, version)
        await self.write(self.encode_reply())

    def negotiate(self, hello: Hello, version: int | None = None) -> None:
        """Choose the version without sending it yet."""
        if hello.legacy:
            self.legacy = hello
            version = version or names.LEGACY_SERVER_VERSION
        self.version = version or min(hello.maximum, self.settings.server_version)
        self.log(f"answering with version {self.version}")

    def encode_reply(self) -> bytes:
        """The bytes of the version reply."""
        text = messages.version_reply(self.version)
        return text if self.legacy else frame(text)

    async def read_start_api(self) -> bool:
        """Wait for START_API in the form of the negotiated version; ignore everything else that comes first.

        Returns whether the client id is free; it is not while another session has it.
        """
        client_id = await (self._legacy_start(self.legacy) if self.legacy else self._framed_start())
        if any(other.client_id == client_id for other in self._others):
            return False
        self.client_id = client_id
        return True

    async def read_requests(self) -> AsyncIterator[Request]:
        """Give the client's requests until it closes the connection. Legacy requests have no borders and are not read."""
        if self.legacy:
            await self.discard_input()
            return
        async for request in self._frames():
            if request is None:
                self.log(f"not in the form of version {self.version}")
                text = "Error reading request. Unable to parse data."
                await self.send(messages.error(errors.REQUEST_NOT_READABLE, text))
                continue
            self.log(request.name)
            yield request

    # -- sending and ending

    async def send(self, *sent: Message) -> None:
        """Send messages in the form of the negotiated version, each in a write (so a packet) of its own."""
        for message in sent:
            payload = message.encode(self.version)
            await self.write(payload if self.legacy else frame(payload))

    async def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def read(self) -> bytes:
        """Wait for bytes of the client; return at least one."""
        data = await self._reader.read(READ_SIZE)
        if not data:
            raise EOFError
        return data

    async def discard_input(self) -> None:
        """Read and drop everything until the client closes the connection."""
        while await self._reader.read(READ_SIZE):
            pass

    async def stay_silent(self) -> NoReturn:
        """Send nothing, and do not close when the client does: a silent TWS stays in CLOSE_WAIT (ib_async 18)."""
        await self.discard_input()
        self.log("the client has closed")
        await asyncio.Event().wait()
        raise EOFError

    async def close(self) -> None:
        """End with FIN. Closing alone would send RST whenever there are unread bytes."""
        self._writer.write_eof()
        self._writer.close()

    def reset(self) -> None:
        """End with RST: a socket that does not linger aborts its connection."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))
        self._writer.transport.abort()

    @property
    def is_from_this_machine(self) -> bool:
        """Whether the client's address is of this machine: TWS accepts such clients without asking the user."""
        peer, own = (self._socket.getpeername()[0], self._socket.getsockname()[0])
        return peer == own or ipaddress.ip_address(peer).is_loopback

    # -- reading

    async def _read_hello(self) -> Hello | None:
        first = await self._reader.readexactly(1)
        if first.isdigit():
            return parse_legacy(first + await self._read_field())
        if first == b"\0":
            self.log("no API prefix: closing")
            await self.close()
            raise EOFError
        if first != b"A" or await self._reader.readexactly(3) != b"PI\0":
            return None
        text = await self._read_frame()
        if ONE_DOT.fullmatch(text):
            self.log("one dot in the version range: resetting")
            self.reset()
            raise EOFError
        return parse_range(text)

    async def _framed_start(self) -> int:
        async for request in self._frames():
            if request is not None and is_start(request, self.version):
                self.log(f"START_API with client id {request.number}")
                return request.number
            name = "bytes" if request is None else request.name
            self.log(f"{name} instead of START_API in the form of version {self.version}: ignored")
        raise EOFError

    async def _legacy_start(self, hello: Hello) -> int:
        # A client below 63 sends its bare id, whatever the server version: npm ib (62) does so to version 76.
        client_id = await self._read_field()
        if client_id == b"71" and hello.maximum >= FIRST_LEGACY_START_API:
            message_version, client_id = await self._read_field(), await self._read_field()
            if message_version == b"2":
                await self._read_field()  # the capabilities
        self.log(f"legacy start with client id {client_id.decode(errors='replace')}")
        return int(client_id) if client_id.isdigit() and len(client_id) <= MAX_CLIENT_ID_DIGITS else NO_REQUEST

    async def _read_field(self) -> bytes:
        return (await self._reader.readuntil(b"\0"))[:-1]

    async def _read_frame(self) -> bytes:
        (length,) = struct.unpack(">I", await self._reader.readexactly(4))
        if length > MAX_FRAME:
            self.log(f"a frame of {length} bytes: waiting for them, as TWS would")
            await self.stay_silent()
        return await self._reader.readexactly(length)

    async def _frames(self) -> AsyncIterator[Request | None]:
        while True:
            if payload := await self._read_frame():  # what TWS does with an empty one is not known
                yield parse_request(payload, self.version)
