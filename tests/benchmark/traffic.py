"""The benchmark's captures: deterministic, as like the real thing as a generator gets, and counted while they are made.

* ``bulk``: a few long sessions on loopback that stream ticks. Several messages a segment; writes of the server that are
  flushed in the middle of a message, so that the next segment begins with its rest; client ACKs for about every second
  segment; requests now and then; of some thousand segments one is repeated and one overtaken by its successor.
* ``haystack``: what ``tcpdump -i any`` without a filter brings home: HTTPS, QUIC, DNS, ARP of thousands of flows, and one
  packet in a hundred is of an API session. The strangers' packets come from a pool and repeat; only their times differ.
* ``sessions``: short conversations, every other one with a TWS that stays silent.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import Struct

from frames import ACK, FIN, ONES, PUSH, SYN, Direction, Host, remainder
from ib_bytes import HELLO, READY, REPLY, START, error, text

SERVER_VERSION = 178
SERVER_BUFFER = 8_192
"""What Java's BufferedOutputStream holds: a longer burst leaves in pieces, cut wherever that falls."""
ONE_IN_HAYSTACK = 100

_LOOPBACK = bytes(6)
_MACS = bytes.fromhex("001122334455"), bytes.fromhex("0200c0a80102")
_ipv4 = Struct("!BBHHHBBH4s4s").pack
_udp = Struct("!HHHH").pack
_tcp = Struct("!HHIIBBHHH").pack


@dataclass
class Made:
    """What was generated so far."""

    packets: int = 0
    conversations: int = 0
    messages: int = 0
    """Framed messages the server sent."""

    def counted(self, frames: Iterator[bytes]) -> Iterator[bytes]:
        """The same frames, each counted as it goes by."""
        for frame in frames:
            self.packets += 1
            yield frame


