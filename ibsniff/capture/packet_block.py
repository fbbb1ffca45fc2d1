"""Many packets as the kernel handed them over, before anything is made of them: a block of a ring, copied out of it.

Read one by one they are a dozen microseconds each by the time they are judged; as columns a tenth of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Final

from ibsniff.capture.backend import RawPacket
from ibsniff.model import NANOSECONDS

if TYPE_CHECKING:
    from ibsniff.model import Columns

_LAST = Struct("=40xII")
"""``struct tpacket_block_desc``: of it the time of the last packet."""
PACKET: Final = Struct("=IIIIIIHHIIHH")
"""``struct tpacket3_hdr``: next, sec, nsec, snaplen, len, status, mac, net, rxhash, vlan_tci, vlan_tpid, padding."""
TAGGED, TAG_KIND_KNOWN = 1 << 4, 1 << 6
_TAG = Struct("!HH")
_NEXT = Struct("=I")
_ADDRESS_AT: Final = 48
_ADDRESS = Struct("=2x2sIHBB8s")
"""``struct sockaddr_ll``: family, protocol as on the wire, interface, hardware type, packet type, length, address."""
_SLL2 = Struct("!2sHIHBB8s")
"""tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html: protocol, 0, interface, hardware type, packet type, address."""


@dataclass(frozen=True, slots=True)
class PacketBlock:
    """The packets of one block."""

    buffer: bytes
    count: int
    first: int
    """Where in the buffer the first packet's header stands."""

    def packets(self, *, put_tags_back: bool = True) -> Iterator[RawPacket]:
        """One by one; a VLAN tag that the kernel took out of an Ethernet header is put back."""
        buffer, position, unpack = self.buffer, self.first, PACKET.unpack_from
        for _ in range(self.count):
            step, seconds, nanoseconds, captured, length, status, start, _, _, tag, kind, _ = unpack(buffer, position)
            start += position
            data = buffer[start : start + captured]
            if status & TAGGED and put_tags_back:
                data = data[:12] + _TAG.pack(kind if status & TAG_KIND_KNOWN else 0x8100, tag) + data[12:]
                length += _TAG.size
            yield RawPacket(seconds * NANOSECONDS + nanoseconds, data, length)
            position += step

    def cooked(self) -> Iterator[RawPacket]:
        """One by one, those of a socket without link headers: LINKTYPE_LINUX_SLL2 headers are put before them."""
        position = self.first
        for packet in self.packets(put_tags_back=False):
            protocol, index, hardware, kind, length, address = _ADDRESS.unpack_from(self.buffer, position + _ADDRESS_AT)
            header = _SLL2.pack(protocol, 0, index, hardware, kind, length, address[:length])
            yield RawPacket(packet.time_ns, header + packet.data, packet.wire_length + len(header))
            position += _NEXT.unpack_from(self.buffer, position)[0]

    def last_ns(self) -> int:
        """When its last packet came."""
        seconds, nanoseconds = _LAST.unpack_from(self.buffer)
        return int(seconds * NANOSECONDS + nanoseconds)

    def columns(self, first_number: int, link_type: int) -> Columns | None:
        """All at once; None when one of them has a tag that must be put back."""
        import numpy as np  # noqa: PLC0415  (0.1 s, and a quiet interface never needs it)

        from ibsniff.arrays import layout, number, records_at  # noqa: PLC0415
        from ibsniff.model import Columns  # noqa: PLC0415

        step_at, position = _NEXT.unpack_from, self.first
        found = [position]
        for _ in range(self.count - 1):
            position += step_at(self.buffer, position)[0]
            found.append(position)
        headers = np.array(found, np.int64)
        places = {"seconds": 4, "nanoseconds": 8, "captured": 12, "length": 16, "status": 20}
        fields = {name: (at, "=u4") for name, at in places.items()}
        records = records_at(self.buffer, headers, layout(PACKET.size, **fields, start=(24, "=u2")))
        if (records["status"] & TAGGED).any():
            return None
        return Columns(
            first_number,
            link_type,
            self.buffer,
            headers + number(records, "start"),
            number(records, "captured"),
            number(records, "length"),
            number(records, "seconds") * NANOSECONDS + number(records, "nanoseconds"),
        )
