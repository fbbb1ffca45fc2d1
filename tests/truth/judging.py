"""What we say of a capture against what the programs read, byte for byte and gap for gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

import dpkt
from tcp_replay import Replay
from truth.transfer import Done

from ibsniff.model import SYN, Connection, Frame, Gap, Run, Segment, Side
from ibsniff.net import Dissector

MODULUS = 2**32


def replay(frames: Iterable[Frame]) -> Replay:
    """All connections of the frames, whatever their ports."""
    dissector = Dissector(ports=None, skipped=Counter())
    packets = (dissector.dissect(frame) for frame in frames)
    return Replay(packet for packet in packets if isinstance(packet, Segment))


def connection_of(done: Done, replayed: Replay) -> Connection:
    """The one between the two programs. Where a damaged SYN made two of it, the longer one."""
    ends = {done.client, done.server}
    found = [each for each in replayed.connections if {each.client, each.server} == ends]
    return max(found, key=lambda each: each.from_client.segments + each.from_server.segments)


def streams(done: Done, replayed: Replay) -> dict[Side, list[Run | Gap]]:
    """What we read, by the program that sent it (in a simultaneous open ours may count the other one as client)."""
    connection = connection_of(done, replayed)
    turned = connection.client != done.client
    other = {Side.CLIENT: Side.SERVER, Side.SERVER: Side.CLIENT}
    return {side: replayed.of(other[side] if turned else side, connection) for side in Side}


def is_equal(events: list[Run | Gap], truth: bytes) -> bool:
    """Every byte, and no gap."""
    return b"".join(event.data if isinstance(event, Run) else b"" for event in events) == truth and not any(
        isinstance(event, Gap) for event in events
    )


def thinned(frames: list[Frame], share: float, random: Random) -> list[Frame]:
    """The same capture with frames missing, but no SYN: what the stream begins with stays known."""
    kept = [frame for frame in frames if random.random() >= share or _is_syn(frame)]
    return [frame._replace(number=number) for number, frame in enumerate(kept, 1)]


@dataclass(frozen=True)
class Sight:
    """Independently of our rooms (dpkt): which bytes of a direction a capture holds, and how long it knows the stream is."""

    first_packet: list[int | None]
    """By stream offset: the first packet that holds this byte."""
    reach: range
    """The lengths it may have. The last number that only ACKs or bare segments tell of may be a byte's or the FIN's."""

    def faults(self, events: list[Run | Gap], truth: bytes) -> list[str]:
        """What is wrong about what we said; a gap may hold bytes only if they came after it was given up."""
        wrong, at = [], 0
        for event in events:
            if isinstance(event, Run):
                if event.data != truth[event.offset : event.offset + len(event.data)]:
                    wrong.append(f"other bytes at {event.offset}")
                at = event.offset + len(event.data)
                continue
            at = event.offset + event.length
            held = [self.first_packet[place] for place in range(event.offset, min(at, len(truth)))]
            if any(packet is not None and packet <= event.noticed.packet for packet in held):
                wrong.append(f"a gap at {event.offset} that the capture fills")
        if at not in self.reach:
            wrong.append(f"the end at {at}, known to be in {self.reach}")
        return wrong


def look(done: Done, frames: list[Frame]) -> dict[Side, Sight]:
    """Both directions of a capture without fragments and damage."""
    lengths = {side: len(done.read[side]) for side in Side}
    first: dict[Side, list[int | None]] = {side: [None] * lengths[side] for side in Side}
    starts: dict[Side, int] = {}
    seen, fin, told = Counter[Side](), dict.fromkeys(Side, 0), Counter[Side]()
    ports = {done.client.port, done.server.port}
    packets = [(frame.number, tcp) for frame in frames if (tcp := _parsed(frame)) and {tcp.sport, tcp.dport} == ports]
    for _, tcp in packets:
        if tcp.flags & dpkt.tcp.TH_SYN:
            starts[_sender(done, tcp)] = tcp.seq + 1
    for number, tcp in packets:
        side = _sender(done, tcp)
        other = Side.SERVER if side is Side.CLIENT else Side.CLIENT
        if tcp.flags & (dpkt.tcp.TH_SYN | dpkt.tcp.TH_RST):
            continue
        offset = (tcp.seq - starts[side]) % MODULUS
        if offset < MODULUS // 2:
            end = offset + len(tcp.data)
            seen[side] = max(seen[side], end) if tcp.data else seen[side]
            told[side] = max(told[side], end)
            fin[side] |= bool(tcp.flags & dpkt.tcp.TH_FIN)
            for place in range(offset, end):
                first[side][place] = first[side][place] or number
        told[other] = max(told[other], (tcp.ack - starts[other]) % MODULUS)
    reach = {side: _reach(lengths[side], seen[side], bool(fin[side]), told[side]) for side in Side}
    return {side: Sight(first[side], reach[side]) for side in Side}


def _reach(length: int, seen: int, fin: bool, told: int) -> range:
    if fin or seen == length:
        return range(length, length + 1)
    return range(max(seen, told - 1), max(seen, told) + 1)


def _sender(done: Done, tcp: dpkt.tcp.TCP) -> Side:
    return Side.CLIENT if tcp.sport == done.client.port else Side.SERVER


def _parsed(frame: Frame) -> dpkt.tcp.TCP | None:
    network = dpkt.ethernet.Ethernet(frame.data).data
    tcp = network.data if isinstance(network, dpkt.ip.IP | dpkt.ip6.IP6) else None
    return tcp if isinstance(tcp, dpkt.tcp.TCP) else None


def _is_syn(frame: Frame) -> bool:
    tcp = _parsed(frame)
    return tcp is not None and bool(tcp.flags & SYN)
