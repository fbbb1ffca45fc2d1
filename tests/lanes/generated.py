"""Captures of API sessions and their neighbours, with every trouble a wire, a capture or a peer may make.

A capture follows from a seed and the set of troubles it may contain: Hypothesis makes the set smaller when it has found one.
Nothing here knows the code it tests but the numbers of IB's messages.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from struct import pack
from typing import NamedTuple

import capture_bytes as made
from ib_bytes import HELLO, READY, REPLY, START, error, frame, protobuf, text

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
API_PORT = 7497
ONES = 0xFFFF
MASK = 0xFFFF_FFFF


class Trouble(Enum):
    """What may go wrong or be unusual in a capture, each for itself."""

    LOST = auto()
    REPEATED = auto()
    COPIED = auto()
    REORDERED = auto()
    OVERLAPPING = auto()
    KEEP_ALIVE = auto()
    ZERO_WINDOW = auto()
    WINDOW_UPDATE = auto()
    DUPLICATE_ACK = auto()
    OLD_ACK = auto()
    ACK_OF_UNSEEN = auto()
    WRONG_CHECKSUM = auto()
    MIXED_CHECKSUMS = auto()
    ENDED = auto()
    AGAIN_ON_SAME_PORTS = auto()
    JOINED = auto()
    ONE_WAY = auto()
    SNAPLEN = auto()
    PADDED = auto()
    IP_OPTIONS = auto()
    FRAGMENTS = auto()
    VLAN = auto()
    ICMP = auto()
    ARP = auto()
    OTHERS = auto()
    TUNNELS = auto()
    STRAY_HELLO = auto()
    IPV6 = auto()
    MAPPED = auto()
    ODD_FRAMES = auto()
    LONG_FRAMES = auto()
    BROKEN_FRAMES = auto()
    LOOKALIKES = auto()
    ERRORS = auto()
    BYTEWISE = auto()
    URGENT = auto()
    CLOCK_BACK = auto()
    CLOCK_LEAPS = auto()
    CLOCK_STANDS = auto()
    MANY_SESSIONS = auto()
    LINK_TYPES = auto()
    BIG_ENDIAN = auto()
    PCAPNG = auto()
    INTERFACES = auto()
    RESOLUTIONS = auto()
    BLOCKS = auto()
    SECTIONS = auto()
    OPTIONS = auto()
    CUT = auto()
    FLIPPED = auto()
    GZIP = auto()
    EMPTY_PACKETS = auto()


def ones_sum(data: bytes) -> int:
    """The ones' complement sum of 16-bit words, word by word as RFC 1071 says it."""
    total = 0
    for high, low in zip(data[::2], (data + b"\0")[1::2], strict=False):
        total += high << 8 | low
        total = (total & ONES) + (total >> 16)
    return total


class Captured(NamedTuple):
    """An IP packet, or a whole frame of another kind, and how much of it was captured."""

    data: bytes
    ethertype: int
    cut: int | None = None


class Host(NamedTuple):
    address: bytes
    port: int


