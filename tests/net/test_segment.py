"""The TCP header: its options, truncation and checksums."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory import count_kept
from net_frames import (
    CLIENT,
    CLIENT6,
    RAW,
    SERVER,
    SERVER6,
    ethernet,
    fragments,
    look,
    over_ipv4,
    over_ipv6,
    reason,
    segment,
)
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet as ScapyPacket

from ibsniff.model import Endpoint, Frame, Segment
from ibsniff.net import Dissector, SkipReason
from ibsniff.net import segment as room


def mss_of(**fields: object) -> int | None:
    found, _ = look(over_ipv4(segment(b"", **fields)), RAW)
    assert isinstance(found, Segment)
    return found.mss


@pytest.mark.parametrize("flags", ["S", "SA"])
def test_the_maximum_segment_size_of_a_syn(flags: str) -> None:
    assert mss_of(flags=flags, options=[("MSS", 1460)]) == 1460
    assert mss_of(flags=flags, options=[("NOP", None), ("WScale", 7), ("SAckOK", b""), ("MSS", 65495)]) == 65495
    assert mss_of(flags=flags, options=[("Timestamp", (1, 2))]) is None


def test_only_a_syn_has_one() -> None:
    assert mss_of(flags="A", options=[("MSS", 1460)]) is None


def test_options_after_the_end_marker_are_ignored() -> None:
    assert mss_of(flags="S", options=[("EOL", None), ("MSS", 1460)]) is None


def test_an_option_without_length_does_not_stop_the_reading() -> None:
    bare = bytearray(over_ipv4(segment(b"", flags="S", options=[("SAckOK", b""), ("MSS", 1460)])))
    assert bare[40:42] == b"\x04\x02"
    bare[41] = 0
    found, _ = look(bytes(bare), RAW)
    assert isinstance(found, Segment)
    assert found.mss == 1460


@pytest.mark.parametrize("length", [0, 3, 6])
def test_an_mss_option_of_another_length_is_ignored(length: int) -> None:
    bare = bytearray(over_ipv4(segment(b"", flags="S", options=[("MSS", 1460), ("NOP", None), ("NOP", None)])))
    bare[41] = length
    found, _ = look(bytes(bare) + bytes(8), RAW)
    assert isinstance(found, Segment)
    assert found.mss is None


@given(st.binary(max_size=40))
def test_any_options_at_all(options: bytes) -> None:
    options = options.ljust(-len(options) % 4 + len(options), b"\0")
    packet = bytearray(over_ipv4(segment(options, flags="S")))
    packet[32] = (20 + len(options)) // 4 << 4
    found, _ = look(bytes(packet), RAW)
    assert isinstance(found, Segment)
    assert found.length == 0


def test_a_short_header_is_cut_only_if_the_snaplen_cut_it() -> None:
    data = ethernet(over_ipv4(segment()))
    for length in range(54):
        assert reason(data[:length], wire_length=len(data)) == SkipReason.CUT
        assert reason(data[:length]) == SkipReason.DAMAGED


def test_other_ports_are_skipped_as_soon_as_the_ports_are_captured() -> None:
    data = ethernet(over_ipv4(segment(to=443)))
    assert reason(data[:38], wire_length=len(data)) == SkipReason.OTHER_PORTS
    assert reason(data[:37], wire_length=len(data)) == SkipReason.CUT


def test_the_cache_of_flows_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_FLOWS", 4)
    flows = room.FlowCache()
    for port in range(50):
        key = bytes([10, 0, 0, 1, 10, 0, 0, 2]) + port.to_bytes(2) + b"\x1d\x49"
        assert flows.find(key)[:2] == (Endpoint(key[:4], port), Endpoint(key[4:8], 7497))
        assert count_kept(flows, Endpoint) <= 2 * 4


# -- checksums: scapy computes them ------------------------------------------------------------------------------


def intact(packet: bytes, **options: object) -> bool | None:
    found, _ = look(packet, RAW, **options)  # type: ignore[arg-type]
    assert isinstance(found, Segment)
    return found.intact


OVER = [
    lambda upper: bytes(IP(src=CLIENT, dst=SERVER) / upper),
    lambda upper: bytes(IPv6(src=CLIENT6, dst=SERVER6) / upper),
    lambda upper: bytes(IPv6(src="::ffff:10.1.2.3", dst="::ffff:10.9.8.7") / upper),
]


@pytest.mark.parametrize("over", OVER, ids=["IPv4", "IPv6", "IPv4-mapped"])
@given(payload=st.binary(max_size=300), place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_makes_a_checksum_wrong(over, payload: bytes, place: int, bit: int) -> None:
    packet = over(segment(payload))
    known = intact(packet)
    assert known in {True, None}  # None: by chance it looks as if it were still to be computed
    start = len(packet) - len(payload) - 20
    damaged = bytearray(packet)
    # not the length of the header, without which there is no segment, and not the checksum itself
    places = [at for at in range(start, len(packet)) if at - start not in {12, 16, 17}]
    damaged[places[place % len(places)]] ^= 1 << bit
    assert not known or intact(bytes(damaged), ports=None) is False


def pseudo_sum(packet: bytes, length: int) -> int:
    return (int.from_bytes(packet[12:20]) + 6 + length) % 0xFFFF


@pytest.mark.parametrize("length", [0, 25], ids=["without the length", "with the length"])
def test_a_checksum_left_to_offload_is_not_judged(length: int) -> None:
    packet = over_ipv4(segment(b"hello"))
    left = pseudo_sum(packet, length)
    assert intact(over_ipv4(segment(b"hello", chksum=left))) is None
    assert intact(over_ipv4(segment(b"hello", chksum=left + 1))) is False
    assert intact(over_ipv4(segment(b"hello", chksum=0))) is None


def test_a_checksum_over_bytes_not_captured_is_not_judged() -> None:
    packet = over_ipv4(segment(b"hello"))
    assert intact(packet[:-1], wire_length=len(packet)) is None


def test_the_checksum_of_a_merged_segment_is_not_judged() -> None:
    longest = b"x" * (1_500 - 20)
    assert intact(over_ipv4(segment(longest, chksum=1))) is False
    assert intact(over_ipv4(segment(longest + b"x", chksum=1))) is None


def test_the_checksum_of_a_fragmented_segment() -> None:
    for checksum, expected in ((None, True), (1, False)):
        whole: ScapyPacket = segment(bytes(range(200)), chksum=checksum)
        room_of_its_own = Dissector(None, Counter())
        parts = fragments(over_ipv4(whole), [5, 9])
        found = [room_of_its_own.dissect(Frame(1, 1, RAW, part, len(part))) for part in parts][-1]
        assert isinstance(found, Segment)
        assert found.intact is expected


@pytest.mark.parametrize("packet", [over_ipv4(segment(b"hello", chksum=1)), over_ipv6(segment(b"hello", chksum=1))])
def test_checksums_on_other_ports_are_not_verified(packet: bytes) -> None:
    assert reason(packet.replace(b"\x1d\x49", b"\0\x50", 1), RAW) == SkipReason.OTHER_PORTS
