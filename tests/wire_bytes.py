"""The bytes under ``wire``: link, IP, TCP, ICMP and ARP headers, and the two capture file formats.

Written with ``struct`` alone, so that it can stand as a second opinion against the code it tests.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from ibsniff.model import NANOSECONDS, Arp, Endpoint, Frame, Packet, Segment, Unreachable, UnreachableKind

NULL, ETHERNET, RAW_BSD, RAW, LINUX_SLL, LINUX_SLL2 = 0, 1, 12, 101, 113, 276

TCP, ICMP, ICMPV6 = 6, 1, 58
IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806

DONT_FRAGMENT = 0x4000

UNREACHABLE_CODES = {
    UnreachableKind.NETWORK: (0, 0),
    UnreachableKind.HOST: (1, 3),
    UnreachableKind.PORT: (3, 4),
    UnreachableKind.PROHIBITED: (13, 1),
}
"""ICMP type 3 codes (RFC 792, RFC 1812) and ICMPv6 type 1 codes (RFC 4443)."""


def frame_bytes(packet: Packet, link_type: int, about: Segment | None, *, outgoing: bool) -> tuple[bytes, int]:
    """The captured bytes of one packet, and how many payload bytes behind them were not captured."""
    missing = 0
    if isinstance(packet, Segment):
        ether_type, network = _segment(packet)
        missing = packet.length - len(packet.payload)
        loopback = packet.source.is_loopback
    elif isinstance(packet, Unreachable):
        assert about is not None
        ether_type, network = _unreachable(packet, about)
        loopback = packet.source.is_loopback
    else:
        assert isinstance(packet, Arp)
        ether_type, network, loopback = ARP, _arp(packet), False
    link = LINKS[link_type](ether_type, outgoing, loopback)
    return link + network[: len(network) - missing], missing


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# -- link layers (tcpdump.org/linktypes.html) -------------------------------------------------------------------


def _mac(client: bool, loopback: bool) -> bytes:
    return bytes(6) if loopback else bytes((2, 0, 0, 0, 0, 1 if client else 2))


def _ethernet(ether_type: int, outgoing: bool, loopback: bool) -> bytes:
    return _mac(not outgoing, loopback) + _mac(outgoing, loopback) + struct.pack("!H", ether_type)


def _cooked(ether_type: int, outgoing: bool, loopback: bool) -> bytes:
    kind, hardware = _cooked_kind(outgoing, loopback)
    return struct.pack("!HHH6sxxH", kind, hardware, 6, _mac(outgoing, loopback), ether_type)


def _cooked2(ether_type: int, outgoing: bool, loopback: bool) -> bytes:
    kind, hardware = _cooked_kind(outgoing, loopback)
    interface = 1 if loopback else 2
    return struct.pack("!HxxIHBB6sxx", ether_type, interface, hardware, kind, 6, _mac(outgoing, loopback))


def _cooked_kind(outgoing: bool, loopback: bool) -> tuple[int, int]:
    """Packet type (0 to us, 4 from us; the capture is on the client's host) and ARPHRD."""
    return 4 if outgoing and not loopback else 0, 772 if loopback else 1


def _null(ether_type: int, _outgoing: bool, _loopback: bool) -> bytes:
    return struct.pack("<I", {IPV4: 2, IPV6: 30}[ether_type])


def _raw(_ether_type: int, _outgoing: bool, _loopback: bool) -> bytes:
    return b""


LINKS: dict[int, Callable[[int, bool, bool], bytes]] = {
    NULL: _null,
    ETHERNET: _ethernet,
    RAW_BSD: _raw,
    RAW: _raw,
    LINUX_SLL: _cooked,
    LINUX_SLL2: _cooked2,
}

# -- network and transport --------------------------------------------------------------------------------------


def _segment(segment: Segment) -> tuple[int, bytes]:
    return _ip(segment.source.address, segment.destination.address, TCP, _tcp(segment), segment.ttl, segment.ip_id)


def _tcp(segment: Segment) -> bytes:
    # the uncaptured tail is zeros here: it is cut off again before the frame is done
    payload = segment.payload.ljust(segment.length, b"\0")
    options = b"" if segment.mss is None else struct.pack("!BBH", 2, 4, segment.mss)
    offset = (20 + len(options)) // 4 << 12

    def header(check: int) -> bytes:
        ports = (segment.source.port, segment.destination.port)
        return struct.pack(
            "!HHIIHHHH", *ports, segment.seq, segment.ack, offset | segment.flags, segment.window, check, 0
        )

    whole = header(0) + options + payload
    return header(_pseudo_checksum(segment.source, segment.destination, TCP, whole)) + options + payload


def _pseudo_checksum(source: Endpoint, destination: Endpoint, protocol: int, data: bytes) -> int:
    return _address_checksum(source.address, destination.address, protocol, data)


def _address_checksum(source: bytes, destination: bytes, protocol: int, data: bytes) -> int:
    return checksum(source + destination + struct.pack("!II", len(data), protocol) + data)


def _ip(
    source: bytes, destination: bytes, protocol: int, data: bytes, ttl: int, identification: int | None
) -> tuple[int, bytes]:
    if len(source) == 16:
        head = struct.pack("!IHBB", 6 << 28, len(data), protocol, ttl)
        return IPV6, head + source + destination + data

    def header(check: int) -> bytes:
        head = (0x45, 0, 20 + len(data), identification or 0, DONT_FRAGMENT, ttl, protocol, check)
        return struct.pack("!BBHHHBBH", *head) + source + destination

    return IPV4, header(checksum(header(0))) + data


def _unreachable(packet: Unreachable, about: Segment) -> tuple[int, bytes]:
    quoted = _segment(about)[1]
    v4_code, v6_code = UNREACHABLE_CODES[packet.kind]
    if len(packet.reporter) == 4:
        body = struct.pack("!BBHI", 3, v4_code, 0, 0) + quoted[:40]
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        return _ip(packet.reporter, packet.source.address, ICMP, body, 64, 0)
    body = struct.pack("!BBHI", 1, v6_code, 0, 0) + quoted[:1_232]
    check = _address_checksum(packet.reporter, packet.source.address, ICMPV6, body)
    return _ip(packet.reporter, packet.source.address, ICMPV6, body[:2] + struct.pack("!H", check) + body[4:], 64, None)


def _arp(packet: Arp) -> bytes:
    head = struct.pack("!HHBBH", 1, IPV4, 6, 4, 2 if packet.is_reply else 1)
    target_mac = _mac(True, False) if packet.is_reply else bytes(6)
    return head + _mac(not packet.is_reply, False) + packet.sender + target_mac + packet.target


# -- files ------------------------------------------------------------------------------------------------------


def pcap_bytes(frames: list[Frame], link_type: int, nanosecond: bool, snaplen: int | None, order: str = "<") -> bytes:
    """A classic pcap (draft-ietf-opsawg-pcap)."""
    magic, unit = (0xA1B23C4D, 1) if nanosecond else (0xA1B2C3D4, 1_000)
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen or 262_144, link_type)]
    for frame in frames:
        seconds, fraction = divmod(frame.time_ns, NANOSECONDS)
        head = struct.pack(order + "IIII", seconds, fraction // unit, len(frame.data), frame.wire_length)
        parts.append(head + frame.data)
    return b"".join(parts)


def pcapng_bytes(
    frames: list[Frame],
    link_type: int,
    nanosecond: bool,
    snaplen: int | None,
    end_ns: int | None = None,
    drops: int | None = None,
    order: str = "<",
) -> bytes:
    """One section, one interface (draft-ietf-opsawg-pcapng); a statistics block when there is something to say."""
    unit, resolution = (1, 9) if nanosecond else (1_000, 6)

    def block(kind: int, body: bytes) -> bytes:
        length = struct.pack(order + "I", 12 + len(body))
        return struct.pack(order + "I", kind) + length + body + length

    def option(code: int, value: bytes) -> bytes:
        return struct.pack(order + "HH", code, len(value)) + _padded(value)

    def timestamp(time_ns: int) -> bytes:
        return struct.pack(order + "II", *divmod(time_ns // unit, 2**32))

    end = option(0, b"")
    interface = struct.pack(order + "HHI", link_type, 0, snaplen or 0) + option(9, bytes((resolution,))) + end
    parts = [block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)), block(1, interface)]
    for frame in frames:
        lengths = struct.pack(order + "II", len(frame.data), frame.wire_length)
        head = struct.pack(order + "I", 0) + timestamp(frame.time_ns) + lengths
        parts.append(block(6, head + _padded(frame.data)))
    if end_ns is not None or drops is not None:
        options = b"" if end_ns is None else option(3, timestamp(end_ns))
        options += b"" if drops is None else option(5, struct.pack(order + "Q", drops))
        last_ns = end_ns if end_ns is not None else frames[-1].time_ns
        parts.append(block(5, struct.pack(order + "I", 0) + timestamp(last_ns) + options + end))
    return b"".join(parts)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
