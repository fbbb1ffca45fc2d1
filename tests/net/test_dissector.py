"""The dissector: which ports matter, that the fast path changes no result, and that nothing raises."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from net_frames import LINKS, MAC, PORTS, RAW, ethernet, fragments, look, over_ipv4, over_ipv6, reason, segment
from scapy.layers.inet import ICMP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6ExtHdrHopByHop
from scapy.layers.l2 import ARP
from scapy.packet import Raw

from ibsniff.model import Frame, Packet, Segment, StrayHello
from ibsniff.net import Dissector, SkipReason
from ibsniff.net import dissector as room
from ibsniff.net.link import READERS


def test_either_port_makes_a_segment_matter() -> None:
    assert isinstance(look(over_ipv4(segment(to=7497)), RAW)[0], Segment)
    assert isinstance(look(over_ipv4(segment(to=443, sport=7497)), RAW)[0], Segment)
    assert reason(over_ipv4(segment(b"GET /", to=443)), RAW) == SkipReason.OTHER_PORTS


@pytest.mark.parametrize("port", [0, 443, 65535])
def test_no_ports_given_means_all(port: int) -> None:
    found, skipped = look(over_ipv4(segment(to=port)), RAW, ports=None)
    assert isinstance(found, Segment)
    assert not skipped


@pytest.mark.parametrize("link", LINKS)
def test_a_hello_on_another_port_is_recognised(link: str) -> None:
    link_type, before_ipv4, before_ipv6 = LINKS[link]
    for data in (before_ipv4 + over_ipv4(segment(to=5000)), before_ipv6 + over_ipv6(segment(to=5000))):
        found, skipped = look(data, link_type)
        assert isinstance(found, StrayHello)
        assert (found.source.port, found.destination.port) == (50000, 5000)
        assert not skipped


def test_a_hello_after_tcp_options() -> None:
    packet = over_ipv4(segment(to=5000, options=[("NOP", None), ("NOP", None), ("Timestamp", (1, 2))]))
    assert isinstance(look(packet, RAW)[0], StrayHello)


@pytest.mark.parametrize(
    "data",
    [
        over_ipv4(segment(b"API", to=5000)),
        over_ipv4(segment(b"", to=5000)) + b"API\0",
        over_ipv4(segment(b" API\0", to=5000)),
        over_ipv4(segment(b"API\0", to=5000, dataofs=6)),
        over_ipv4(segment(b"x", sport=0x4150, to=0x4900, dataofs=0)),
    ],
    ids=["three bytes", "in the padding", "not at the start", "among the options", "the ports"],
)
def test_other_payloads_are_not_hellos(data: bytes) -> None:
    assert reason(ethernet(data)) == SkipReason.OTHER_PORTS


EVERYTHING = [
    *(over_ipv4(segment(payload, to=port)) for payload in (b"", b"API\0", b"x" * 70) for port in (7497, 443)),
    *(over_ipv6(segment(payload, to=port)) for payload in (b"", b"API\0", b"x" * 70) for port in (7497, 443)),
    over_ipv4(segment(b"", flags="S", options=[("MSS", 1460), ("SAckOK", b""), ("WScale", 7)])),
    over_ipv4(segment(b"x"), options=b"\x94\x04\x00\x00"),
    over_ipv4(segment(b"x" * 70), len=0),
    over_ipv6(IPv6ExtHdrHopByHop() / segment(b"x")),
    *fragments(over_ipv4(segment(b"x" * 70)), [4]),
    over_ipv4(ICMP(type=3, code=3) / Raw(over_ipv4(segment(b"x")))),
    over_ipv6(ICMPv6DestUnreach(code=4) / Raw(over_ipv6(segment(b"x")))),
    over_ipv4(UDP(dport=4789) / Raw(b"x" * 40)),
    over_ipv6(UDP(dport=4789) / Raw(b"x" * 40)),
    *(over_ipv4(UDP(dport=53) / Raw(b"x" * 40), len=length) for length in (None, 0, 19, 20, 27, 900)),
    *(over_ipv6(UDP(dport=53) / Raw(b"x" * 40), plen=length) for length in (None, 0, 7, 900)),
    *(over_ipv4(segment(b"x" * 70, to=port), len=900) for port in (7497, 443)),
    *(over_ipv6(segment(b"x" * 70, to=port), plen=900) for port in (7497, 443)),
]
FRAMES = [
    *((LINKS[link][0], LINKS[link][1 if data[0] >> 4 == 4 else 2] + data) for link in LINKS for data in EVERYTHING),
    (1, MAC + b"\x08\x06" + bytes(ARP(psrc="10.0.0.1", pdst="10.0.0.2"))),
    (258, b"\x6c\0\0\0\1\0\0\0\0\0\0\0" + bytes(96) + b"\2\0\0\0" + over_ipv4(segment())),
]
LINK_TYPES = [*READERS, 147]
PORT_CHOICES = [PORTS, None]


def both_ways(
    frames: list[tuple[int, bytes]], ports: frozenset[int] | None, more_on_the_wire: int = 0
) -> tuple[list[Packet | None], Counter[str]]:
    """Dissect the frames with and without the fast path; both must agree, and count each frame."""
    outcomes = []
    for short_cuts in (room.FIXED_LINK_HEADERS, {}):
        skipped: Counter[str] = Counter()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(room, "FIXED_LINK_HEADERS", short_cuts)
            dissector = Dissector(ports, skipped)
            found = [
                dissector.dissect(Frame(number, number, link_type, data, len(data) + more_on_the_wire))
                for number, (link_type, data) in enumerate(frames, 1)
            ]
            dissector.finish()
        outcomes.append((found, skipped))
    assert outcomes[0] == outcomes[1]
    return outcomes[0]


def assert_accounted(found: list[Packet | None], skipped: Counter[str]) -> None:
    returned = sum(packet is not None for packet in found)
    assert returned + skipped.total() == len(found)


@pytest.mark.parametrize("ports", PORT_CHOICES, ids=["ports", "any port"])
def test_every_frame_truncated_at_every_length(ports: frozenset[int] | None) -> None:
    for link_type, data in FRAMES:
        for length in range(len(data) + 1):
            assert_accounted(*both_ways([(link_type, data[:length])], ports, len(data) - length))
            assert_accounted(*both_ways([(link_type, data[:length])], ports))


@given(st.sampled_from(LINK_TYPES), st.binary(max_size=200), st.sampled_from(PORT_CHOICES), st.integers(0, 2000))
def test_any_bytes_at_all(link_type: int, data: bytes, ports: frozenset[int] | None, more: int) -> None:
    assert_accounted(*both_ways([(link_type, data)], ports, more))


changes = st.lists(st.tuples(st.integers(0, 150), st.integers(0, 255)), max_size=4)


@given(st.lists(st.tuples(st.sampled_from(FRAMES), changes), min_size=1, max_size=6), st.sampled_from(PORT_CHOICES))
def test_damaged_frames(
    frames: list[tuple[tuple[int, bytes], list[tuple[int, int]]]], ports: frozenset[int] | None
) -> None:
    damaged = []
    for (link_type, data), places in frames:
        changed = bytearray(data)
        for place, value in places:
            changed[place % len(changed)] = value
        damaged.append((link_type, bytes(changed)))
    found, skipped = both_ways(damaged, ports)
    # Fragments that were joined have gone into a later frame's segment and are neither returned nor skipped.
    assert sum(packet is not None for packet in found) + skipped.total() <= len(found)


def test_a_wire_length_below_the_captured_length_is_accepted() -> None:
    data = ethernet(over_ipv4(segment(b"hello"), len=0))
    found, _ = look(data, wire_length=0)
    assert isinstance(found, Segment)
    assert found.payload == b"hello"


def test_reasons_add_up_over_a_capture() -> None:
    skipped: Counter[str] = Counter()
    dissector = Dissector(PORTS, skipped)
    for number, data in enumerate([ethernet(over_ipv4(segment(b"x", to=443)))] * 5 + [MAC + b"\x88\xcc"] * 2, 1):
        assert dissector.dissect(Frame(number, number, 1, data, len(data))) is None
    assert skipped == {"TCP on other ports": 5, "not IP": 2}
