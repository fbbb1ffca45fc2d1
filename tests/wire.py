"""A packet script: a test reads like the conversation it is about.

    wire = (
        Wire(client="172.24.46.63:51000", server="172.24.32.1:7497")
        .connect()                                          # SYN, SYN-ACK, ACK: packets 1, 2, 3
        .client(b"API\\0\\0\\0\\0\\x09v100..187")           # 4, and the server's ACK: 5
        .wait(4.0)
        .fin_client()                                       # 6
    )
    wire.segments()                      # what ``tcp`` is fed
    wire.frames(link_type=276)           # what ``capture`` yields, real bytes with right checksums
    wire.write(path / "silent.pcapng", ended=1.0)           # a file with an end time one second after the last packet

Every method returns the wire, and takes ``after``: seconds since the packet before it. Nothing is random. Sequence
numbers look after themselves; ``segment`` says anything odd. What was sent and not captured (``lose``) leaves no packet
but counts for ``again``, which repeats the packet *n* sends back.

A script that is written and never read tests nothing: ``unread_scripts`` gives those, and a test that leaves one behind
fails (``conftest.py``).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from wire_bytes import ETHERNET, frame_bytes, pcap_bytes, pcapng_bytes

from ibsniff.model import (
    ACK,
    FIN,
    NANOSECONDS,
    PSH,
    RST,
    SYN,
    Arp,
    Endpoint,
    Frame,
    Packet,
    Segment,
    Side,
    Unreachable,
    UnreachableKind,
)

START_NS = 1_790_000_000 * NANOSECONDS
"""2026-09-21 14:13:20 UTC: any fixed time will do."""

MODULUS = 2**32


def endpoint(text: str) -> Endpoint:
    """``127.0.0.1:7497`` or ``[::1]:7497``."""
    host, _, port = text.rpartition(":")
    return Endpoint(ipaddress.ip_address(host.strip("[]")).packed, int(port))


def opposite(side: Side) -> Side:
    return Side.SERVER if side is Side.CLIENT else Side.CLIENT


@dataclass
class _End:
    """What one side's TCP remembers."""

    endpoint: Endpoint
    isn: int
    next: int
    ip_id: int
    ttl: int
    mss: int
    window: int = 65_483


@dataclass(frozen=True)
class Sent:
    """One packet as it was sent; its number is only known when the script is complete."""

    packet: Packet
    side: Side
    captured: bool = True
    about: Segment | None = None
    """The segment an unreachable quotes."""


_UNREAD: dict[int, Wire] = {}
"""Scripts with packets that nobody has read."""


def unread_scripts() -> list[Wire]:
    """Take the scripts that were written, or continued, and not read since."""
    scripts = list(_UNREAD.values())
    _UNREAD.clear()
    return scripts


