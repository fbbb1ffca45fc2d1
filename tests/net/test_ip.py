"""IPv4 and IPv6: where the segment begins and ends."""

from __future__ import annotations

import pytest
from net_frames import CLIENT, ETHERNET, RAW, SERVER, ethernet, look, over_ipv4, over_ipv6, reason, segment
from scapy.layers.inet import ICMP, UDP, IPOption_Router_Alert
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.layers.ipsec import AH
from scapy.packet import Raw

from ibsniff.model import Segment
from ibsniff.net import SkipReason


def the_segment(data: bytes, link_type: int = ETHERNET, **options: object) -> Segment:
    found, skipped = look(data, link_type, **options)  # type: ignore[arg-type]
    assert isinstance(found, Segment), skipped
    assert not skipped
    return found


def test_every_field_of_a_segment() -> None:
    found = the_segment(ethernet(over_ipv4(segment(b"hello"))))
    assert (str(found.source), str(found.destination)) == (f"{CLIENT}:50000", f"{SERVER}:7497")
    assert (found.seq, found.ack, found.flags, found.window) == (1000, 2000, 0x18, 501)
    assert (found.payload, found.length, found.mss, found.ttl, found.ip_id) == (b"hello", 5, None, 61, 77)
    assert (found.packet, found.time_ns) == (1, 5)


def test_ipv6_has_no_identification() -> None:
    found = the_segment(ethernet(over_ipv6(segment())))
    assert (str(found.source), found.ttl, found.ip_id) == ("[2001:db8::1]:50000", 61, None)


def test_ipv4_options_are_skipped() -> None:
    found = the_segment(ethernet(over_ipv4(segment(), options=[IPOption_Router_Alert()])))
    assert found.payload == b"API\0"


@pytest.mark.parametrize("packet", [over_ipv4(segment(b"")), over_ipv6(segment(b""))], ids=["IPv4", "IPv6"])
def test_padding_is_not_payload(packet: bytes) -> None:
    found = the_segment(ethernet(packet).ljust(90, b"\xee"))
    assert (found.payload, found.length) == (b"", 0)


def test_total_length_zero_means_to_the_end_of_the_frame() -> None:
    sent_by_the_card = over_ipv4(segment(b"x" * 3000), len=0)
    assert the_segment(ethernet(sent_by_the_card)).length == 3000
    over_v6 = over_ipv6(segment(b"x" * 3000), plen=0)
    assert the_segment(ethernet(over_v6)).payload == b"x" * 3000


def test_total_length_zero_and_a_snaplen() -> None:
    data = ethernet(over_ipv4(segment(b"x" * 3000), len=0))
    found = the_segment(data[:96], wire_length=len(data))
    assert (len(found.payload), found.length) == (96 - 54, 3000)


@pytest.mark.parametrize("packet", [over_ipv4(segment(b"y" * 900)), over_ipv6(segment(b"y" * 900))])
def test_a_snaplen_makes_the_length_greater_than_the_payload(packet: bytes) -> None:
    data = ethernet(packet)
    found = the_segment(data[:100], wire_length=len(data))
    assert len(found.payload) == 100 - (len(data) - 900)
    assert found.length == 900


@pytest.mark.parametrize("packet", [over_ipv4(segment(b"hello"), len=900), over_ipv6(segment(b"hello"), plen=900)])
def test_a_length_beyond_the_frame_is_ignored(packet: bytes) -> None:
    found = the_segment(ethernet(packet))
    assert (found.payload, found.length) == (b"hello", 5)
    cut = the_segment(ethernet(packet)[:-3], wire_length=len(ethernet(packet)))
    assert (cut.payload, cut.length) == (b"he", 5)


def test_wrong_checksums_do_not_matter() -> None:
    assert the_segment(ethernet(over_ipv4(segment(b"hello", chksum=0xDEAD), chksum=0xBEEF))).payload == b"hello"


