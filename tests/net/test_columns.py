"""Dissecting columns equals dissecting frames one by one, and checksums follow RFC 1071."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lanes.generated import ACK, Host, ones_sum, tcp_packet
from net_frames import LINKS, PORTS, ethernet, over_ipv4, over_ipv6, segment
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from ibsniff.model import Columns, Segment
from ibsniff.net import Dissector, columns
from ibsniff.net.checksums import ONES, ones_complement_sums


@pytest.fixture(autouse=True)
def _every_segment_is_worth_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(columns, "COLUMNS_MIN_ONE_IN", 1 << 20)


def many(frames: list[bytes], link_type: int, between: bytes = b"", cut: int = 0) -> Columns:
    """Put frames into one buffer; the last ``cut`` bytes of each were not captured."""
    kept = [frame[: len(frame) - cut] for frame in frames]
    sizes = np.array([len(frame) for frame in kept], np.int64)
    starts = np.cumsum(sizes + len(between)) - sizes
    wire = np.array([len(frame) for frame in frames], np.int64)
    return Columns(1, link_type, b"".join(between + frame for frame in kept), starts, sizes, wire, starts)


def check(found: Columns, ports: frozenset[int] | None = PORTS) -> int:
    """Assert that both ways through the dissector agree; return how many segments were given as columns."""
    told: Counter[str] = Counter()
    one_by_one = Dissector(ports, told)
    expected = [one_by_one.dissect(found.frame(index)) for index in range(len(found))]
    skipped = Counter(dict.fromkeys(("not TCP", "TCP on other ports"), 0))
    dissector = Dissector(ports, skipped)
    dissected = dissector.dissect_columns(found)
    assert dissected is not None
    taken: set[int] = set()
    for segments in dissected.segments:
        for row, index in enumerate(segments.indices.tolist()):
            packet = expected[index]
            assert isinstance(packet, Segment)
            start, length = int(segments.starts[row]), int(segments.lengths[row])
            assert (packet.source, packet.destination) == segments.ends[segments.flows[row]]
            assert (packet.seq, packet.ack, packet.length) == (segments.seq[row], segments.ack[row], length)
            assert packet.payload == found.buffer[start : start + length]
            assert (packet.ip_id or 0) == segments.ip_ids[row]
            assert (
                packet.intact
                is {(True, False): True, (False, True): False, (False, False): None}[
                    bool(segments.right[row]), bool(segments.wrong[row])
                ]
            )
            assert packet.flags & 0x17 == ACK
            assert packet.window
            taken.add(index)
    others = dissected.others.tolist()
    assert taken.isdisjoint(others)
    assert others == sorted(others)
    for index in others:
        assert dissector.dissect(found.frame(index)) == expected[index]
        taken.add(index)
    assert all(expected[index] is None for index in set(range(len(found))) - taken)
    assert +skipped == told
    return sum(len(segments.indices) for segments in dissected.segments)


PAYLOADS = [b"", b"x", b"API\0", bytes(9), b"odd", bytes(2000)]


def packets(wrap) -> list[bytes]:
    """Regular and irregular API segments, and packets that do not matter."""
    api = [segment(payload, chksum=chksum) for payload in PAYLOADS for chksum in (None, 0, 0x1234)]
    odd = [segment(flags=flags) for flags in ("S", "SA", "F", "R", "FA", "", "PAU")] + [segment(window=0)]
    strangers = [segment(payload, to=443) for payload in PAYLOADS] + [segment(dataofs=3), segment(to=443, dataofs=15)]
    tunnels = [UDP(dport=4789) / VXLAN() / Raw(ethernet(wrap(segment(b"x")))), GRE(proto=0x800) / over_ipv4(segment())]
    others = [UDP(dport=53), UDP(dport=4789) / VXLAN(), UDP(sport=7497), IP() / segment(), IPv6() / segment()]
    return [wrap(one) for one in (*api, *odd, *strangers, *tunnels, *others)]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("cut", [0, 3, 30])
def test_columns_of_each_link_layer_equal_packets_read_one_by_one(link: str, cut: int):
    link_type, before4, before6 = LINKS[link]
    frames = [before4 + packet for packet in packets(over_ipv4)] + [before6 + packet for packet in packets(over_ipv6)]
    for upper in (segment(), segment(to=443), UDP(dport=53) / bytes(30)):
        for size in (0, 7, 19, 20):
            frames += [before4 + over_ipv4(upper, len=20 + size), before6 + over_ipv6(upper, plen=size)]
        frames.append(before4 + over_ipv4(upper, len=19))
    frames += [frame + b"padding" for frame in frames] + [frame[:size] for frame in frames[:2] for size in range(80)]
    for between in (b"", b"x", b"API\0"):
        taken = check(many(frames, link_type, between))
        check(many([frame for frame in frames if len(frame) > cut], link_type, between, cut=cut))
        check(many(frames, link_type, between), None)
    tagged = "VLAN" in link or "QinQ" in link or "PPPoE" in link
    assert (taken == 0) == tagged


def test_nothing_is_read_beyond_the_buffer():
    for link_type in (0, 1, 12, 101, 108, 113, 276):
        for size in (0, 1, 14, 40, 54):
            check(many([b"\x45" * size], link_type))


@settings(max_examples=100)
@given(
    kinds=st.lists(st.sampled_from(["none", "offload", "card", "right", "wrong"]), min_size=1, max_size=8),
    sizes=st.lists(st.integers(0, 90), min_size=8, max_size=8),
    between=st.binary(max_size=5),
    version=st.sampled_from([4, 6]),
    fill=st.sampled_from([b"\0", b"\xff", b"x"]),
)
def test_checksums_of_columns_equal_those_read_one_by_one(kinds, sizes, between, version, fill):
    addresses = (b"\x0a\0\0\1", b"\xff\xff\xff\xff") if version == 4 else (bytes(16), b"\xff" * 16)
    ends = Host(addresses[0], 50_000), Host(addresses[1], 7497)
    frames = [
        tcp_packet(*ends, 1, 1, ACK, fill * size, checksum=kind).data for kind, size in zip(kinds, sizes, strict=False)
    ]
    assert check(many(frames, 101, between)) == len(frames)


@given(st.binary(max_size=300), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=20))
def test_sums_follow_rfc_1071(buffer: bytes, pieces: list[tuple[int, int]]):
    places = [sorted((min(one, len(buffer)), min(two, len(buffer)))) for one, two in pieces]
    starts, ends = (np.array([place[side] for place in places], np.int64) for side in (0, 1))
    expected = [ones_sum(buffer[start:end]) % ONES for start, end in places]
    assert ones_complement_sums(buffer, starts, ends).tolist() == expected


def test_many_flows_are_distinguished(monkeypatch: pytest.MonkeyPatch):
    frames = [
        tcp_packet(
            Host(bytes((10, 0, 0, number % 7)), 50_000 + number % 11), Host(b"\x0a\0\0\x09", 7497), 1, 1, ACK
        ).data
        for number in range(200)
    ]
    assert check(many(frames, 101)) == 200
    monkeypatch.setattr(columns, "HASH_MULTIPLIER", np.uint64(0))
    assert check(many(frames, 101)) == 0, "all hashes are equal, so that none of them tells anything"