class Session:
    """Both ends of one API connection; each method gives frames."""

    def __init__(self, number: int, made: Made, *, loopback: bool) -> None:
        client_port = 20_000 + number % 40_000
        client_ip = b"\x7f\0\0\1" if loopback else bytes((192, 168, 1 + number // 40_000, 10))
        server_ip = b"\x7f\0\0\1" if loopback else bytes((192, 168, 1, 2))
        macs = (_LOOPBACK, _LOOPBACK) if loopback else _MACS
        client, server = Host(macs[0], client_ip, client_port), Host(macs[1], server_ip, 7497)
        self._up = Direction(client, server, 1_000_000 + number * 7_919, computes_checksums=False)
        self._down = Direction(server, client, 2**32 - 1_000 - number, computes_checksums=not loopback)
        self._made = made
        self._now = 0
        made.conversations += 1

    def client(self, payload: bytes = b"", flags: int = ACK) -> bytes:
        """The client's next packet."""
        self._now += 1
        return self._up.send(
            flags | PUSH if payload else flags, self._down.seq if flags & ACK else 0, self._now, payload
        )

    def server(self, payload: bytes = b"", flags: int = ACK) -> bytes:
        """The server's next packet."""
        self._now += 1
        return self._down.send(flags | PUSH if payload else flags, self._up.seq, self._now, payload)

    def connect(self) -> Iterator[bytes]:
        """The handshake of TCP and the client's hello."""
        yield self.client(flags=SYN)
        yield self.server(flags=SYN | ACK)
        yield self.client()
        yield self.client(HELLO)
        yield self.server()

    def begin(self) -> Iterator[bytes]:
        """The rest of what makes a session ready."""
        yield self.server(REPLY)
        yield self.client(START)
        yield self.server(READY)
        self._made.messages += 3
        yield self.client()

    def end(self) -> Iterator[bytes]:
        """The client hangs up."""
        yield self.client(flags=FIN | ACK)
        yield self.server(flags=FIN | ACK)
        yield self.client()


class Feed:
    """The server's side of a session that streams: bursts of messages, cut into segments as its buffer is flushed."""

    def __init__(self, session: Session, choice: random.Random, made: Made) -> None:
        self._session = session
        self._choice = choice
        self._made = made
        self._rest = b""
        """Of a message whose beginning was sent."""
        self._late: bytes | None = None
        """A frame that its successor overtakes."""

    def burst(self) -> Iterator[bytes]:
        """What one moment brings."""
        draw = self._choice.random
        size = 300 if draw() < 0.001 else self._choice.choice((1, 1, 2, 3, 4, 6))
        data = self._rest + b"".join(self._choice.choices(_TICKS, k=size))
        self._made.messages += size
        self._rest = b""
        if draw() < 0.03:
            cut = len(data) - self._choice.randrange(1, 12)
            data, self._rest = data[:cut], data[cut:]
        for start in range(0, len(data), SERVER_BUFFER):
            yield from self._in_some_order(self._session.server(data[start : start + SERVER_BUFFER]))
        if draw() < 0.45:
            yield self._session.client(_REQUEST if draw() < 0.005 else b"")

    def finish(self) -> Iterator[bytes]:
        """What is still owed."""
        if self._rest:
            yield self._session.server(self._rest)
        if self._late:
            yield self._late

    def _in_some_order(self, frame: bytes) -> Iterator[bytes]:
        odd = self._choice.random()
        late, self._late = self._late, None
        if late is None and odd < 0.0002:
            self._late = frame
            return
        yield frame
        if late is not None:
            yield late
        elif odd > 0.9998:
            yield frame


def bulk(made: Made, messages: int | None = None, conversations: int = 3, *, loopback: bool = True) -> Iterator[bytes]:
    """Long sessions that stream about this many messages, or without end."""
    choice = random.Random(f"bulk {conversations}")
    opened = [Session(number, made, loopback=loopback) for number in range(conversations)]
    for session in opened:
        yield from session.connect()
        yield from session.begin()
    feeds = [Feed(session, choice, made) for session in opened]
    while messages is None or made.messages < messages:
        yield from choice.choice(feeds).burst()
    for feed in feeds:
        yield from feed.finish()


def haystack(made: Made, packets: int) -> Iterator[bytes]:
    """Everything a busy machine sends and receives; one packet in a hundred is of the API."""
    needles = bulk(made, loopback=False)
    strangers = _strangers(random.Random("haystack"))
    for number in range(packets):
        yield next(needles) if number % ONE_IN_HAYSTACK == 0 else strangers[number * 7 % len(strangers)]


def sessions(made: Made, conversations: int) -> Iterator[bytes]:
    """Short conversations one after another, ten packets each on average; the first one works, the next is silent."""
    for number in range(conversations):
        session = Session(number, made, loopback=False)
        yield from session.connect()
        if number % 2 == 0:
            yield from session.begin()
        yield from session.end()


def _ticks() -> list[bytes]:
    """Messages by the thousand, as server version 178 frames them: prices, sizes, strings; a notice now and then."""
    choice = random.Random("ticks")
    made: list[bytes] = []
    for number in range(1_000):
        request, price = number % 50, round(100 + choice.gauss(0, 5), 2)
        made.append(text(SERVER_VERSION, 1, 6, request, choice.choice((1, 2, 4)), price, choice.randrange(900), 0))
        made.append(text(SERVER_VERSION, 2, 6, request, choice.choice((0, 3, 5)), choice.randrange(900)))
        if number % 4 == 0:
            made.append(text(SERVER_VERSION, 46, 6, request, 45, 1_790_000_000 + number))
    return [*made, error(SERVER_VERSION, 2104, "Market data farm connection is OK:usfarm")]


_TICKS = _ticks()
_REQUEST = text(
    SERVER_VERSION, 1, 11, 17, 0, "AAPL", "STK", "", 0.0, "", "", "SMART", "", "USD", "", "", 0, "", 0, 0, ""
)


def _strangers(choice: random.Random, pool: int = 8_191) -> list[bytes]:
    """Frames of other people's traffic; their mean length is about 500 bytes."""
    kinds: list[Callable[[random.Random], bytes]] = [_https, _quic, _dns, _arp]
    return [kind(choice) for kind in choice.choices(kinds, weights=[80, 14, 5, 1], k=pool)]


def _https(choice: random.Random) -> bytes:
    inward = choice.random() < 0.6
    local, remote = choice.randrange(32_768, 60_999), 443
    length = choice.choices((0, choice.randrange(40, 700), 1_448), weights=[48, 24, 28])[0]
    body = choice.randbytes(length)
    ports = (remote, local) if inward else (local, remote)
    header = _tcp(*ports, choice.getrandbits(32), choice.getrandbits(32), 0x80, ACK, 501, 0, 0)
    return _stranger(choice, 6, header + b"\x01\x01\x08\x0a" + choice.randbytes(8) + body, inward)


def _quic(choice: random.Random) -> bytes:
    return _datagram(choice, 443, choice.choice((29, 38, 120, 1_250)))


def _dns(choice: random.Random) -> bytes:
    return _datagram(choice, 53, choice.randrange(30, 200))


def _datagram(choice: random.Random, port: int, length: int) -> bytes:
    inward = choice.random() < 0.6
    ports = (port, choice.randrange(32_768, 60_999))
    header = _udp(*(ports if inward else ports[::-1]), 8 + length, 0)
    return _stranger(choice, 17, header + choice.randbytes(length), inward)


def _stranger(choice: random.Random, protocol: int, payload: bytes, inward: bool) -> bytes:
    """In IPv4; TCP gets its checksum."""
    ends = bytes((192, 168, 1, 10)), bytes((choice.randrange(11, 120), *choice.randbytes(3)))
    source, target = reversed(ends) if inward else ends
    if protocol == 6:
        pseudo = remainder(source + target) + protocol + len(payload)
        checksum = ONES - (remainder(payload) + pseudo) % ONES
        payload = payload[:16] + checksum.to_bytes(2) + payload[18:]
    number = choice.getrandbits(16)
    bare = _ipv4(0x45, 0, 20 + len(payload), number, 0x4000, 57, protocol, 0, source, target)
    header = _ipv4(0x45, 0, 20 + len(payload), number, 0x4000, 57, protocol, ONES - remainder(bare), source, target)
    macs = _MACS if inward else _MACS[::-1]
    return b"".join(macs) + b"\x08\x00" + header + payload


def _arp(choice: random.Random) -> bytes:
    request = bytes.fromhex("0001080006040001") + _MACS[1] + bytes((192, 168, 1, 2, 0, 0, 0, 0, 0, 0, 192, 168, 1))
    return b"\xff" * 6 + _MACS[1] + b"\x08\x06" + request + choice.randbytes(1) + bytes(18)