class Wire:
    """One connection (or several, one after the other) as a script of packets."""

    def __init__(
        self,
        client: str = "127.0.0.1:51000",
        server: str = "127.0.0.1:7497",
        *,
        start_ns: int = START_NS,
        delay: float = 0.000_1,
        client_isn: int = 1_000,
        server_isn: int = 900_000,
        client_ttl: int = 64,
        server_ttl: int = 64,
        mss: int | None = None,
    ) -> None:
        client_end, server_end = endpoint(client), endpoint(server)
        mss = mss or (65_495 if client_end.is_loopback else 1_460)
        self._ends = {
            Side.CLIENT: _End(client_end, client_isn, client_isn, 100, client_ttl, mss),
            Side.SERVER: _End(server_end, server_isn, server_isn, 40_000, server_ttl, mss),
        }
        self._delay = delay
        self._time_ns = start_ns
        self._waiting_ns = 0
        self._losing = 0
        self._sent: list[Sent] = []

    # -- the script: opening ------------------------------------------------------------------------------------

    def connect(self, *, after: float | None = None) -> Wire:
        """The three-way handshake."""
        return self.syn(after=after).syn_ack().ack()

    def syn(self, *, after: float | None = None) -> Wire:
        """The client's SYN; said twice it is a retransmission."""
        end = self._ends[Side.CLIENT]
        return self.segment(Side.CLIENT, SYN, seq=end.isn, ack=0, after=after)

    def syn_ack(self, *, after: float | None = None) -> Wire:
        """The server's answer."""
        end = self._ends[Side.SERVER]
        return self.segment(Side.SERVER, SYN | ACK, seq=end.isn, after=after)

    def refuse(self, *, after: float | None = None) -> Wire:
        """The server's RST, ACK answering a SYN: sequence number 0 (RFC 9293, 3.10.7.1)."""
        return self.segment(Side.SERVER, RST | ACK, seq=0, window=0, advance=False, after=after)

    def restart(self, *, client_isn: int, server_isn: int) -> Wire:
        """The same two endpoints begin anew: new initial sequence numbers, no packet."""
        for side, isn in ((Side.CLIENT, client_isn), (Side.SERVER, server_isn)):
            self._ends[side].isn = self._ends[side].next = isn % MODULUS
        return self

    # -- the script: talking ------------------------------------------------------------------------------------

    def client(self, data: bytes, *, ack: bool = True, mss: int | None = None, after: float | None = None) -> Wire:
        """The client sends data, cut to ``mss``; the server acknowledges it all at the end."""
        return self._data(Side.CLIENT, data, ack, mss, after)

    def server(self, data: bytes, *, ack: bool = True, mss: int | None = None, after: float | None = None) -> Wire:
        """The server sends data, cut to ``mss``; the client acknowledges it all at the end."""
        return self._data(Side.SERVER, data, ack, mss, after)

    def ack(self, side: str = Side.CLIENT, *, window: int | None = None, after: float | None = None) -> Wire:
        """A bare ACK of everything the other side has sent."""
        return self.segment(side, ACK, window=window, after=after)

    def keep_alive(self, side: str, data: bytes = b"", *, after: float | None = None) -> Wire:
        """A probe: one number below the next, with no byte or one (RFC 9293, 3.8.4)."""
        return self.segment(side, ACK, data, seq_offset=-1, advance=False, after=after)

    def segment(
        self,
        side: str,
        flags: int = ACK,
        data: bytes = b"",
        *,
        seq_offset: int = 0,
        seq: int | None = None,
        ack: int | None = None,
        window: int | None = None,
        ttl: int | None = None,
        advance: bool = True,
        after: float | None = None,
    ) -> Wire:
        """Anything. ``seq_offset`` counts from the next number due; ``advance=False`` leaves that number alone."""
        me, other = self._ends[Side(side)], self._ends[opposite(Side(side))]
        start = (me.next + seq_offset if seq is None else seq) % MODULUS
        end = (start + len(data) + bool(flags & SYN) + bool(flags & FIN)) % MODULUS
        if advance and not flags & RST and (end - me.next) % MODULUS < MODULUS // 2:
            me.next = end
        return self._send(
            Side(side),
            after,
            lambda time_ns: Segment(
                packet=0,
                time_ns=time_ns,
                source=me.endpoint,
                destination=other.endpoint,
                seq=start,
                ack=(other.next if ack is None else ack % MODULUS) if flags & ACK else 0,
                flags=flags,
                window=me.window if window is None else window,
                payload=data,
                length=len(data),
                mss=me.mss if flags & SYN else None,
                ttl=me.ttl if ttl is None else ttl,
                ip_id=self._ip_id(me),
            ),
        )

    # -- the script: ending -------------------------------------------------------------------------------------

    def fin_client(self, data: bytes = b"", *, after: float | None = None) -> Wire:
        return self.segment(Side.CLIENT, FIN | ACK, data, after=after)

    def fin_server(self, data: bytes = b"", *, after: float | None = None) -> Wire:
        return self.segment(Side.SERVER, FIN | ACK, data, after=after)

    def rst_client(self, data: bytes = b"", *, after: float | None = None) -> Wire:
        return self.segment(Side.CLIENT, RST | ACK, data, window=0, after=after)

    def rst_server(self, data: bytes = b"", *, after: float | None = None) -> Wire:
        return self.segment(Side.SERVER, RST | ACK, data, window=0, after=after)

    def close(self, by: str = Side.CLIENT, *, after: float | None = None) -> Wire:
        """FIN, FIN, ACK; ``by`` speaks first."""
        first = Side(by)
        return self.segment(first, FIN | ACK, after=after).segment(opposite(first), FIN | ACK).ack(first)

    # -- the script: what happens to packets --------------------------------------------------------------------

    def wait(self, seconds: float) -> Wire:
        """Time passes before the next packet."""
        self._waiting_ns += _nanoseconds(seconds)
        return self

    def lose(self, count: int = 1) -> Wire:
        """The next packets are sent, and received, and missing in the capture."""
        self._losing += count
        return self

    def again(self, back: int = 1, *, after: float | None = None) -> Wire:
        """Retransmit the packet sent ``back`` sends ago, lost ones counted: the same segment in a new IP packet."""
        old = self._segment_back(back)
        side = self._sent[-back].side
        return self._send(
            side, after, lambda time_ns: old._replace(time_ns=time_ns, ip_id=self._ip_id(self._ends[side]))
        )

    def copy(self, back: int = 1, *, after: float = 0.000_001) -> Wire:
        """The capture holds that packet a second time, IP identification and all: seen on two interfaces."""
        old = self._segment_back(back)
        return self._send(self._sent[-back].side, after, lambda time_ns: old._replace(time_ns=time_ns))

    def swap(self, back: int = 1) -> Wire:
        """The last packet arrives ``back`` places earlier: reordered, at the times the places had."""
        times = [sent.packet.time_ns for sent in self._sent[-back - 1 :]]
        moved = [self._sent[-1], *self._sent[-back - 1 : -1]]
        self._sent[-back - 1 :] = [
            replace(sent, packet=sent.packet._replace(time_ns=time)) for sent, time in zip(moved, times, strict=True)
        ]
        return self

    def cut(self, captured: int) -> Wire:
        """Of the last packet with data only so many payload bytes were captured (snaplen)."""
        for index in reversed(range(len(self._sent))):
            packet = self._sent[index].packet
            if isinstance(packet, Segment) and packet.payload:
                self._sent[index] = replace(
                    self._sent[index], packet=packet._replace(payload=packet.payload[:captured])
                )
                return self
        raise AssertionError("no packet with data to cut")

    # -- the script: what is not TCP ----------------------------------------------------------------------------

    def unreachable(
        self,
        kind: UnreachableKind = UnreachableKind.PORT,
        *,
        reporter: str | None = None,
        back: int = 1,
        after: float | None = None,
    ) -> Wire:
        """An ICMP or ICMPv6 destination unreachable about the segment sent ``back`` sends ago."""
        about = self._segment_back(back)
        host = ipaddress.ip_address(reporter).packed if reporter else about.destination.address
        return self._send(
            opposite(self._sent[-back].side),
            after,
            lambda time_ns: Unreachable(0, time_ns, host, about.source, about.destination, kind, about.seq),
            about,
        )

    def arp_who_has(self, target: str | None = None, *, after: float | None = None) -> Wire:
        """The client's host asks for the server's address (or ``target``)."""
        wanted = ipaddress.ip_address(target).packed if target else self._ends[Side.SERVER].endpoint.address
        asker = self._ends[Side.CLIENT].endpoint.address
        return self._send(Side.CLIENT, after, lambda time_ns: Arp(0, time_ns, False, asker, wanted))

    def arp_reply(self, sender: str | None = None, *, after: float | None = None) -> Wire:
        """The server (or ``sender``) answers."""
        owner = ipaddress.ip_address(sender).packed if sender else self._ends[Side.SERVER].endpoint.address
        asker = self._ends[Side.CLIENT].endpoint.address
        return self._send(Side.SERVER, after, lambda time_ns: Arp(0, time_ns, True, owner, asker))

    # -- products -----------------------------------------------------------------------------------------------

    @staticmethod
    def merge(*wires: Wire) -> Wire:
        """All packets of all wires in the order of their times; equal times keep the order of the wires."""
        return Wire._of(sorted((sent for wire in wires for sent in wire.read()), key=lambda sent: sent.packet.time_ns))

    @staticmethod
    def heard(segments: Iterable[tuple[Side, Segment]]) -> Wire:
        """What a tap noted, and which side sent it."""
        return Wire._of(Sent(segment, side) for side, segment in sorted(segments, key=lambda one: one[1].time_ns))

    def from_packet(self, number: int) -> Wire:
        """The same script, whose capture began later: with the packet that was sent as number ``number``."""
        return self._of(self.read()[number - 1 :])

    def without(self, indices: Collection[int]) -> Wire:
        """The same script; packets at these places (from 0) are missing in the capture and nobody sends them again."""
        return self._of(sent for index, sent in enumerate(self.read()) if index not in indices)

    def doubled(self) -> Wire:
        """The capture sat where packets pass twice."""
        return self._of(sent for sent in self.read() for _ in range(2))

    def between(self, client: str, server: str) -> Wire:
        """The TCP of the script between two other addresses, all else as it was."""
        to = {Side.CLIENT: ipaddress.ip_address(client).packed, Side.SERVER: ipaddress.ip_address(server).packed}

        def moved(packet: Segment, side: Side) -> Segment:
            source = packet.source._replace(address=to[side])
            destination = packet.destination._replace(address=to[opposite(side)])
            return packet._replace(source=source, destination=destination)

        return self._of(
            replace(sent, packet=moved(sent.packet, sent.side))
            for sent in self.read()
            if isinstance(sent.packet, Segment)
        )

    def __len__(self) -> int:
        """How many packets were sent, captured or not."""
        return len(self._sent)

    @property
    def ends_with_tcp(self) -> bool:
        """Whether the packet sent last is one that can be sent again."""
        return bool(self._sent) and isinstance(self._sent[-1].packet, Segment)

    def read(self) -> list[Sent]:
        """All that was sent, in order; the script counts as read until it goes on."""
        _UNREAD.pop(id(self), None)
        return self._sent

    def packets(self) -> list[Packet]:
        """What ``net`` makes of the capture."""
        return [sent.packet._replace(packet=number) for number, sent in self._captured()]

    def segments(self) -> list[Segment]:
        """The TCP among it; packet numbers count the rest too."""
        return [packet for packet in self.packets() if isinstance(packet, Segment)]

    def frames(self, link_type: int = ETHERNET, snaplen: int | None = None) -> list[Frame]:
        """The capture's packets as bytes. Link types: 0, 1, 12, 101, 113, 276."""
        frames = []
        for number, sent in self._captured():
            data, missing = frame_bytes(sent.packet, link_type, sent.about, outgoing=sent.side is Side.CLIENT)
            whole = len(data) + missing
            data = data if snaplen is None else data[:snaplen]
            frames.append(Frame(number, sent.packet.time_ns, link_type, data, whole))
        return frames

    def write(
        self,
        path: Path,
        *,
        link_type: int = ETHERNET,
        nanosecond: bool = True,
        snaplen: int | None = None,
        ended: float | None = None,
        drops: int | None = None,
        byte_order: str = "<",
    ) -> Path:
        """A file: pcapng when the name ends so, else classic pcap.

        ``ended`` (seconds after the last packet) and ``drops`` go into an interface statistics block: pcapng only.
        """
        frames = self.frames(link_type, snaplen)
        if path.suffix == ".pcapng":
            last_ns = frames[-1].time_ns if frames else self._time_ns
            end_ns = None if ended is None else last_ns + _nanoseconds(ended)
            path.write_bytes(pcapng_bytes(frames, link_type, nanosecond, snaplen, end_ns, drops, byte_order))
        else:
            assert ended is None, "a classic pcap has no end time"
            assert drops is None, "a classic pcap has no drop count"
            path.write_bytes(pcap_bytes(frames, link_type, nanosecond, snaplen, byte_order))
        return path

    # -- below the script ---------------------------------------------------------------------------------------

    def _data(self, side: Side, data: bytes, ack: bool, mss: int | None, after: float | None) -> Wire:
        size = mss or len(data)
        for start in range(0, len(data), size):
            last = start + size >= len(data)
            self.segment(side, ACK | PSH if last else ACK, data[start : start + size], after=after)
            after = None
        return self.ack(opposite(side)) if ack else self

    def _send(
        self, side: Side, after: float | None, make: Callable[[int], Packet], about: Segment | None = None
    ) -> Wire:
        usual = self._delay if self._sent else 0.0
        self._time_ns += self._waiting_ns + _nanoseconds(usual if after is None else after)
        self._waiting_ns = 0
        self._sent.append(Sent(make(self._time_ns), side, captured=self._losing == 0, about=about))
        _UNREAD[id(self)] = self
        self._losing = max(0, self._losing - 1)
        return self

    def _captured(self) -> Iterable[tuple[int, Sent]]:
        return enumerate((sent for sent in self.read() if sent.captured), start=1)

    @staticmethod
    def _of(sent: Iterable[Sent]) -> Wire:
        wire = Wire()
        wire._sent = list(sent)
        if wire._sent:
            _UNREAD[id(wire)] = wire
        return wire

    def _segment_back(self, back: int) -> Segment:
        packet = self._sent[-back].packet
        assert isinstance(packet, Segment), f"the packet {back} back is no TCP segment"
        return packet

    @staticmethod
    def _ip_id(end: _End) -> int | None:
        if len(end.endpoint.address) == 16:
            return None
        end.ip_id = (end.ip_id + 1) % 65_536
        return end.ip_id


def _nanoseconds(seconds: float) -> int:
    return round(seconds * NANOSECONDS)
