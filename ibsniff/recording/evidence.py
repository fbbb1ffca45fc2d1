"""The evidence in a capture file that a ring is about to delete: the packets that verdicts depend on.

A session lasts all day, the ring holds an hour of it, and the hello that the first verdict depends on was in the first
file. So before a file is deleted, these packets are copied: the first packets of each connection, all packets that open or
end one, error messages of the server, and packets other than TCP. Their blocks are appended unchanged to those of earlier
files. The result is a valid pcapng file, since a file may have several sections. Followed by the files of the ring it is
the capture with gaps, and no packet is in it twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO

from ibsniff.capture import blocks
from ibsniff.model import ACK, FIN, RST, SYN, Endpoint, Frame, Segment
from ibsniff.net import Dissector

FIRST_PACKETS = 100
"""Packets that are kept from the start of each connection: a handshake takes about 12, unless it is sent byte by byte."""
MAX_OTHER_PACKETS = 1000
"""Packets that are kept of each kind other than TCP: on a real network, ARP never ends."""
MAX_CONNECTIONS = 20_000
"""Connections that are counted at a time; the count of an evicted one starts again, so that too many packets are kept."""

ERROR_MESSAGE = 4
"""ERR_MSG (ib/names): as text; from server version 201 on as a binary number; and 200 higher as protobuf."""
_ERRORS = (b"4\0", ERROR_MESSAGE.to_bytes(4, "big"), (ERROR_MESSAGE + 200).to_bytes(4, "big"))
_LENGTH_PREFIX = 4

_BLOCK = Struct("<II")
_PACKET = Struct("<IIIII")


class EvidenceFilter:
    """Selects the packets to keep; it must see all packets in the order of the capture."""

    def __init__(self) -> None:
        self._dissector = Dissector(None, Counter())
        self._seen: dict[frozenset[Endpoint], int] = {}
        self._others: Counter[type] = Counter()

    def wants(self, frame: Frame) -> bool:
        """Whether a verdict may depend on this packet."""
        packet = self._dissector.dissect(frame)
        if not isinstance(packet, Segment):
            self._others[type(packet)] += 1
            return self._others[type(packet)] <= MAX_OTHER_PACKETS
        ends = frozenset((packet.source, packet.destination))
        begins = packet.flags & (SYN | ACK) == SYN
        seen = 0 if begins else self._seen.get(ends, 0)
        self._seen[ends] = seen + 1
        if len(self._seen) > MAX_CONNECTIONS:
            del self._seen[next(iter(self._seen))]
        return seen < FIRST_PACKETS or bool(packet.flags & (FIN | RST)) or begins_with_error(packet.payload)

    def wanted_blocks(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield the blocks of a file that `PcapngWriter` wrote, without the packets that are not wanted."""
        link_types: list[int] = []
        number = 0
        while len(head := file.read(_BLOCK.size)) == _BLOCK.size:
            kind, total = _BLOCK.unpack(head)
            rest = file.read(total - _BLOCK.size)
            if kind == blocks.SECTION_HEADER:
                link_types.clear()
            elif kind == blocks.INTERFACE_DESCRIPTION:
                link_types.append(int.from_bytes(rest[:2], "little"))
            elif kind == blocks.ENHANCED_PACKET:
                number += 1
                interface, high, low, captured, original = _PACKET.unpack_from(rest)
                data = rest[_PACKET.size : _PACKET.size + captured]
                if not self.wants(Frame(number, high << 32 | low, link_types[interface], data, original)):
                    continue
            yield head + rest


def begins_with_error(payload: bytes) -> bool:
    """Whether a segment begins with an error message; one that follows another message is not found."""
    return payload[_LENGTH_PREFIX:].startswith(_ERRORS)
