"""Link layers: the same packet is read after any link header."""

from __future__ import annotations

import pytest
from net_frames import CLIENT, CLIENT6, LINKS, MAC, look, over_ipv4, over_ipv6, reason, segment

from ibsniff.model import Segment
from ibsniff.net import SkipReason


@pytest.mark.parametrize("link", LINKS)
def test_a_segment_comes_out_of_every_link_type(link: str) -> None:
    link_type, before_ipv4, before_ipv6 = LINKS[link]
    for header, packet, address in (
        (before_ipv4, over_ipv4(segment()), CLIENT),
        (before_ipv6, over_ipv6(segment()), CLIENT6),
    ):
        found, skipped = look(header + packet, link_type)
        assert isinstance(found, Segment)
        assert (found.source.ip, found.source.port, found.payload) == (address, 50000, b"API\0")
        assert not skipped


@pytest.mark.parametrize(
    ("link_type", "words"),
    [
        (147, "link type 147 (USER0) is not read"),
        (127, "link type 127 (IEEE802_11_RADIOTAP) is not read"),
        (65000, "link type 65000 is not read"),
    ],
)
def test_an_unsupported_link_type_is_named(link_type: int, words: str) -> None:
    assert reason(b"\x45" + bytes(60), link_type) == words


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (MAC + b"\x88\xcc" + bytes(46), SkipReason.NOT_IP),
        (MAC + b"\x00\x26\x42\x42\x03" + bytes(43), SkipReason.NOT_IP),
        (MAC + b"\x88\x47" + bytes(46), "inside a tunnel (MPLS)"),
        (MAC + b"\x88\x64\x11\0\0\1\0\x0a\xc0\x21" + bytes(46), SkipReason.NOT_IP),
        (MAC + b"\x81\x00\x00\x05" * 20, SkipReason.NOT_IP),
        (MAC, SkipReason.DAMAGED),
        (b"", SkipReason.DAMAGED),
    ],
    ids=["LLDP", "spanning tree", "MPLS", "PPP link control", "nothing but VLAN tags", "no EtherType", "empty"],
)
def test_ethernet_without_ip(data: bytes, words: str) -> None:
    assert reason(data) == words


def test_no_ip_version_and_no_known_address_family() -> None:
    assert reason(b"\x55" + bytes(60), 101) == SkipReason.NOT_IP
    assert reason(b"\x07\0\0\0" + bytes(60), 0) == SkipReason.NOT_IP


def pktap(link_type: int, *, length: int = 108, record_type: int = 1) -> bytes:
    words = b"".join(word.to_bytes(4, "little") for word in (length, record_type, link_type))
    return words + b"lo0".ljust(24, b"\0") + bytes(length - 36)


@pytest.mark.parametrize("number", [258, 149])
def test_pktap_wraps_another_link_type(number: int) -> None:
    found, _ = look(pktap(0) + b"\2\0\0\0" + over_ipv4(segment()), number)
    assert isinstance(found, Segment)
    assert found.payload == b"API\0"


def test_pktap_that_wraps_itself_or_nothing_is_damaged() -> None:
    assert reason(pktap(258) * 3, 258) == SkipReason.DAMAGED
    assert reason(pktap(258, length=36) * 2000, 258) == SkipReason.DAMAGED
    assert reason(bytes(4) + pktap(1)[4:] + over_ipv4(segment()), 258) == SkipReason.DAMAGED
    assert reason(pktap(1, record_type=2) + over_ipv4(segment()), 258) == SkipReason.DAMAGED


def test_user2_without_pktap_is_unsupported() -> None:
    assert reason(b"my own protocol".ljust(80), 149) == "link type 149 (USER2) is not read"
