"""Writing pcapng: nanoseconds, one interface block an interface (draft-ietf-opsawg-pcapng, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack
from typing import BinaryIO

from ibsniff.capture import blocks
from ibsniff.model import Frame

_NANOSECOND_RESOLUTION = b"\x09"


class PcapngWriter:
    """Writes what was captured so that Wireshark and our own reader see it alike.

    ``interfaces`` are (name, link type), and a packet names its interface by index. ``application`` is who wrote the
    file, such as "ibsniff 1.0". Raises the stream's own OSError.
    """

    def __init__(
        self,
        stream: BinaryIO,
        interfaces: Sequence[tuple[str, int]],
        snaplen: int = 262_144,
        application: str = "ibsniff",
    ) -> None:
        self._stream = stream
        stream.write(_section_header(application))
        for name, link_type in interfaces:
            stream.write(_interface_description(name, link_type, snaplen))

    def write(self, frame: Frame, interface: int = 0) -> None:
        """One packet. Its number is not kept: it is counted again on reading."""
        captured = len(frame.data)
        fields = pack("<IIIII", interface, *_high_low(frame.time_ns), captured, frame.wire_length)
        self._stream.write(_block(blocks.ENHANCED_PACKET, fields + frame.data))

    def statistics(self, interface: int, end_time_ns: int, received: int | None, dropped: int | None) -> None:
        """Until when the interface was watched, and its counters since the start."""
        end = _high_low(end_time_ns)
        options = _option(blocks.ISB_END_TIME, pack("<II", *end))
        if received is not None:
            options += _option(blocks.ISB_IF_RECEIVED, pack("<Q", received))
        if dropped is not None:
            options += _option(blocks.ISB_IF_DROPPED, pack("<Q", dropped))
        fields = pack("<III", interface, *end)
        self._stream.write(_block(blocks.INTERFACE_STATISTICS, fields + options + _option(blocks.END_OF_OPTIONS, b"")))

    def flush(self) -> None:
        """Let others see what was written so far."""
        self._stream.flush()

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


def _section_header(application: str) -> bytes:
    length_unknown = -1
    fields = pack("<IHHq", blocks.BYTE_ORDER_MAGIC, *blocks.VERSION, length_unknown)
    options = _option(blocks.SHB_APPLICATION, application.encode()) + _option(blocks.END_OF_OPTIONS, b"")
    return _block(blocks.SECTION_HEADER, fields + options)


def _interface_description(name: str, link_type: int, snaplen: int) -> bytes:
    options = _option(blocks.IF_NAME, name.encode()) + _option(blocks.IF_TIME_RESOLUTION, _NANOSECOND_RESOLUTION)
    fields = pack("<HHI", link_type, 0, snaplen)
    return _block(blocks.INTERFACE_DESCRIPTION, fields + options + _option(blocks.END_OF_OPTIONS, b""))


def _high_low(time_ns: int) -> tuple[int, int]:
    return time_ns >> 32, time_ns & 0xFFFFFFFF


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _option(code: int, value: bytes) -> bytes:
    return pack("<HH", code, len(value)) + _padded(value)


def _block(kind: int, body: bytes) -> bytes:
    body = _padded(body)
    length = pack("<I", blocks.SMALLEST + len(body))
    return pack("<I", kind) + length + body + length
