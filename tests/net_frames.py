"""Frames for the tests of `net`: scapy writes them, so that a layout is not checked against our own idea of it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet as ScapyPacket
from scapy.packet import Raw

from ibsniff.model import Frame, Packet
from ibsniff.net import Dissector

PORTS = frozenset({7497})
ETHERNET, RAW = 1, 101
MAC = bytes(range(12))

CLIENT, SERVER = "10.1.2.3", "10.9.8.7"
CLIENT6, SERVER6 = "2001:db8::1", "2001:db8::2"

LINKS = {
    "Ethernet": (1, MAC + b"\x08\x00", MAC + b"\x86\xdd"),
    "Ethernet, VLAN": (1, MAC + b"\x81\x00\x00\x05\x08\x00", MAC + b"\x81\x00\x00\x05\x86\xdd"),
    "Ethernet, QinQ": (1, MAC + b"\x88\xa8\0\x05\x81\0\0\x06\x08\x00", MAC + b"\x88\xa8\0\x05\x81\0\0\x06\x86\xdd"),
    "Ethernet, old QinQ": (1, MAC + b"\x91\0\0\x05\x81\0\0\x06\x08\x00", MAC + b"\x91\0\0\x05\x81\0\0\x06\x86\xdd"),
    "Ethernet, PPPoE": (1, MAC + b"\x88\x64\x11\0\0\1\0\x2a\0\x21", MAC + b"\x88\x64\x11\0\0\1\0\x3e\0\x57"),
    "NULL, little endian, Linux": (0, b"\2\0\0\0", b"\x0a\0\0\0"),
    "NULL, big endian, macOS": (0, b"\0\0\0\2", b"\0\0\0\x1e"),
    "NULL, Windows": (0, b"\2\0\0\0", b"\x17\0\0\0"),
    "NULL, OpenBSD": (0, b"\2\0\0\0", b"\x18\0\0\0"),
    "NULL, FreeBSD": (0, b"\2\0\0\0", b"\x1c\0\0\0"),
    "LOOP": (108, b"\0\0\0\2", b"\0\0\0\x18"),
    "LOOP, little endian": (108, b"\2\0\0\0", b"\x1e\0\0\0"),
    "cooked": (113, bytes(14) + b"\x08\x00", bytes(14) + b"\x86\xdd"),
    "cooked, VLAN": (113, bytes(14) + b"\x81\0\0\x05\x08\x00", bytes(14) + b"\x81\0\0\x05\x86\xdd"),
    "cooked v2": (276, b"\x08\x00" + bytes(18), b"\x86\xdd" + bytes(18)),
    "raw 12": (12, b"", b""),
    "raw 14": (14, b"", b""),
    "raw 101": (101, b"", b""),
    "raw IPv4, IPv6": (228, b"", b""),
    "raw IPv6, IPv4": (229, b"", b""),
}
"""Name -> link type, link header before IPv4, link header before IPv6."""


def segment(payload: bytes = b"API\0", *, to: int = 7497, **fields: Any) -> ScapyPacket:
    """Build a TCP segment from port 50000."""
    defaults: dict[str, Any] = {"sport": 50000, "seq": 1000, "ack": 2000, "flags": "PA", "window": 501}
    return TCP(dport=to, **(defaults | fields)) / Raw(payload)


def over_ipv4(upper: ScapyPacket, **fields: Any) -> bytes:
    """Put it into IPv4, from client to server."""
    return bytes(IP(src=CLIENT, dst=SERVER, id=77, ttl=61, **fields) / upper)


def over_ipv6(upper: ScapyPacket, **fields: Any) -> bytes:
    """Put it into IPv6, from client to server."""
    return bytes(IPv6(src=CLIENT6, dst=SERVER6, hlim=61, **fields) / upper)


def ethernet(packet: bytes) -> bytes:
    """Put an IP packet of either version into an Ethernet frame."""
    return MAC + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00") + packet


def look(
    data: bytes, link_type: int = ETHERNET, *, ports: frozenset[int] | None = PORTS, wire_length: int | None = None
) -> tuple[Packet | None, Counter[str]]:
    """Dissect one frame with a dissector of its own."""
    skipped: Counter[str] = Counter()
    frame = Frame(1, 5, link_type, data, len(data) if wire_length is None else wire_length)
    return Dissector(ports, skipped).dissect(frame), skipped


def reason(data: bytes, link_type: int = ETHERNET, **options: object) -> str:
    """Give the one reason a frame was skipped for."""
    packet, skipped = look(data, link_type, **options)  # type: ignore[arg-type]
    assert packet is None
    assert skipped.total() == 1
    return str(next(iter(skipped)))


def fragments(packet: bytes, cuts: list[int]) -> list[bytes]:
    """Cut an IPv4 packet's payload at these multiples of 8 bytes (RFC 791, 3.2); scapy's own cannot cut unevenly."""
    whole = IP(packet)
    payload = bytes(whole.payload)
    places = [0, *sorted({cut * 8 for cut in cuts if 0 < cut * 8 < len(payload)}), len(payload)]
    return [
        bytes(
            IP(
                src=whole.src,
                dst=whole.dst,
                id=whole.id,
                ttl=whole.ttl,
                proto=whole.proto,
                frag=start // 8,
                flags=0 if end == len(payload) else "MF",
            )
            / Raw(payload[start:end])
        )
        for start, end in pairwise(places)
    ]
