"""A small world with a tap: two TCP ends, a way between them that delays and loses, and what a capture of it holds.

The truth is known here, since a script says who behaves how. What the packets look like follows from that: repeats,
crossings and holes that nobody wrote down. The TCP is the least that makes them (RFC 9293, RFC 6298): cumulative ACKs,
one timer, no windows.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from wire import START_NS, Wire, endpoint, opposite

from ibsniff.model import ACK, FIN, NANOSECONDS, PSH, RST, SYN, Endpoint, Segment, Side

MODULUS = 2**32
GIVES_UP = 6
"""Times a packet is sent again."""

Program = Callable[[str, bytes], None]
"""What runs at an end: told ``open``, ``data`` with the bytes, ``fin`` and ``reset``."""


@dataclass
class World:
    """Its clock, in seconds, what is to happen, and what the tap has seen."""

    random: Random
    missed: float = 0.0
    """Which part of the packets the capture misses."""
    now: float = 0.0
    tap: list[tuple[Side, Segment]] = field(default_factory=list)
    _agenda: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _planned: int = 0

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        self._planned += 1
        heapq.heappush(self._agenda, (self.now + seconds, self._planned, what))

    def run(self, until: float) -> None:
        while self._agenda and self._agenda[0][0] <= until:
            self.now, _, what = heapq.heappop(self._agenda)
            what()
        self.now = until

    def capture(self) -> Wire:
        return Wire.heard(self.tap)

    def watched(self) -> float:
        """Seconds since the last packet that was captured."""
        return self.now - (self.tap[-1][1].time_ns - START_NS) / NANOSECONDS if self.tap else self.now


@dataclass
class Way:
    """From the one end to the other."""

    world: World
    seconds: float = 0.000_01
    tap_at: float = 0.5
    """Where the tap sits: 0 at the client, 1 at the server."""
    loss: float = 0.0
    broken: bool = False

    def carry(self, side: Side, segment: Segment, arrive: Callable[[Segment], None]) -> None:
        world = self.world
        before = self.tap_at if side is Side.CLIENT else 1.0 - self.tap_at

        def pass_the_tap() -> None:
            if world.random.random() >= world.missed:
                world.tap.append((side, segment._replace(time_ns=START_NS + round(world.now * NANOSECONDS))))
            if not self.broken and world.random.random() >= self.loss * (1.0 - before):
                world.after(self.seconds * (1.0 - before) + 1e-6, lambda: arrive(segment))

        lost = world.random.random() < self.loss * before or (self.broken and side is Side.SERVER)
        if not lost:
            world.after(self.seconds * before + 1e-6, pass_the_tap)


class End:
    """One end's kernel. Without a program it accepts and acknowledges, as a kernel does for one that hangs."""

    def __init__(self, way: Way, side: Side, address: Endpoint, peer_address: Endpoint) -> None:
        self.way, self.side, self.address, self.peer_address = way, side, address, peer_address
        self.peer: End
        self.program: Program = lambda _event, _data: None
        self.listens = True
        self.reads = True
        """Whether the program takes what comes; who closes with bytes unread resets (RFC 2525, 2.17)."""
        self.is_open = self.is_closed = self.said_goodbye = False
        self._isn = way.world.random.randrange(MODULUS)
        self._ip_id, self._next, self._received, self._unread = 0, 0, 0, 0
        self._peer_isn: int | None = None
        self._waiting: list[tuple[int, int, bytes]] = []
        self._ahead: dict[int, tuple[bytes, bool]] = {}
        self._timer, self._patience, self._tries = 0, 1.0, 0

    # -- what a program does -------------------------------------------------------------------------------------

    def connect(self) -> None:
        self._push(SYN)

    def send(self, data: bytes) -> None:
        if not (self.is_closed or self.said_goodbye):
            self._push(ACK | PSH, data)

    def close(self) -> None:
        if not self.is_open or (self._unread and not self.reads):
            self.reset()
        elif not (self.is_closed or self.said_goodbye):
            self.said_goodbye = True
            self._push(FIN | ACK)

    def reset(self) -> None:
        if not self.is_closed:
            self.is_closed, self._waiting = True, []
            if self.is_open:
                self._send(RST | ACK, self._next)

    # -- what its kernel does ------------------------------------------------------------------------------------

    def _send(self, flags: int, offset: int, data: bytes = b"", ack: int | None = None) -> None:
        self._ip_id += 1
        heard = self._received if ack is None else ack
        segment = Segment(
            packet=0,
            time_ns=0,
            source=self.address,
            destination=self.peer_address,
            seq=(self._isn + offset) % MODULUS,
            ack=((self._peer_isn or 0) + heard) % MODULUS if flags & ACK else 0,
            flags=flags,
            window=65_000,
            payload=data,
            length=len(data),
            mss=1_460 if flags & SYN else None,
            ttl=64,
            ip_id=self._ip_id,
        )
        self.way.carry(self.side, segment, self.peer.receive)

    def _push(self, flags: int, data: bytes = b"") -> None:
        self._waiting.append((self._next, flags, data))
        self._send(flags, self._next, data)
        self._next += len(data) + bool(flags & (SYN | FIN))
        self._wind_up()

    def _wind_up(self) -> None:
        self._timer += 1
        timer = self._timer
        self.way.world.after(self._patience, lambda: self._again(timer))

    def _again(self, timer: int) -> None:
        if timer == self._timer and self._waiting and not self.is_closed and self._tries < GIVES_UP:
            offset, flags, data = self._waiting[0]
            self._tries, self._patience = self._tries + 1, self._patience * 2
            self._send(flags, offset, data)
            self._wind_up()

    def receive(self, segment: Segment) -> None:
        if segment.flags & RST:
            self.is_closed, self._waiting = True, []
            self.program("reset", b"")
        elif segment.flags & SYN:
            self._receive_syn(segment)
        elif self.is_closed:
            self._send(RST, (segment.ack - self._isn) % MODULUS)
        elif self._peer_isn is not None:
            self._receive_ack(segment)
            self._receive_data(segment)

    def _receive_syn(self, segment: Segment) -> None:
        if self.side is Side.SERVER and not self.listens:
            self._peer_isn = segment.seq
            self._send(RST | ACK, -self._isn, ack=1)
        elif self.side is Side.SERVER and self._peer_isn is None:
            self._peer_isn, self._received = segment.seq, 1
            self._push(SYN | ACK)
        elif self.is_closed:
            self._send(RST, 1)
        elif self.side is Side.CLIENT and not self.is_open:
            self._peer_isn, self._received, self.is_open = segment.seq, 1, True
            self._receive_ack(segment)
            self._send(ACK, self._next)
            self.program("open", b"")
        else:
            self._send(ACK, self._next)

    def _receive_ack(self, segment: Segment) -> None:
        acked = (segment.ack - self._isn) % MODULUS
        left = [one for one in self._waiting if one[0] + len(one[2]) + bool(one[1] & (SYN | FIN)) > acked]
        if acked <= self._next and len(left) < len(self._waiting):
            self._waiting, self._tries, self._patience = left, 0, max(0.2, 4 * self.way.seconds)
            self._wind_up()
        if self.side is Side.SERVER and not self.is_open and acked:
            self.is_open = True
            self.program("open", b"")

    def _receive_data(self, segment: Segment) -> None:
        offset = (segment.seq - (self._peer_isn or 0)) % MODULUS
        if not (segment.payload or segment.flags & FIN):
            return
        self._ahead[offset] = segment.payload, bool(segment.flags & FIN)
        while self._received in self._ahead:
            data, fin = self._ahead.pop(self._received)
            self._received += len(data) + fin
            self._unread += len(data)
            if data:
                self.program("data", data)
            if fin:
                self.way.world.after(2e-6, lambda: self.program("fin", b""))
        self._send(ACK, self._next)


def connection(way: Way, client: str, server: str) -> tuple[End, End]:
    """Two ends that know each other."""
    ends = endpoint(client), endpoint(server)
    one, two = End(way, Side.CLIENT, *ends), End(way, opposite(Side.CLIENT), *reversed(ends))
    one.peer, two.peer = two, one
    return one, two
