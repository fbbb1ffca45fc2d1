"""What stays of a capture file that a ring is about to delete: the packets that verdicts rest on.

A session lasts all day, a ring holds an hour of it, and the hello that the first verdict rests on was in the first file.
So before a file goes, it is thinned: of every connection its first packets, all that open and end one, errors the server
tells, and whatever is no TCP. What is left goes behind what was left of the files before it, block by block as it stands.
That is a pcapng of its own (a file may consist of several sections), and with the files of the ring behind it, it is the
capture with holes: nothing stands in it twice.
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
"""Of each connection: a handshake is done after a dozen, unless its client sends byte by byte."""
MAX_OTHER_PACKETS = 1000
"""Packets of each other kind: ARP goes on for ever on a real network."""
MAX_CONNECTIONS = 20_000
"""Connections counted at a time; one that is pushed out begins to be counted anew, so more of it is kept than needed."""

ERROR_MESSAGE = 4
"""ERR_MSG (ib/names): as text, as a number from server version 201 on, and 200 more when it is a protobuf."""
_ERRORS = (b"4\0", ERROR_MESSAGE.to_bytes(4, "big"), (ERROR_MESSAGE + 200).to_bytes(4, "big"))
_LENGTH_PREFIX = 4

_BLOCK = Struct("<II")
_PACKET = Struct("<IIIII")


class EvidenceFilter:
    """Chooses from packets in the order in which they came."""

    def __init__(self) -> None:
        self._dissector = Dissector(None, Counter())
        self._seen: dict[frozenset[Endpoint], int] = {}
        self._others: Counter[type] = Counter()

    def wants(self, frame: Frame) -> bool:
        """Whether a verdict may rest on this packet."""
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

    def of(self, file: BinaryIO) -> Iterator[bytes]:
        """The blocks to keep of a file that `PcapngWriter` wrote: all, but for the packets nobody wants."""
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
    """Whether a segment begins with an error message; one that stands behind another message is not found."""
    return payload[_LENGTH_PREFIX:].startswith(_ERRORS)
