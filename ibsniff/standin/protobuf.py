"""The part of the protobuf wire format that the stand-in needs (protobuf.dev/programming-guides/encoding).

Its messages use three of the wire types: varint (0), 64-bit (1, doubles) and length-delimited (2, strings and messages).
Fields have IB's numbers; nothing here knows what they mean.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5

Value = int | float | str


def encode(values: Iterable[Value], first_field: int = 1) -> bytes:
    """Encode values as the fields ``first_field``, ``first_field + 1`` ... of one message."""
    return b"".join(_field(number, value) for number, value in enumerate(values, first_field))


def decode(data: bytes) -> dict[int, int | bytes]:
    """Decode to field number -> its last value. Raises ``ValueError`` when the bytes are not protobuf."""
    return dict(_fields(data))


def _field(number: int, value: Value) -> bytes:
    if isinstance(value, str):
        text = value.encode()
        return _varint(number << 3 | LENGTH_DELIMITED) + _varint(len(text)) + text
    if isinstance(value, float):
        return _varint(number << 3 | FIXED64) + struct.pack("<d", value)
    return _varint(number << 3 | VARINT) + _varint(value)


def _varint(value: int) -> bytes:
    value &= 0xFFFF_FFFF_FFFF_FFFF  # a negative int32 is sent as ten bytes of two's complement
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    offset = 0
    while offset < len(data):
        tag, offset = _read_varint(data, offset)
        value: int | bytes
        if tag & 7 == VARINT:
            value, offset = _read_varint(data, offset)
        else:
            length = {FIXED64: 8, FIXED32: 4}.get(tag & 7)
            if length is None and tag & 7 == LENGTH_DELIMITED:
                length, offset = _read_varint(data, offset)
            if length is None or offset + length > len(data):
                raise ValueError("not a protobuf message")
            value, offset = data[offset : offset + length], offset + length
        yield tag >> 3, value


def _read_varint(data: bytes, offset: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if offset == len(data):
            break
        byte = data[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset
    raise ValueError("not a varint")