def test_an_ipv4_mapped_address_is_an_ipv4_address() -> None:
    packet = bytes(IPv6(src="::ffff:10.1.2.3", dst="::ffff:10.9.8.7") / segment())
    found = the_segment(packet, RAW)
    assert (found.source.address, found.destination.address) == (bytes([10, 1, 2, 3]), bytes([10, 9, 8, 7]))
    loopback = bytes(IPv6(src="::1", dst="::1") / segment())
    assert the_segment(loopback, RAW).source.ip == "::1"


EXTENSIONS = {
    "hop by hop": IPv6ExtHdrHopByHop(),
    "hop by hop, 16 bytes": IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 10)]),
    "routing": IPv6ExtHdrRouting(addresses=["2001:db8::9"]),
    "destination": IPv6ExtHdrDestOpt(),
    "atomic fragment": IPv6ExtHdrFragment(id=5),
    "four of them": IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting() / IPv6ExtHdrFragment(),
}


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_ipv6_extension_headers_are_skipped(extension: str) -> None:
    found = the_segment(over_ipv6(EXTENSIONS[extension] / segment(b"hello")), RAW)
    assert (found.payload, found.length) == (b"hello", 5)


def test_the_authentication_header_has_other_length_units() -> None:
    header = AH(nh=6, payloadlen=4, spi=1, seq=1, icv=b"\1" * 12)
    assert the_segment(over_ipv6(header / segment(b"hello"), nh=51), RAW).payload == b"hello"


def test_endless_extension_headers_are_damage() -> None:
    packet = bytes(IPv6(src="::1", dst="::1", nh=60) / Raw((b"\x3c\0" + bytes(6)) * 20))
    assert reason(packet, RAW) == SkipReason.DAMAGED


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (over_ipv4(UDP(sport=7497, dport=7497) / Raw(bytes(40))), SkipReason.NOT_TCP),
        (over_ipv4(UDP(sport=4789, dport=50000) / Raw(bytes(40))), SkipReason.NOT_TCP),
        (over_ipv4(UDP(dport=4789) / Raw(bytes(40))), "inside a tunnel (VXLAN)"),
        (over_ipv6(UDP(dport=6081) / Raw(bytes(40))), "inside a tunnel (Geneve)"),
        (over_ipv4(UDP(dport=51820) / Raw(bytes(40))), "inside a tunnel (WireGuard)"),
        (over_ipv4(Raw(bytes(40)), proto=50), "inside a tunnel (IPsec ESP)"),
        (over_ipv4(ICMP() / Raw(bytes(40))), SkipReason.OTHER_ICMP),
    ],
)
def test_datagrams_that_are_not_tcp_are_named(packet: bytes, words: str) -> None:
    assert reason(packet, RAW) == words


@pytest.mark.parametrize(
    "packet",
    [
        over_ipv4(segment(), ihl=4),
        over_ipv4(segment(), len=19),
        over_ipv4(segment(), len=22),
        over_ipv4(segment(), len=39),
        over_ipv4(segment(dataofs=4)),
        over_ipv4(segment(dataofs=15)),
        over_ipv6(segment(), plen=3),
        over_ipv6(segment(), plen=19),
    ],
)
def test_lengths_that_contradict_each_other_are_damage(packet: bytes) -> None:
    assert reason(packet, RAW) == SkipReason.DAMAGED


def test_a_header_longer_than_its_packet_is_damage_whatever_the_protocol() -> None:
    assert reason(over_ipv4(UDP() / Raw(b"x"), len=19), RAW) == SkipReason.DAMAGED


@pytest.mark.parametrize("packet", [over_ipv4(segment()), over_ipv6(segment())], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("version", [0, 4, 5, 6, 15])
def test_an_ip_version_that_contradicts_the_ethertype_is_damage(packet: bytes, version: int) -> None:
    if packet[0] >> 4 != version:
        changed = bytes([version << 4 | packet[0] & 15]) + packet[1:]
        assert reason(ethernet(packet)[:14] + changed) == SkipReason.DAMAGED
