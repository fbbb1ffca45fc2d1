"""Capture files put together byte by byte, independent of the code they test."""

from __future__ import annotations

import io
from struct import pack

from ibsniff.capture.files import CaptureFile, open_capture
from ibsniff.model import Frame, InputFacts

DATA = bytes(range(60))
LITTLE, BIG = "<", ">"


def pcap_header(order: str = LITTLE, magic: int = 0xA1B2C3D4, link: int = 1, snaplen: int = 65535, version=(2, 4)):
    return pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, link)


def record(data=DATA, seconds=1, fraction=0, captured=None, original=None, order=LITTLE) -> bytes:
    captured = len(data) if captured is None else captured
    return pack(order + "IIII", seconds, fraction, captured, len(data) if original is None else original) + data


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def block(kind: int, body: bytes = b"", order: str = LITTLE) -> bytes:
    body = padded(body)
    length = pack(order + "I", len(body) + 12)
    return pack(order + "I", kind) + length + body + length


def option(code: int, value: bytes, order: str = LITTLE) -> bytes:
    return pack(order + "HH", code, len(value)) + padded(value)


def section(order: str = LITTLE, major: int = 1, minor: int = 0, options: bytes = b"") -> bytes:
    return block(0x0A0D0D0A, pack(order + "IHHq", 0x1A2B3C4D, major, minor, -1) + options, order)


def interface(link: int = 1, snaplen: int = 65535, options: bytes = b"", order: str = LITTLE) -> bytes:
    return block(1, pack(order + "HHI", link, 0, snaplen) + options, order)


def enhanced(data=DATA, index=0, ticks=1_000_000, captured=None, original=None, options=b"", order=LITTLE) -> bytes:
    captured = len(data) if captured is None else captured
    original = len(data) if original is None else original
    fields = pack(order + "IIIII", index, ticks >> 32, ticks & 0xFFFFFFFF, captured, original)
    return block(6, fields + padded(data) + options, order)


def simple(data: bytes = DATA, original: int | None = None, order: str = LITTLE) -> bytes:
    return block(3, pack(order + "I", len(data) if original is None else original) + data, order)


def obsolete(data: bytes = DATA, index: int = 0, ticks: int = 2_000_000, drops: int = 0, order: str = LITTLE) -> bytes:
    fields = pack(order + "HHIIII", index, drops, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
    return block(2, fields + data, order)


def statistics(index: int = 0, ticks: int = 9_000_000, options: bytes = b"", order: str = LITTLE) -> bytes:
    return block(5, pack(order + "III", index, ticks >> 32, ticks & 0xFFFFFFFF) + options, order)


def opened(content: bytes) -> CaptureFile:
    return open_capture("-", io.BytesIO(content))


def read(content: bytes) -> tuple[list[Frame], InputFacts]:
    with opened(content) as capture:
        return list(capture.frames()), capture.facts
