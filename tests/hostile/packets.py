"""Packets by the thousand: raw IP frames built as fast as may be, for shapes that need many. Checksums stay zero."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct

from ibsniff.model import ACK, FIN, PSH, RST, SYN, Frame

RAW_IP, ETHERNET = 101, 1
START_NS = 1_790_000_000_000_000_000
MILLISECOND = 1_000_000
CLIENT, SERVER = 0x0A000001, 0x0A000002
CLIENT_PORT, API_PORT = 51_000, 7497
HELLO = b"API\0\0\0\0\x09v157..178"
REPLY = b"\0\0\0\x1a178\x0020260105 09:30:00 EST\0"
START = b"\0\0\0\x0871\x002\x007\0\0"
MORE_FRAGMENTS = 0x2000

_ip = Struct("!BBHHHBBHII").pack
_tcp = Struct("!HHIIBBHHH").pack


def ip(payload: bytes, source: int = CLIENT, target: int = SERVER, protocol: int = 6, ip_id: int = 1, flags: int = 0):
    return _ip(0x45, 0, 20 + len(payload), ip_id & 0xFFFF, flags, 64, protocol, 0, source, target) + payload


class Stream:
    """Both ends of one connection; each method makes the bytes of a packet."""

    def __init__(
        self, number: int = 0, port: int = API_PORT, isn: int = 1000, client: int | None = None, server: int = SERVER
    ) -> None:
        self.client = CLIENT + (number // 60_000 << 8) if client is None else client
        self.server, self.client_port = server, 1024 + number % 60_000
        self.port = port
        self.sent, self.got = isn, 900_000

    def up(self, payload: bytes = b"", flags: int = ACK, at: int = 0, window: int = 1000, ack: int = 0) -> bytes:
        """From the client; ``at`` counts from the next byte due."""
        seq, confirmed = (self.sent + at) & 0xFFFFFFFF, (self.got + ack) & 0xFFFFFFFF if flags & ACK else 0
        head = _tcp(self.client_port, self.port, seq, confirmed, 0x50, flags, window, 0, 0)
        return ip(head + payload, self.client, self.server)

    def down(self, payload: bytes = b"", flags: int = ACK, at: int = 0, window: int = 1000, ack: int = 0) -> bytes:
        """From the server."""
        seq, confirmed = (self.got + at) & 0xFFFFFFFF, (self.sent + ack) & 0xFFFFFFFF
        head = _tcp(self.port, self.client_port, seq, confirmed, 0x50, flags, window, 0, 0)
        return ip(head + payload, self.server, self.client)

    def say(self, payload: bytes) -> bytes:
        """The client's next bytes."""
        packet = self.up(payload, ACK | PSH)
        self.sent += len(payload)
        return packet

    def answer(self, payload: bytes) -> bytes:
        """The server's next bytes."""
        packet = self.down(payload, ACK | PSH)
        self.got += len(payload)
        return packet

    def handshake(self) -> list[bytes]:
        packets = [self.up(flags=SYN)]
        self.sent += 1
        packets.append(self.down(flags=SYN | ACK))
        self.got += 1
        return [*packets, self.up()]

    def session(self) -> list[bytes]:
        return [*self.handshake(), self.say(HELLO), self.answer(REPLY), self.say(START)]

    def close(self) -> list[bytes]:
        return [self.up(flags=FIN | ACK), self.down(flags=RST | ACK)]


def frames(packets: Iterable[bytes], step_ns: int = MILLISECOND, link_type: int = RAW_IP) -> Iterator[Frame]:
    for number, data in enumerate(packets, 1):
        yield Frame(number, START_NS + number * step_ns, link_type, data, len(data))