def tcp_packet(
    source: Host,
    target: Host,
    seq: int,
    ack: int,
    flags: int,
    payload: bytes = b"",
    *,
    window: int = 500,
    ip_id: int = 0,
    checksum: str = "offload",
    options: bytes = b"",
    ip_options: bytes = b"",
    doff: int | None = None,
) -> Captured:
    """A segment in the IP version of its addresses; ``checksum`` says what stands in the place of one."""
    offset = (5 + len(options) // 4 if doff is None else doff) << 12
    length = 20 + len(options) + len(payload)
    pseudo = source.address + target.address
    head = pack("!HHIIHHHH", source.port, target.port, seq & MASK, ack & MASK, offset | flags, window, 0, 0)
    segment = head + options + payload
    number = {"none": 0, "offload": (ones_sum(pseudo) + 6 + length) % ONES, "card": (ones_sum(pseudo) + 6) % ONES}.get(
        checksum
    )
    if number is None:
        number = ONES - ones_sum(pseudo + pack("!HH", 6, length) + segment) % ONES
        number = number ^ 0x0101 if checksum == "wrong" else number
    segment = segment[:16] + number.to_bytes(2) + segment[18:]
    return Captured(*in_ip(source.address, target.address, 6, segment, ip_id, ip_options))


def in_ip(
    source: bytes, target: bytes, protocol: int, data: bytes, ip_id: int, options: bytes = b"", bits: int = 0x4000
) -> tuple[bytes, int]:
    if len(source) == 16:
        return pack("!IHBB", 6 << 28, len(data) & ONES, protocol, 64) + source + target + data, 0x86DD
    size = 20 + len(options)
    head = pack("!BBHHHBBH", 0x40 | size // 4, 0, (size + len(data)) & ONES, ip_id & ONES, bits, 64, protocol, 0)
    return head + source + target + options + data, 0x0800


@dataclass
class End:
    """What one side's TCP remembers."""

    host: Host
    next: int
    acked: int = 0
    """By this side: how far it says it has the other's bytes."""
    ip_id: int = 100
    checksum: str = "offload"
    rest: bytes = b""
    """Of a frame whose beginning was sent."""
    latest: list[tuple[int, bytes]] = field(default_factory=list)


class Session:
    """One connection, or several one after the other on the same ports."""

    def __init__(self, choice: random.Random, troubles: frozenset[Trouble], number: int, steps: int) -> None:
        self.choice, self.troubles, self.steps = choice, troubles, steps
        self.is_loopback = choice.random() < 0.3
        addresses = (b"\x7f\0\0\1", b"\x7f\0\0\1") if self.is_loopback else (b"\x0a\0\0\1", b"\x0a\0\0\2")
        if Trouble.IPV6 in troubles and choice.random() < 0.5:
            addresses = (bytes(15) + b"\1", bytes(14) + b"\1\0")
        if Trouble.MAPPED in troubles and choice.random() < 0.7 and len(addresses[0]) == 4:
            self.is_mapped = True
        else:
            self.is_mapped = False
        self.client = End(
            Host(addresses[0], 20_000 + number), choice.choice((1000, 2**32 - 300, choice.getrandbits(32)))
        )
        self.server = End(Host(addresses[1], API_PORT), choice.choice((9000, 2**32 - 900, choice.getrandbits(32))))
        kinds = ("none", "offload", "card", "right")
        self.client.checksum, self.server.checksum = choice.choice(kinds), choice.choice(kinds)
        self.ids = choice.random() < 0.5
        self.late: Captured | None = None

    def has(self, trouble: Trouble, chance: float) -> bool:
        return trouble in self.troubles and self.choice.random() < chance

    def other(self, end: End) -> End:
        return self.server if end is self.client else self.client

    # -- packets -------------------------------------------------------------------------------------------------

    def send(
        self,
        end: End,
        payload: bytes = b"",
        flags: int = ACK,
        *,
        at: int = 0,
        ack: int | None = None,
        window: int = 500,
        new_id: bool = True,
    ) -> Captured:
        """Make a packet of what stands at ``at`` from the next byte; nothing is remembered."""
        source, target = end.host, self.other(end).host
        if self.is_mapped and self.choice.random() < 0.4:
            source, target = (Host(bytes(10) + b"\xff\xff" + one.address, one.port) for one in (source, target))
        if new_id:
            end.ip_id = (end.ip_id + 1) & ONES
        checksum = end.checksum
        if self.has(Trouble.WRONG_CHECKSUM, 0.03):
            checksum = "wrong"
        elif self.has(Trouble.MIXED_CHECKSUMS, 0.2):
            checksum = self.choice.choice(("none", "offload", "card", "right", "wrong"))
        options = b"\1\1\x08\x0a" + bytes(8) if self.choice.random() < 0.5 else b""
        if self.has(Trouble.URGENT, 0.1):
            flags |= self.choice.choice((URG, 0x40, 0x80, 0xC0, 0x100))
        sent = tcp_packet(
            source, target, end.next + at, (end.acked if ack is None else ack) if flags & ACK else 0, flags, payload,
            window=window, ip_id=end.ip_id if self.ids else 0, checksum=checksum, options=options,
            ip_options=b"\1\1\1\0" if self.has(Trouble.IP_OPTIONS, 0.03) and len(source.address) == 4 else b"",
            doff=self.choice.randrange(16) if self.has(Trouble.FLIPPED, 0.005) else None,
        )  # fmt: skip
        if self.has(Trouble.SNAPLEN, 0.02):
            sent = sent._replace(cut=self.choice.randrange(len(sent.data)))
        return sent

    def say(self, end: End, data: bytes) -> Iterator[Captured]:
        """Send data, cut into segments, in some order."""
        while data:
            size = (
                self.choice.choice((1, 2, 3, 7))
                if Trouble.BYTEWISE in self.troubles and self.choice.random() < 0.3
                else 1448
            )
            if self.choice.random() < 0.15:
                size = self.choice.randrange(1, 60)
            if self.choice.random() < 0.05:
                size = 40_000
            piece, data = data[:size], data[size:]
            packet = self.send(end, piece, ACK | PSH if not data else ACK)
            end.latest = [*end.latest[-5:], (end.next, piece)]
            end.next += len(piece)
            if self.has(Trouble.LOST, 0.01):
                continue
            if self.late is None and self.has(Trouble.REORDERED, 0.02):
                self.late = packet
                continue
            yield packet
            if self.late is not None and self.choice.random() < 0.7:
                late, self.late = self.late, None
                yield late
            if self.has(Trouble.COPIED, 0.02):
                yield packet

    def hear(self, end: End) -> None:
        """Have all the other side has sent, or some of it."""
        other = self.other(end)
        if self.choice.random() < 0.8:
            end.acked = other.next
        elif other.latest:
            end.acked = max(end.acked, self.choice.choice(other.latest)[0])

    # -- the script ----------------------------------------------------------------------------------------------

    def packets(self) -> Iterator[Captured]:
        yield from self.opening()
        for _ in range(self.steps):
            yield from self.step()
            if self.has(Trouble.AGAIN_ON_SAME_PORTS, 0.01):
                if self.choice.random() < 0.5:
                    yield self.send(
                        self.choice.choice((self.client, self.server)),
                        b"",
                        self.choice.choice((FIN | ACK, RST, RST | ACK)),
                    )
                if self.choice.random() < 0.7:
                    self.client.next += self.choice.choice((100, 1 << 20, 1 << 31))
                    self.server.next += self.choice.choice((100, 1 << 20, 1 << 31))
                self.client.rest = self.server.rest = b""
                self.client.latest, self.server.latest = [], []
                yield from self.opening()
        if self.late is not None:
            yield self.late
        if self.choice.random() < 0.5:
            yield self.send(self.client, b"", FIN | ACK)
            self.client.next += 1
            yield self.send(self.server, b"", self.choice.choice((FIN | ACK, RST | ACK, ACK)))

    def opening(self) -> Iterator[Captured]:
        client, server = self.client, self.server
        joined = self.has(Trouble.JOINED, 0.4)
        if not joined:
            yield self.send(client, b"", SYN, at=-1)
        server.acked = client.next
        if not joined:
            yield self.send(server, b"", SYN | ACK, at=-1)
        client.acked = server.next
        if not joined:
            yield self.send(client)
            yield from self.say(client, HELLO)
            self.hear(server)
            yield from self.say(server, REPLY)
            self.hear(client)
            yield from self.say(client, START)
            self.hear(server)
            yield from self.say(server, READY)
            self.hear(client)
        yield self.send(client)

    def step(self) -> Iterator[Captured]:
        draw, one_way = self.choice.random(), Trouble.ONE_WAY in self.troubles
        if draw < 0.55:
            data = self.server.rest + b"".join(self.message() for _ in range(self.choice.choice((1, 1, 2, 3, 5))))
            self.server.rest = b""
            if self.choice.random() < 0.15:
                kept = self.choice.randrange(1, min(len(data), 12) + 1)
                data, self.server.rest = data[:-kept], data[-kept:]
            self.hear(self.server)
            yield from self.say(self.server, data)
        elif draw < 0.85:
            before = self.client.acked
            self.hear(self.client)
            if not one_way and (self.client.acked != before or self.choice.random() < 0.05):
                yield self.send(self.client)
        elif draw < 0.95:
            self.hear(self.client)
            requests = b"".join(self.request() for _ in range(self.choice.choice((1, 1, 2))))
            if not one_way:
                yield from self.say(self.client, requests)
        else:
            yield from self.oddity(self.choice.choice((self.client, self.server)))

    def oddity(self, end: End) -> Iterator[Captured]:
        choice, last = self.choice, end.latest[-1] if end.latest else (end.next, b"")
        back = (last[0] - end.next, last[1])
        if self.has(Trouble.REPEATED, 0.5) and back[1]:
            yield self.send(end, back[1], at=back[0], new_id=choice.random() < 0.8)
        if self.has(Trouble.OVERLAPPING, 0.5) and back[1]:
            start = choice.randrange(len(back[1]))
            more = b"" if choice.random() < 0.5 else frame(b"1\0006\0")
            bent = back[1][start:] if choice.random() < 0.7 else bytes(len(back[1]) - start)
            yield self.send(end, bent + more, at=back[0] + start)
            end.next += len(more)
        if self.has(Trouble.KEEP_ALIVE, 0.5):
            yield self.send(end, choice.choice((b"", b"\0")), at=-1)
        if self.has(Trouble.ZERO_WINDOW, 0.5):
            yield self.send(end, window=0)
        if self.has(Trouble.WINDOW_UPDATE, 0.5):
            yield self.send(end, window=choice.randrange(1, 900))
        if self.has(Trouble.DUPLICATE_ACK, 0.5):
            for _ in range(choice.randrange(1, 4)):
                yield self.send(end, new_id=choice.random() < 0.7)
        if self.has(Trouble.OLD_ACK, 0.5):
            yield self.send(end, ack=end.acked - choice.randrange(1, 5000))
        if self.has(Trouble.ACK_OF_UNSEEN, 0.3):
            yield self.send(end, ack=end.acked + choice.choice((1, 2, 1000, 1 << 30)))
        if self.has(Trouble.ENDED, 0.3):
            yield self.send(
                end,
                choice.choice((b"", b"x")),
                choice.choice((FIN | ACK, RST, RST | ACK, SYN, SYN | ACK, FIN | RST, SYN | FIN, 0, PSH)),
            )
        if self.has(Trouble.ICMP, 0.5):
            about = self.send(end)
            if about.ethertype == 0x0800:
                yield Captured(
                    *in_ip(
                        self.other(end).host.address[-4:], end.host.address, 1, b"\3\3" + bytes(6) + about.data[:28], 9
                    )
                )
        if self.has(Trouble.FRAGMENTS, 0.8):
            yield from self.fragments(end)

    def fragments(self, end: End) -> Iterator[Captured]:
        data = self.message()[:3000] * 3
        whole = self.send(end, data)
        if whole.ethertype != 0x0800 or whole.cut is not None or whole.data[0] != 0x45:
            return
        end.next += len(data)
        head, body = whole.data[:20], whole.data[20:]
        middle = self.choice.randrange(1, len(body) // 8) * 8 if len(body) > 16 else 8
        source, target, ip_id = head[12:16], head[16:20], int.from_bytes(head[4:6])
        parts = [(body[:middle], 0x2000), (body[middle:], middle // 8)]
        if self.choice.random() < 0.3:
            parts.reverse()
        for part, bits in parts:
            if self.choice.random() < 0.9:
                yield Captured(*in_ip(source, target, 6, part, ip_id, bits=bits))

    # -- what is said --------------------------------------------------------------------------------------------

    def message(self) -> bytes:
        choice = self.choice
        draw = choice.random()
        if self.has(Trouble.ERRORS, 0.1):
            return error(178, choice.choice((2104, 321, 10000 + choice.randrange(300))), f"text {choice.randrange(9)}")
        if self.has(Trouble.ODD_FRAMES, 0.2):
            number = choice.randrange(420)
            body = b"x" * choice.randrange(5) + b"\0"
            return frame(choice.choice((
                b"", b"1", b"\0", b"12", b"123", b"1234", b"\0\0", b"\0\0\0", b"\0\0\0\0", b"0001\0" + body, b"01\0" + body,
                b"%d\0" % number, b"%d\0" % number + body, b"%d" % number, number.to_bytes(4), number.to_bytes(4) + body,
                b"\0\0\1" + bytes([number & 255]), b"-1\0", b"1 \0", "\u0661\0".encode(), b"9" * choice.randrange(300),
                b"15\0001\0DU1,DU2\0", b"9\0001\0005\0", b"71\0002\0001\0\0", b"4\0002\0001\0x\0y\0",
            )) or b"\0")  # fmt: skip
        if self.has(Trouble.LONG_FRAMES, 0.02):
            size = choice.choice(
                (250, 255, 256, 257, 4095, 4096, 4097, 65_535, 65_536, 70_000, choice.randrange(70_000))
            )
            head = choice.choice((b"4\0002\000-1\000321\0", b"1\0", b"\0\0\0\5", b"x"))
            return frame(head + choice.choice((b"\0", b"x", b"\0\0\0\1", b"\0\0\1")) * size)
        if self.has(Trouble.LOOKALIKES, 0.1):
            inner = b"".join(
                choice.choice((b"\0\0\0\5", b"\0\0\0\1", b"\0\0", b"\0", b"1\0", b"\0\0\1\0", b"\0\0\0\0"))
                for _ in range(choice.randrange(1, 20))
            )
            return frame(b"1\0" + inner + choice.choice((b"", b"\0", b"\0\0\0")))
        if self.has(Trouble.BROKEN_FRAMES, 0.002):
            return choice.choice((bytes(4), b"\xff" * 4, b"\1\0\0\0x", b"\0\xff\xff\xff4\0", b"GET "))
        if draw < 0.2:
            return protobuf(choice.choice((1, 2, 4, 46, 49)), {1: choice.randrange(900), 4: "x"})
        if draw < 0.4:
            return text(201, choice.choice((1, 2, 4, 46, 49)), 6, choice.randrange(900))
        return text(
            178, choice.choice((1, 2, 46, 49, 21, 108)), 6, choice.randrange(900), round(choice.random() * 100, 2)
        )

    def request(self) -> bytes:
        choice = self.choice
        if self.has(Trouble.ODD_FRAMES, 0.2) or self.has(Trouble.BROKEN_FRAMES, 0.02):
            return self.message()
        return text(choice.choice((178, 201)), choice.choice((1, 3, 61, 71, 49)), choice.randrange(900), "", "AAPL")


# -- strangers --------------------------------------------------------------------------------------------------------


def stranger(choice: random.Random, troubles: frozenset[Trouble]) -> Captured | None:
    """A packet that has nothing to do with the sessions."""
    kinds = [
        kind
        for kind in (Trouble.OTHERS, Trouble.ARP, Trouble.TUNNELS, Trouble.STRAY_HELLO, Trouble.EMPTY_PACKETS)
        if kind in troubles
    ]
    if not kinds:
        return None
    kind = choice.choice(kinds)
    source, target = b"\x0a\0\0" + bytes([choice.randrange(3)]), b"\x0a\0\0\2"
    if Trouble.IPV6 in troubles and choice.random() < 0.4:
        source, target = bytes(15) + b"\5", bytes(15) + b"\6"
    if kind is Trouble.ARP:
        asked = bytes((10, 0, 0, choice.randrange(4)))
        operation = choice.choice((1, 1, 2, 3))
        return Captured(pack("!HHBBH", 1, 0x0800, 6, 4, operation) + bytes(6) + source[-4:] + bytes(6) + asked, 0x0806)
    if kind is Trouble.EMPTY_PACKETS:
        return (
            Captured(b"", 0x0800)
            if choice.random() < 0.5
            else Captured(choice.randbytes(choice.randrange(60)), choice.choice((0x0800, 0x86DD, 0x8847, 0x0806, 5)))
        )
    if kind is Trouble.TUNNELS:
        return Captured(*in_ip(source, target, choice.choice((4, 41, 47, 50)), bytes(40), 1))
    if kind is Trouble.STRAY_HELLO:
        port = 9000 + choice.randrange(3)
        return tcp_packet(Host(source, 50_000), Host(target, port), 5, 5, ACK, b"API\0" + bytes(choice.randrange(9)))
    if choice.random() < 0.5:
        port = choice.choice((53, 4789, 1194, 7497))
        return Captured(*in_ip(source, target, 17, pack("!HHHH", 53, port, 8, 0) + bytes(choice.randrange(40)), 1))
    return tcp_packet(
        Host(source, 443),
        Host(target, 40_000 + choice.randrange(9)),
        5,
        5,
        ACK,
        choice.choice((b"", b"AP", b"APx", bytes(90))),
        doff=choice.choice((5, 5, 5, 0, 8, 15)),
    )


def traffic(choice: random.Random, troubles: frozenset[Trouble], steps: int) -> Iterator[Captured]:
    """Sessions side by side, and what else was on the wire."""
    count = choice.randrange(3, 12) if Trouble.MANY_SESSIONS in troubles else choice.choice((1, 1, 2, 3))
    waiting = [Session(choice, troubles, number, steps // count + 1).packets() for number in range(count)]
    going = [waiting.pop(0)]
    while going or waiting:
        if waiting and (not going or choice.random() < 0.02):
            going.append(waiting.pop(0))
        one = choice.choice(going)
        for _ in range(choice.choice((1, 1, 4, 20))):
            packet = next(one, None)
            if packet is None:
                going.remove(one)
                break
            yield packet
            if choice.random() < 0.1 and (other := stranger(choice, troubles)):
                yield other


# -- links and files --------------------------------------------------------------------------------------------------


def linked(packet: Captured, link: int, choice: random.Random, troubles: frozenset[Trouble]) -> tuple[bytes, int]:
    """The frame's captured bytes, and its length on the wire."""
    kind = packet.ethertype.to_bytes(2)
    tagged = Trouble.VLAN in troubles and choice.random() < 0.1
    if tagged:
        kind = choice.choice((b"\x81\0", b"\x88\xa8", b"\x81\0\0\1\x81\0")) + b"\0\5" + kind
    family = {0x0800: 2, 0x86DD: choice.choice((10, 24, 28, 30, 23))}.get(packet.ethertype, 77)
    head = {
        0: pack("<I", family), 108: pack(">I", family), 1: bytes(12) + kind, 113: bytes(14) + kind,
        276: kind[:2] + bytes(18) + kind[2:], 147: b"user",
    }.get(link, b"")  # fmt: skip
    data = head + packet.data
    if Trouble.EMPTY_PACKETS in troubles and not packet.data and choice.random() < 0.7:
        data = b""
    if Trouble.PADDED in troubles and len(data) < 60 and link == 1:
        data = data.ljust(60, choice.choice((b"\0", b"x")))
    length = len(data) + (choice.randrange(20) if Trouble.SNAPLEN in troubles and choice.random() < 0.02 else 0)
    return (data if packet.cut is None else data[: len(head) + packet.cut]), length


def times(choice: random.Random, troubles: frozenset[Trouble]) -> Iterator[int]:
    now = 1_790_000_000_000_000_000
    while True:
        if Trouble.CLOCK_STANDS not in troubles or choice.random() < 0.2:
            now += choice.choice((1000, 50_000, 1_000_000, 20_000_000))
        if Trouble.CLOCK_BACK in troubles and choice.random() < 0.01:
            now -= choice.choice((1000, 10**9, 2 * 10**9, 10**13))
        if Trouble.CLOCK_LEAPS in troubles and choice.random() < 0.005:
            now += choice.choice((3599, 3600, 3601, 90_000)) * 10**9
        yield now


def capture(seed: int, troubles: frozenset[Trouble], steps: int = 120) -> bytes:
    """A capture file."""
    choice = random.Random(seed)
    links = (0, 1, 12, 101, 108, 113, 276, 147) if Trouble.LINK_TYPES in troubles else (1,)
    link = choice.choice(links)
    order = ">" if Trouble.BIG_ENDIAN in troubles and choice.random() < 0.7 else "<"
    packets = zip(traffic(choice, troubles, steps), times(choice, troubles), strict=False)
    if Trouble.PCAPNG in troubles:
        content = b"".join(_pcapng(packets, choice, troubles, links, link, order))
    else:
        content = b"".join(_pcap(packets, choice, troubles, link, order))
    if Trouble.FLIPPED in troubles:
        bent = bytearray(content)
        for _ in range(choice.choice((1, 1, 3, 30))):
            bent[choice.randrange(choice.choice((200, len(bent))) % len(bent) or 1)] = choice.choice(
                (0, 1, 255, choice.getrandbits(8))
            )
        content = bytes(bent)
    if Trouble.CUT in troubles:
        content = content[: choice.randrange(len(content))]
    if Trouble.GZIP in troubles:
        content = gzip.compress(content, 1)
        if Trouble.CUT in troubles and choice.random() < 0.5:
            content = content[: choice.randrange(2, len(content))]
    return content


def _pcap(
    packets: Iterator[tuple[Captured, int]], choice: random.Random, troubles: frozenset[Trouble], link: int, order: str
) -> Iterator[bytes]:
    unit = choice.choice((1, 1000))
    yield made.pcap_header(order, 0xA1B23C4D if unit == 1 else 0xA1B2C3D4, link)
    for packet, now in packets:
        data, length = linked(packet, link, choice, troubles)
        yield made.record(data, now // 10**9, now % 10**9 // unit, original=length, order=order)


def _pcapng(
    packets: Iterator[tuple[Captured, int]],
    choice: random.Random,
    troubles: frozenset[Trouble],
    links: tuple[int, ...],
    link: int,
    order: str,
) -> Iterator[bytes]:
    def section() -> Iterator[bytes]:
        yield made.section(order)
        stamps.clear()
        for number in range(choice.randrange(1, 4) if Trouble.INTERFACES in troubles else 1):
            kind = choice.choice(links) if Trouble.INTERFACES in troubles and choice.random() < 0.3 else link
            resolution = (
                choice.choice((None, 3, 6, 9, 10, 12, 0x80 | 20, 0x80 | 30, 0x80 | 10))
                if Trouble.RESOLUTIONS in troubles
                else 9
            )
            seconds = (
                choice.choice((0, 0, 3600, -3600, -(2**40), 1_700_000_000)) if Trouble.RESOLUTIONS in troubles else 0
            )
            options = b"" if resolution is None else made.option(9, bytes([resolution]), order)
            options += made.option(14, pack(order + "q", seconds), order) if seconds else b""
            yield made.interface(kind, 0 if number else 65_535, options, order)
            exponent = 6 if resolution is None else resolution
            stamps.append((kind, 2 ** (exponent & 127) if exponent & 128 else 10**exponent, seconds))

    stamps: list[tuple[int, int, int]] = []
    ticks = 0
    yield from section()
    for packet, now in packets:
        index = choice.randrange(len(stamps)) if choice.random() < 0.1 else 0
        kind, rate, seconds = stamps[index]
        data, length = linked(packet, kind, choice, troubles)
        ticks = max((now - seconds * 10**9) * rate // 10**9, 0) % 2**64
        options = made.option(1, b"remark", order) if Trouble.OPTIONS in troubles and choice.random() < 0.05 else b""
        if Trouble.OPTIONS in troubles and choice.random() < 0.02:
            options += made.option(4, pack(order + "Q", choice.randrange(9)), order)
        if Trouble.BLOCKS in troubles and choice.random() < 0.02:
            yield choice.choice((
                made.statistics(0, ticks, made.option(3, pack(order + "II", ticks >> 32, ticks & MASK), order), order),
                made.statistics(0, ticks, made.option(5, pack(order + "Q", choice.randrange(9)), order), order),
                made.simple(data, order=order), made.obsolete(data, ticks=ticks, order=order),
                made.block(0x7777, bytes(choice.randrange(200)), order), made.block(9, bytes(40), order),
            ))  # fmt: skip
        if Trouble.SECTIONS in troubles and choice.random() < 0.005:
            order = choice.choice("<>") if Trouble.BIG_ENDIAN in troubles else order
            yield from section()
            index = 0
        yield made.enhanced(data, index, ticks, original=length, options=options, order=order)
    if Trouble.BLOCKS in troubles:
        last = pack(order + "II", ticks >> 32, ticks & MASK)
        yield made.statistics(0, ticks, made.option(3, last, order), order) * choice.randrange(3)
