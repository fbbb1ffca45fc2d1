"""Fragments in any order are reassembled exactly, within bounds that are reported."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from net_frames import PORTS, RAW, fragments, look, over_ipv4, over_ipv6, segment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, fragment6
from scapy.packet import Raw

from ibsniff.model import NANOSECONDS, Frame, Packet, Segment
from ibsniff.net import Dissector, SkipReason
from ibsniff.net import fragments as room

PAYLOAD = bytes(range(256)) * 8


def feed(parts: list[bytes], *, step_ns: int = 1) -> tuple[list[Packet], Counter[str]]:
    """Dissect raw IP packets in this order, to the end of the capture."""
    skipped: Counter[str] = Counter()
    dissector = Dissector(PORTS, skipped)
    frames = [Frame(number, number * step_ns, RAW, part, len(part)) for number, part in enumerate(parts, 1)]
    found = [packet for packet in map(dissector.dissect, frames) if packet is not None]
    dissector.finish()
    return found, skipped


@given(st.data())
def test_any_fragments_in_any_order_with_duplicates(data: st.DataObject) -> None:
    whole = over_ipv4(segment(PAYLOAD))
    parts = fragments(whole, data.draw(st.lists(st.integers(1, 256), min_size=1, max_size=12)))
    order = data.draw(st.permutations(parts))
    repeated = data.draw(st.lists(st.sampled_from(order[:-1]), max_size=4)) if len(order) > 1 else []
    found, skipped = feed(repeated + list(order))
    expected, _ = look(whole, RAW)
    assert isinstance(expected, Segment)
    assert found == [expected._replace(packet=found[0].packet, time_ns=found[0].time_ns)]
    assert found[0].packet == len(repeated) + len(order)
    assert not skipped


@given(st.permutations(range(5)))
def test_ipv6_in_any_order(order: list[int]) -> None:
    options = IPv6ExtHdrDestOpt()
    whole = IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrFragment(id=9) / options / segment(PAYLOAD)
    parts = [bytes(part) for part in fragment6(whole, 500)]
    found, skipped = feed([parts[index] for index in order])
    assert len(parts) == 5
    assert [packet.payload for packet in found if isinstance(packet, Segment)] == [PAYLOAD]
    assert not skipped


def test_the_first_bytes_are_used_where_fragments_overlap() -> None:
    whole = over_ipv4(segment(b"a" * 76))  # 96 bytes of IP payload
    other = over_ipv4(segment(b"b" * 76))
    first = fragments(whole, [6])[0]
    overlapping = fragments(other, [4])[1]
    found, _ = feed([first, overlapping])
    assert isinstance(found[0], Segment)
    assert found[0].payload == b"a" * 28 + b"b" * 48
    found, _ = feed([overlapping, first])
    assert isinstance(found[0], Segment)
    assert found[0].payload == b"a" * 12 + b"b" * 64


def is_fragment(place: tuple[int, int, bool]) -> bool:
    """Tell whether it is a fragment: a first part that is also the last is a whole datagram."""
    offset, _, last = place
    return offset > 0 or not last


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(1, 6), st.booleans()).filter(is_fragment), max_size=14),
    st.integers(0, 13),
)
def test_any_overlaps_against_a_byte_by_byte_model(places: list[tuple[int, int, bool]], last_at: int) -> None:
    """Each place has offset and length in units of 8 bytes, and whether it is marked as the last."""
    header = bytes(over_ipv4(segment(b""))[20:])
    expected: list[int | None] = [None] * 300
    parts, total, complete_at = [], None, None
    for number, (offset, length, last) in enumerate([*places[:last_at], (0, 3, False), *places[last_at:]], 1):
        content = header + bytes([number]) * 4 if (offset, length) == (0, 3) else bytes([number]) * length * 8
        parts.append(over_ipv4(Raw(content), proto=6, frag=offset, flags=0 if last else "MF"))
        for place, value in enumerate(content, offset * 8):
            expected[place] = value if expected[place] is None else expected[place]
        total = (offset + length) * 8 if last and total is None else total
        if total is not None and None not in expected[:total]:
            complete_at = number
            break
    found, skipped = feed(parts)
    joined = bytes(value or 0 for value in expected[:total])
    if complete_at is None:
        assert (found, skipped) == ([], Counter({SkipReason.FRAGMENT_INCOMPLETE: len(parts)}))
    elif found:
        assert isinstance(found[0], Segment)
        assert found[0].packet == complete_at
        assert found[0].payload == joined[(joined[12] >> 4) * 4 :]
        assert not skipped
    else:
        assert skipped.total() == len(parts)
        assert set(skipped) <= {SkipReason.OTHER_PORTS, SkipReason.DAMAGED}


@pytest.mark.parametrize("missing", range(4))
def test_incomplete_datagrams_are_counted(missing: int) -> None:
    parts = fragments(over_ipv4(segment(PAYLOAD)), [50, 100, 150])
    del parts[missing]
    assert feed(parts) == ([], Counter({SkipReason.FRAGMENT_INCOMPLETE: 3}))


def test_every_fragment_of_a_segment_on_another_port_is_counted() -> None:
    parts = fragments(over_ipv4(segment(PAYLOAD, to=443)), [50, 100])
    assert feed(parts) == ([], Counter({SkipReason.OTHER_PORTS: 3}))


def test_fragments_of_other_protocols_are_not_kept() -> None:
    parts = fragments(over_ipv4(Raw(PAYLOAD), proto=17), [50, 100])
    found, skipped = look(parts[1], RAW)
    assert (found, skipped) == (None, Counter({SkipReason.NOT_TCP: 1}))


def test_two_datagrams_do_not_mix() -> None:
    ours = fragments(over_ipv4(segment(PAYLOAD)), [50])
    theirs = fragments(bytes(over_ipv4(segment(PAYLOAD[::-1]))).replace(b"\0\x4d", b"\0\x4e", 1), [50])
    found, _ = feed([ours[0], theirs[1], theirs[0], ours[1]])
    assert [(packet.packet, packet.payload) for packet in found if isinstance(packet, Segment)] == [
        (3, PAYLOAD[::-1]),
        (4, PAYLOAD),
    ]


def test_old_fragments_expire_by_packet_time() -> None:
    parts = fragments(over_ipv4(segment(PAYLOAD)), [50])
    found, skipped = feed(parts, step_ns=room.MAX_AGE_NS)
    assert len(found) == 1
    found, skipped = feed(parts, step_ns=room.MAX_AGE_NS + NANOSECONDS)
    assert (found, skipped) == ([], Counter({SkipReason.FRAGMENT_INCOMPLETE: 2}))


def numbered(count: int) -> list[bytes]:
    """Return the first fragments of this many datagrams."""
    part = fragments(over_ipv4(segment(PAYLOAD)), [64])[0]
    return [part[:4] + number.to_bytes(2) + part[6:] for number in range(count)]


@pytest.mark.parametrize(("bound", "value"), [("MAX_DATAGRAMS", 10), ("MAX_BYTES", 10 * 512)])
def test_the_bounds_discard_the_oldest_and_count_them(monkeypatch: pytest.MonkeyPatch, bound: str, value: int) -> None:
    monkeypatch.setattr(room, bound, value)
    found, skipped = feed(numbered(13))
    assert found == []
    assert skipped == Counter({SkipReason.FRAGMENT_LIMIT: 3, SkipReason.FRAGMENT_INCOMPLETE: 10})


def test_a_datagram_in_too_many_pieces_is_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_PIECES", 5)
    parts = fragments(over_ipv4(segment(PAYLOAD)), list(range(1, 20)))
    _, skipped = feed(parts[:6])
    assert skipped == Counter({SkipReason.FRAGMENT_LIMIT: 6})


def test_impossible_fragments_are_damage() -> None:
    first, _ = fragments(over_ipv4(segment(PAYLOAD)), [50])
    too_far = bytearray(first)
    too_far[6:8] = b"\x3f\xff"
    uneven = bytearray(first)
    uneven[2:4] = (len(first) - 3).to_bytes(2)
    empty = bytearray(first)
    empty[2:4] = b"\0\x14"
    for part in (too_far, uneven, empty):
        assert feed([bytes(part)]) == ([], Counter({SkipReason.DAMAGED: 1}))


def test_a_fragment_cut_by_the_snaplen_ends_the_payload_there() -> None:
    first, second, third = fragments(over_ipv4(segment(PAYLOAD)), [50, 100])
    skipped: Counter[str] = Counter()
    dissector = Dissector(PORTS, skipped)
    dissector.dissect(Frame(1, 1, RAW, first, len(first)))
    dissector.dissect(Frame(2, 2, RAW, second[:120], len(second)))
    found = dissector.dissect(Frame(3, 3, RAW, third, len(third)))
    assert isinstance(found, Segment)
    assert found.length == len(PAYLOAD)
    assert found.payload == PAYLOAD[: 400 - 20 + 100]


def test_a_fragment_of_a_fragment_is_damage() -> None:
    inner = bytes(IPv6ExtHdrFragment(nh=6, offset=5, m=0)) + bytes(24)
    parts = [
        over_ipv6(IPv6ExtHdrFragment(nh=44, offset=0, m=1, id=3) / Raw(inner[:16])),
        over_ipv6(IPv6ExtHdrFragment(nh=44, offset=2, m=0, id=3) / Raw(inner[16:])),
    ]
    assert feed(parts) == ([], Counter({SkipReason.DAMAGED: 2}))


def test_incomplete_extension_headers_are_damage() -> None:
    inner = b"\x3c\0" + bytes(6) + b"\x06\1" + bytes(6)  # the second says it is 16 bytes long
    parts = [
        over_ipv6(IPv6ExtHdrFragment(nh=60, offset=0, m=1, id=3) / Raw(inner[:8])),
        over_ipv6(IPv6ExtHdrFragment(nh=60, offset=1, m=0, id=3) / Raw(inner[8:12])),
    ]
    assert feed(parts) == ([], Counter({SkipReason.DAMAGED: 2}))
