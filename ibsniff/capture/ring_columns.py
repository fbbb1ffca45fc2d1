"""A block of the packet ring as columns; `ring_block` has the layout of a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ibsniff.capture.ring_block import ADDRESS_OFFSET, NEXT_OFFSET, PACKET_HEADER, VLAN_VALID
from ibsniff.model import NANOSECONDS, Columns
from ibsniff.model.arrays import Numbers, layout, number, records_at

if TYPE_CHECKING:
    from ibsniff.capture.ring_block import RingBlock

_HEADER = layout(
    PACKET_HEADER.size,
    seconds=(4, "=u4"),
    nanoseconds=(8, "=u4"),
    captured=(12, "=u4"),
    length=(16, "=u4"),
    status=(20, "=u4"),
    start=(24, "=u2"),
)
_REST = {"kind": (10, "u1"), "address_length": (11, "u1"), "address": (12, "(8,)u1")}
_ADDRESS = layout(20, protocol=(2, ">u2"), interface=(4, "=u4"), hardware=(8, "=u2"), **_REST)
"""``struct sockaddr_ll``."""
_SLL2 = layout(20, protocol=(0, ">u2"), interface=(4, ">u4"), hardware=(8, ">u2"), **_REST)
"""tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html"""


def ring_columns(block: RingBlock, first_number: int, link_type: int) -> Columns | None:
    """Return all packets of a block; None when one of them has a VLAN tag that must be restored."""
    headers = _places(block)
    records = records_at(block.buffer, headers, _HEADER)
    buffer, added = block.buffer, 0
    starts = headers + number(records, "start")
    if block.is_cooked:
        buffer, added = _with_link_headers(buffer, headers, starts), _SLL2.itemsize
    elif (records["status"] & VLAN_VALID).any():
        return None
    return Columns(
        first_number,
        link_type,
        buffer,
        starts - added,
        number(records, "captured") + added,
        number(records, "length") + added,
        number(records, "seconds") * NANOSECONDS + number(records, "nanoseconds"),
    )


def _places(block: RingBlock) -> Numbers:
    """Return where the header of each packet begins: every header holds the distance to the next."""
    step_at, position = NEXT_OFFSET.unpack_from, block.first
    found = [position]
    for _ in range(block.count - 1):
        position += step_at(block.buffer, position)[0]
        found.append(position)
    return np.array(found, np.int64)


def _with_link_headers(buffer: bytes, headers: Numbers, starts: Numbers) -> bytes:
    """Return the buffer with a link header right before each packet, in place of bytes that are no longer needed."""
    came = records_at(buffer, headers + ADDRESS_OFFSET, _ADDRESS)
    made = np.zeros(len(came), _SLL2)
    for name in _SLL2.names or ():
        made[name] = came[name]
    made["address"][np.arange(8) >= came["address_length"][:, None]] = 0
    new = np.frombuffer(bytearray(buffer), np.uint8)
    size = _SLL2.itemsize
    new[(starts - size)[:, None] + np.arange(size)] = made.view(np.uint8).reshape(-1, size)
    return new.tobytes()
