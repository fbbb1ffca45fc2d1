"""Tunnels: the segment inside is read as if there were no tunnel, and what cannot be read is named."""

from __future__ import annotations

import pytest
from net_frames import (
    CLIENT,
    ETHERNET,
    MAC,
    RAW,
    ethernet,
    look,
    over_ipv4,
    over_ipv6,
    reason,
    segment,
)
from scapy.contrib.etherip import EtherIP
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet as ScapyPacket
from scapy.packet import Raw

from ibsniff.model import Arp, Segment, Unreachable, UnreachableKind
from ibsniff.net import SkipReason
from ibsniff.net.tunnels import MAX_TUNNELS

INNER = over_ipv4(segment(b"hello"))
INNER6 = over_ipv6(segment(b"hello"))
OUTER = "192.0.2.1", "192.0.2.2"


def outer(inside: ScapyPacket, **fields: object) -> bytes:
    return bytes(IP(src=OUTER[0], dst=OUTER[1], ttl=9, id=1, **fields) / inside)


def udp(port: int, inside: ScapyPacket) -> bytes:
    return outer(UDP(sport=50_001, dport=port) / inside)


def framed(inside: bytes = INNER) -> Raw:
    return Raw(ethernet(inside))


TUNNELS = {
    "IP in IP": (RAW, outer(Raw(INNER), proto=4)),
    "IPv6 in IP": (RAW, outer(Raw(INNER6), proto=41)),
    "IP in IPv6": (RAW, bytes(IPv6(src="::1", dst="::2", nh=4) / Raw(INNER))),
    "GRE": (RAW, outer(GRE(proto=0x800) / Raw(INNER), proto=47)),
    "GRE with all options": (
        RAW,
        outer(GRE(chksum_present=1, key_present=1, seqnum_present=1, proto=0x86DD) / Raw(INNER6), proto=47),
    ),
    "Ethernet in GRE": (RAW, outer(GRE(proto=0x6558) / framed(), proto=47)),
    "EtherIP": (RAW, outer(EtherIP() / framed(), proto=97)),
    "VXLAN": (RAW, udp(4789, VXLAN(vni=7) / framed())),
    "VXLAN on the old port": (RAW, udp(8472, VXLAN(vni=7) / framed(INNER6))),
    "VXLAN with a VLAN tag inside": (RAW, udp(4789, VXLAN(vni=7) / Raw(MAC + b"\x81\0\0\5\x08\0" + INNER))),
    "Geneve": (RAW, udp(6081, GENEVE(vni=7, proto=0x6558) / framed())),
    "Geneve with options": (RAW, udp(6081, Raw(b"\x01\0\x08\0\0\0\7\0" + bytes(4) + INNER))),
    "GTP-U": (RAW, udp(2152, GTP_U_Header(gtp_type=255, teid=7) / Raw(INNER))),
    "GTP-U with a number": (RAW, udp(2152, GTP_U_Header(gtp_type=255, teid=7, S=1, seq=9) / Raw(INNER))),
    "GTP-U with an extension": (
        RAW,
        udp(2152, GTP_U_Header(gtp_type=255, teid=7, E=1, next_ex=0x85) / GTPPDUSessionContainer() / Raw(INNER)),
    ),
    "MPLS": (ETHERNET, bytes(Ether(type=0x8847) / MPLS(label=3, s=0) / MPLS(label=4, s=1) / Raw(INNER))),
    "MPLS with IPv6": (ETHERNET, bytes(Ether(type=0x8847) / MPLS(label=3, s=1) / Raw(INNER6))),
    "two tunnels": (RAW, udp(4789, VXLAN() / framed(outer(GRE(proto=0x800) / Raw(INNER), proto=47)))),
}


@pytest.mark.parametrize("tunnel", TUNNELS)
def test_a_segment_in_a_tunnel_is_read_as_if_there_were_none(tunnel: str) -> None:
    link_type, packet = TUNNELS[tunnel]
    found, skipped = look(packet, link_type)
    bare = next(look(inner, RAW)[0] for inner in (INNER, INNER6) if packet.endswith(inner))
    assert isinstance(found, Segment)
    assert found == bare
    assert not skipped


