"""Frames and capture records, written as fast as plain Python can: one ``pack`` for all headers of a packet."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

NANOSECOND_PCAP = Struct("<IHHiIII").pack(0xA1B23C4D, 2, 4, 0, 0, 262_144, 1)
"""The file header: version 2.4, Ethernet (draft-ietf-opsawg-pcap, section 4)."""
BEGAN = 1_790_000_000
"""2026-09-21 14:13:20 UTC, seconds: any fixed time will do."""

FIN, SYN, PUSH, ACK = 0x01, 0x02, 0x08, 0x10
ONES = 0xFFFF

_record = Struct("<IIII").pack
_ipv4_tcp = Struct("!16sHHHHH8s4sIIHHHH4sII").pack
"""Ethernet with the first two bytes of IPv4; the rest of IPv4; TCP; the timestamps option behind two NOPs."""


def remainder(data: bytes) -> int:
    """The ones' complement sum of 16-bit words (RFC 1071), as the remainder of one large number."""
    return int.from_bytes(data + bytes(len(data) & 1)) % ONES


class Host(NamedTuple):
    """Who sends: hardware address, IPv4 address, TCP port."""

    mac: bytes
    address: bytes
    port: int


@dataclass
class Direction:
    """What one side of a connection sends."""

    source: Host
    destination: Host
    seq: int
    computes_checksums: bool
    """Of loopback and of what this machine sends a capture sees the sum of the pseudo header instead (offload)."""
    packets: int = 0
    _ethernet: bytes = field(init=False)
    _addresses: bytes = field(init=False)
    _ports: bytes = field(init=False)
    _ip_sum: int = field(init=False)

    def __post_init__(self) -> None:
        self._ethernet = self.destination.mac + self.source.mac + b"\x08\x00\x45\x00"
        self._addresses = self.source.address + self.destination.address
        self._ports = self.source.port.to_bytes(2) + self.destination.port.to_bytes(2)
        self._ip_sum = remainder(b"\x45\x00\x40\x00\x40\x06" + self._addresses)

    def send(self, flags: int, ack: int, milliseconds: int, payload: bytes = b"") -> bytes:
        """The next frame of this side."""
        self.packets += 1
        number, length = self.packets & ONES, 32 + len(payload)
        ip_checksum = ONES - (self._ip_sum + 20 + length + number) % ONES
        checksum = (remainder(self._addresses) + 6 + length) % ONES
        rest = (b"\x01\x01\x08\x0a", milliseconds & 0xFFFFFFFF, milliseconds & 0xFFFFFFFF)
        start = (self._ethernet, 20 + length, number, 0x4000, 0x4006, ip_checksum, self._addresses, self._ports)
        counters = (self.seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x8000 | flags, 502)
        frame = _ipv4_tcp(*start, *counters, checksum, 0, *rest) + payload
        if self.computes_checksums:
            checksum = ONES - remainder(frame[34:])  # the sum of the pseudo header stands in its place
            frame = frame[:50] + checksum.to_bytes(2) + frame[52:]
        self.seq += len(payload) + bool(flags & (SYN | FIN))
        return frame


def records(frames: Iterable[bytes], spacing_ns: int, chunk: int = 20_000) -> Iterator[bytes]:
    """A capture of these frames, evenly spaced in time, in large pieces."""
    yield NANOSECOND_PCAP
    times = itertools.count(0, spacing_ns)
    numbered = zip(frames, times)  # noqa: B905  (the times do not end)
    while batch := list(itertools.islice(numbered, chunk)):
        pieces = []
        for frame, time_ns in batch:
            size = len(frame)
            seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
            pieces += (_record(BEGAN + seconds, nanoseconds, size, size), frame)
        yield b"".join(pieces)
