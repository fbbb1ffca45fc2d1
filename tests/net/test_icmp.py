"""ICMP unreachable: its kind and the segment it is about; all other ICMP messages are skipped."""

from __future__ import annotations

import pytest
from net_frames import CLIENT, CLIENT6, RAW, SERVER, SERVER6, look, over_ipv4, over_ipv6, reason, segment
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6TimeExceeded, IPv6, IPv6ExtHdrDestOpt
from scapy.packet import Raw

from ibsniff.model import Unreachable, UnreachableKind
from ibsniff.net import SkipReason

GATEWAY, GATEWAY6 = "192.0.2.1", "2001:db8::99"


def about(quoted: bytes, *, code: int = 3, kind: int = 3) -> bytes:
    return bytes(IP(src=GATEWAY, dst=CLIENT) / ICMP(type=kind, code=code) / Raw(quoted))


def about6(quoted: bytes, *, code: int = 4) -> bytes:
    return bytes(IPv6(src=GATEWAY6, dst=CLIENT6) / ICMPv6DestUnreach(code=code) / Raw(quoted))


SYN, SYN6 = over_ipv4(segment(b"", flags="S")), over_ipv6(segment(b"", flags="S"))


@pytest.mark.parametrize(
    ("code", "kind"),
    [(0, "NETWORK"), (1, "HOST"), (2, "PORT"), (3, "PORT"), (9, "PROHIBITED"), (10, "PROHIBITED"), (13, "PROHIBITED")],
)
@pytest.mark.parametrize("quoted", [SYN, SYN[:28]], ids=["whole", "eight bytes of TCP"])
def test_ipv4_kinds(code: int, kind: str, quoted: bytes) -> None:
    found, skipped = look(about(quoted, code=code), RAW)
    assert isinstance(found, Unreachable)
    assert found.kind is UnreachableKind[kind]
    assert (str(found.source), str(found.destination)) == (f"{CLIENT}:50000", f"{SERVER}:7497")
    assert found.reporter == bytes([192, 0, 2, 1])
    assert not skipped


@pytest.mark.parametrize(("code", "kind"), [(0, "NETWORK"), (1, "PROHIBITED"), (3, "HOST"), (4, "PORT")])
def test_ipv6_kinds(code: int, kind: str) -> None:
    found, _ = look(about6(SYN6, code=code), RAW)
    assert isinstance(found, Unreachable)
    assert found.kind is UnreachableKind[kind]
    assert (str(found.source), str(found.destination)) == (f"[{CLIENT6}]:50000", f"[{SERVER6}]:7497")


def test_the_quoted_packet_may_have_extension_headers() -> None:
    found, _ = look(about6(over_ipv6(IPv6ExtHdrDestOpt() / segment(b""))), RAW)
    assert isinstance(found, Unreachable)


@pytest.mark.parametrize(
    "data",
    [
        about(over_ipv4(segment(to=443))),
        about(SYN, code=4),
        about(SYN, code=99),
        about(SYN, kind=11, code=0),
        about(over_ipv4(UDP(dport=7497) / Raw(b"x" * 20))),
        about(over_ipv4(segment(), frag=8)),
        bytes(IP() / ICMP(type=8) / Raw(SYN)),
        bytes(IP(frag=8) / ICMP(type=3, code=3) / Raw(SYN)),
        about6(over_ipv6(segment(to=443))),
        bytes(IPv6() / ICMPv6EchoRequest() / Raw(SYN6)),
        bytes(IPv6() / ICMPv6TimeExceeded() / Raw(SYN6)),
    ],
)
def test_other_icmp_messages_are_counted(data: bytes) -> None:
    assert reason(data, RAW) == SkipReason.OTHER_ICMP


def test_a_truncated_quoted_packet() -> None:
    for length in range(24):
        assert reason(about(SYN[:length]), RAW) == SkipReason.DAMAGED
    whole = about(SYN)
    assert reason(whole[:50], RAW, wire_length=len(whole)) == SkipReason.CUT


def test_padding_is_not_part_of_the_quoted_packet() -> None:
    assert reason(about(SYN[:20]) + SYN[20:], RAW) == SkipReason.DAMAGED