@pytest.mark.parametrize("tunnel", TUNNELS)
def test_a_tunnel_cut_at_any_byte_is_named_and_never_raises(tunnel: str) -> None:
    link_type, packet = TUNNELS[tunnel]
    for length in range(len(packet)):
        found, skipped = look(packet[:length], link_type, wire_length=len(packet))
        if isinstance(found, Segment):  # only the payload is cut
            assert length >= len(packet) - len(b"hello")
            continue
        (why,) = skipped
        if why is SkipReason.NOT_TCP:  # the port that tells a tunnel from other UDP was not captured
            assert length < len(IP()) + 4
        else:
            assert why in (SkipReason.CUT, SkipReason.DAMAGED) or why.startswith("inside a tunnel ("), (length, why)


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (udp(4789, Raw(b"\0" * 8 + ethernet(INNER))), "inside a tunnel (VXLAN)"),
        (udp(6081, Raw(b"\x40\0\x08\0\0\0\7\0" + INNER)), "inside a tunnel (Geneve)"),
        (udp(2152, Raw(b"\x30\1" + bytes(6) + INNER)), "inside a tunnel (GTP)"),
        (udp(2152, Raw(b"\x34\xff" + bytes(9) + b"\x85\0" + INNER)), "inside a tunnel (GTP)"),
        (outer(Raw(b"\x40\0\x08\0" + INNER), proto=47), "inside a tunnel (GRE)"),
        (outer(Raw(b"\x30\x01\x88\x0b" + bytes(4) + INNER), proto=47), "inside a tunnel (GRE)"),
        (outer(Raw(b"\x20\0" + ethernet(INNER)), proto=97), "inside a tunnel (EtherIP)"),
        (outer(Raw(INNER[:0]), proto=4), "inside a tunnel (IP in IP)"),
        (udp(51820, Raw(INNER)), "inside a tunnel (WireGuard)"),
        (outer(UDP(dport=4789) / VXLAN() / framed(), flags="MF"), "inside a tunnel (VXLAN)"),
    ],
    ids=[
        "VXLAN without the flag",
        "Geneve of another version",
        "GTP echo",
        "GTP extension without length",
        "GRE with routing",
        "PPTP",
        "EtherIP of another version",
        "nothing inside",
        "an encrypted tunnel",
        "a fragment",
    ],
)
def test_what_cannot_be_read_is_named_by_its_tunnel(packet: bytes, words: str) -> None:
    assert reason(packet, RAW) == words


def test_what_is_inside_is_judged_by_its_own_ports_and_protocol() -> None:
    assert reason(udp(4789, VXLAN() / framed(over_ipv4(segment(b"x", to=80)))), RAW) == SkipReason.OTHER_PORTS
    assert reason(udp(4789, VXLAN() / framed(over_ipv4(UDP(dport=53) / Raw(b"x")))), RAW) == SkipReason.NOT_TCP
    assert reason(udp(4789, VXLAN() / Raw(MAC + b"\x88\xcc" + bytes(46))), RAW) == "inside a tunnel (VXLAN)"


def test_arp_and_icmp_errors_are_read_inside_a_tunnel() -> None:
    request = bytes.fromhex("0001080006040001") + MAC[:6] + b"\x0a\1\2\3" + bytes(6) + b"\x0a\x09\x08\7"
    found, _ = look(udp(4789, VXLAN() / Raw(MAC + b"\x08\x06" + request)), RAW)
    assert isinstance(found, Arp)
    quoted = bytes(IP(src=OUTER[1], dst=CLIENT, proto=1) / Raw(b"\3\1" + bytes(6) + INNER[:28]))
    found, _ = look(outer(Raw(quoted), proto=4), RAW)
    assert isinstance(found, Unreachable)
    assert found.kind is UnreachableKind.HOST


def test_padding_behind_the_inner_packet_is_no_data() -> None:
    bare = over_ipv4(segment(b""))
    found, _ = look(udp(4789, VXLAN() / Raw(ethernet(bare) + bytes(6))) + bytes(9), RAW)
    assert isinstance(found, Segment)
    assert found.length == 0


def test_tunnels_inside_each_other_are_followed_only_so_far() -> None:
    packet = INNER
    for _ in range(MAX_TUNNELS):
        packet = outer(Raw(packet), proto=4)
    assert isinstance(look(packet, RAW)[0], Segment)
    assert reason(outer(Raw(packet), proto=4), RAW) == "inside a tunnel (IP in IP)"


def test_a_pppoe_frame_says_where_a_packet_without_length_ends() -> None:
    packet = bytearray(over_ipv4(segment(b"")))
    packet[2:4] = b"\0\0"
    header = MAC + b"\x88\x64\x11\0\0\1" + (len(packet) + 2).to_bytes(2) + b"\0\x21"
    found, _ = look(header + bytes(packet) + bytes(7))
    assert isinstance(found, Segment)
    assert found.length == 0
