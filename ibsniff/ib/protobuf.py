"""A protobuf decoder for the few fields that are read, by their numbers.

The wire format is a key (field number and wire type) as a varint, then the value. Unknown fields are skipped: newer
servers add some. Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5
MAX_VARINT = 10
"""Bytes of the longest varint: 64 bits, seven in each byte."""


FIRST_INTEGER = bytes([1 << 3 | VARINT])
"""The key of an integer in field 1."""


class Field(NamedTuple):
    """One field and where its value stands."""

    number: int
    value: int | None
    """Of a varint; None for a value in bytes."""
    start: int
    end: int


def fields(raw: bytes) -> dict[int, int | bytes]:
    """Read the top-level fields up to the first malformed one; of a repeated field the last value counts.

    Signed 32- and 64-bit integers are sent as two's complement in 64 bits: see :func:`signed`.
    """
    return {field.number: raw[field.start : field.end] if field.value is None else field.value for field in walk(raw)}


def walk(raw: bytes, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """Yield the fields of a message, or of one inside of it, up to the first malformed one."""
    at, end = start, len(raw) if end is None else end
    while at < end:
        key, at = _varint(raw, at)
        kind = key & 7
        began = at
        value = None
        if kind == VARINT:
            value, at = _varint(raw, at)
        else:
            size, began = _size(raw, at, kind)
            at = began + size if size >= 0 else end + 1
        if at > end:
            return
        yield Field(key >> 3, value, began, at)


def first_integer(raw: bytes) -> int | None:
    """The signed integer in field 1; None if there is none. In most messages it comes first."""
    if raw[:1] == FIRST_INTEGER:
        value, at = _varint(raw, 1)
        return signed(value) if at <= len(raw) else None
    found = next((field.value for field in walk(raw) if field.number == 1), None)
    return None if found is None else signed(found)


def inside(raw: bytes, path: tuple[int, ...]) -> Iterator[Field]:
    """Yield every field that has this number in a message that has that number, and so on."""
    found = [Field(0, None, 0, len(raw))]
    for number in path:
        around = [field for field in found if field.value is None]
        found = [field for each in around for field in walk(raw, each.start, each.end) if field.number == number]
    yield from found


def signed(value: int | bytes | None, default: int = -1) -> int:
    """Return an int32/int64 field's value; ``default`` when the field is absent or of another type."""
    if not isinstance(value, int):
        return default
    return value - (1 << 64) if value >> 63 else value


def text(value: int | bytes | None) -> str:
    """Return a string field's value; empty when absent."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else ""


def _size(raw: bytes, at: int, kind: int) -> tuple[int, int]:
    if kind == LENGTH_DELIMITED:
        return _varint(raw, at)
    return {FIXED64: 8, FIXED32: 4}.get(kind, -1), at


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """Return the value and the next position, which is past the end when the varint is cut off or too long."""
    value = 0
    for index, byte in enumerate(raw[at : at + MAX_VARINT]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + index + 1
    return 0, len(raw) + 1
