"""What a bad network does to a frame: delay, lose, swap, repeat, damage, cut into fragments. Seeded, so it can be had again.

The kernel's ``netem`` does most of this, but not every kernel has it, and none can be told the seed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from random import Random

ETHERNET_HEADER = 14
IPV4, IPV6, TCP, FRAGMENT = b"\x08\x00", b"\x86\xdd", 6, 44
MORE = 0x2000


@dataclass(frozen=True)
class Trouble:
    """How bad a link is; shares are of all frames, 0 to 1."""

    delay: float = 0.000_5
    """Seconds."""
    jitter: float = 0.0
    """Seconds at most on top, for every frame: small ones swap neighbours."""
    loss: float = 0.0
    reorder: float = 0.0
    """Share that comes ``late``."""
    late: float = 0.004
    duplicate: float = 0.0
    corrupt: float = 0.0
    """Share in which one bit is flipped, anywhere behind the addresses of the frame."""
    fragment: int = 0
    """Bytes of IP payload a fragment may hold, 0 for no fragments; they arrive in any order."""

    def suffer(self, frame: bytes, random: Random) -> list[tuple[float, bytes]]:
        """What becomes of a frame: what arrives, and after how many seconds."""
        if random.random() < self.loss:
            return []
        copies = 2 if random.random() < self.duplicate else 1
        parts = fragments(frame, self.fragment, random) if self.fragment else [frame]
        return [(self._time(random), self._damaged(part, random)) for _ in range(copies) for part in parts]

    def _time(self, random: Random) -> float:
        late = self.late if random.random() < self.reorder else 0.0
        return self.delay + self.jitter * random.random() + late

    def _damaged(self, frame: bytes, random: Random) -> bytes:
        if random.random() >= self.corrupt:
            return frame
        damaged = bytearray(frame)
        damaged[random.randrange(ETHERNET_HEADER - 2, len(frame))] ^= 1 << random.randrange(8)
        return bytes(damaged)


def fragments(frame: bytes, size: int, random: Random) -> list[bytes]:
    """An Ethernet frame's TCP packet in parts of ``size`` bytes, shuffled; the frame itself where there is nothing to cut."""
    link, packet = frame[:ETHERNET_HEADER], frame[ETHERNET_HEADER:]
    if link[12:] == IPV4 and packet[9] == TCP:
        start, total, cut = 20, int.from_bytes(packet[2:4]), _ipv4_fragment
    elif link[12:] == IPV6 and packet[6] == TCP:
        start, total, cut = 40, 40 + int.from_bytes(packet[4:6]), _ipv6_fragment
    else:
        return [frame]
    size -= size % 8  # offsets count 8 bytes (RFC 791, 3.1; RFC 8200, 4.5)
    if total - start <= size:
        return [frame]
    identification = random.getrandbits(32)
    parts = [link + cut(packet[:total], at, size, identification) for at in range(start, total, size)]
    random.shuffle(parts)
    return parts


def _ipv4_fragment(packet: bytes, at: int, size: int, _: int) -> bytes:
    """A part keeps the identification of the whole; the DF bit is taken off with the rest of the word."""
    part = packet[at : at + size]
    word = (at - 20) // 8 | (MORE if at + size < len(packet) else 0)
    header = bytearray(packet[:20])
    header[2:4], header[6:8] = (20 + len(part)).to_bytes(2), word.to_bytes(2)
    header[10:12] = bytes(2)
    header[10:12] = (0xFFFF - int.from_bytes(header) % 0xFFFF).to_bytes(2)  # RFC 1071, as a remainder
    return bytes(header) + part


def _ipv6_fragment(packet: bytes, at: int, size: int, identification: int) -> bytes:
    part = packet[at : at + size]
    extension = struct.pack("!BxHI", TCP, at - 40 | (at + size < len(packet)), identification)
    length = (len(extension) + len(part)).to_bytes(2)
    return packet[:4] + length + bytes((FRAGMENT,)) + packet[7:40] + extension + part
