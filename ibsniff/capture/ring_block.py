"""A block of the packet ring, copied as the kernel filled it.

Packets that are read one by one take about 12 microseconds each until they are judged; as columns, a tenth of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

from ibsniff.capture.backend import RawPacket
from ibsniff.model import NANOSECONDS

_LAST = Struct("=40xII")
"""``struct tpacket_block_desc``: the time of its last packet."""
PACKET_HEADER: Final = Struct("=IIIIIIHHIIHH")
"""``struct tpacket3_hdr``: next, sec, nsec, snaplen, len, status, mac, net, rxhash, vlan_tci, vlan_tpid, padding."""
VLAN_VALID, VLAN_TPID_VALID = 1 << 4, 1 << 6
_TAG = Struct("!HH")
NEXT_OFFSET: Final = Struct("=I")
ADDRESS_OFFSET: Final = 48
_ADDRESS = Struct("=2x2sIHBB8s")
"""``struct sockaddr_ll``: family, protocol as on the wire, interface, hardware type, packet type, length, address."""
_SLL2 = Struct("!2sHIHBB8s")
"""tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html: protocol, 0, interface, hardware type, packet type, address."""


@dataclass(frozen=True, slots=True)
class RingBlock:
    """One block of packets."""

    buffer: bytes
    count: int
    first: int
    """Where in the buffer the header of the first packet begins."""
    is_cooked: bool
    """The packets have no link headers; they are given the header of LINKTYPE_LINUX_SLL2."""

    def packets(self) -> Iterator[RawPacket]:
        """Yield the packets one by one."""
        return self._cooked() if self.is_cooked else self._plain()

    def _plain(self, *, restore_vlan_tags: bool = True) -> Iterator[RawPacket]:
        """Yield the packets as they are; a VLAN tag that the kernel removed from an Ethernet header is restored."""
        buffer, position, unpack = self.buffer, self.first, PACKET_HEADER.unpack_from
        for _ in range(self.count):
            step, seconds, nanoseconds, captured, length, status, start, _, _, tag, kind, _ = unpack(buffer, position)
            start += position
            data = buffer[start : start + captured]
            if status & VLAN_VALID and restore_vlan_tags:
                data = data[:12] + _TAG.pack(kind if status & VLAN_TPID_VALID else 0x8100, tag) + data[12:]
                length += _TAG.size
            yield RawPacket(seconds * NANOSECONDS + nanoseconds, data, length)
            position += step

    def _cooked(self) -> Iterator[RawPacket]:
        position = self.first
        for packet in self._plain(restore_vlan_tags=False):
            protocol, index, hardware, kind, length, address = _ADDRESS.unpack_from(
                self.buffer, position + ADDRESS_OFFSET
            )
            header = _SLL2.pack(protocol, 0, index, hardware, kind, length, address[:length])
            yield RawPacket(packet.time_ns, header + packet.data, packet.wire_length + len(header))
            position += NEXT_OFFSET.unpack_from(self.buffer, position)[0]

    def last_ns(self) -> int:
        """The time of the last packet."""
        seconds, nanoseconds = _LAST.unpack_from(self.buffer)
        return int(seconds * NANOSECONDS + nanoseconds)
