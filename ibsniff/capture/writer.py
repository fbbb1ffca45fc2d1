"""Writing pcapng with time stamps in nanoseconds (draft-ietf-opsawg-pcapng, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct, pack
from typing import BinaryIO

from ibsniff.capture import blocks
from ibsniff.model import Columns, Frame

_NANOSECOND_RESOLUTION = b"\x09"
_PACKET = Struct("<7I")
_LENGTH = Struct("<I")


class PcapngWriter:
    """Writes packets, statistics and comments for Wireshark and our own reader.

    ``interfaces`` are pairs of name and link type; a packet refers to its interface by index. ``application`` is the
    program that writes the file, such as "ibsniff 1.0". All methods raise the OSError of the stream.
    """

    def __init__(
        self,
        stream: BinaryIO,
        interfaces: Sequence[tuple[str, int]],
        snaplen: int = 262_144,
        application: str = "ibsniff",
    ) -> None:
        self._stream = stream
        self._write = stream.write
        self.size = 0
        """Bytes written so far."""
        self._block(blocks.SECTION_HEADER, _section_header(application))
        for name, link_type in interfaces:
            self._block(blocks.INTERFACE_DESCRIPTION, _interface_description(name, link_type, snaplen))

    def write(self, packets: Frame | Columns, interface: int = 0) -> None:
        """Write one packet or many. Their numbers are not stored: a reader counts them again."""
        if isinstance(packets, Frame):
            block = _packet(interface, packets.time_ns, packets.data, packets.wire_length)
        else:
            from ibsniff.capture.columns import packet_blocks  # noqa: PLC0415  (numpy, and 0.1 s)

            block = packet_blocks(packets, interface)
        self._write(block)
        self.size += len(block)

    def statistics(
        self,
        interface: int,
        end_time_ns: int,
        received: int | None,
        dropped: int | None,
        counted_at_ns: int | None = None,
    ) -> None:
        """Write until when the interface was watched, and its counters since the start of this file.

        ``counted_at_ns`` is when the counters were read, if that was at another time.
        """
        end = _high_low(end_time_ns)
        options = _option(blocks.ISB_END_TIME, pack("<II", *end))
        if received is not None:
            options += _option(blocks.ISB_IF_RECEIVED, pack("<Q", received))
        if dropped is not None:
            options += _option(blocks.ISB_IF_DROPPED, pack("<Q", dropped))
        self._statistics(interface, counted_at_ns or end_time_ns, options)

    def comment(self, interface: int, time_ns: int, text: str) -> None:
        """Write a comment about the interface (see `comments`)."""
        self._statistics(interface, time_ns, _option(blocks.COMMENT, text.encode()))

    def _statistics(self, interface: int, time_ns: int, options: bytes) -> None:
        fields = pack("<III", interface, *_high_low(time_ns)) + options + _option(blocks.END_OF_OPTIONS, b"")
        self._block(blocks.INTERFACE_STATISTICS, fields)

    def _block(self, kind: int, body: bytes) -> None:
        block = _block(kind, body)
        self._write(block)
        self.size += len(block)

    def flush(self) -> None:
        """Make what was written so far visible to other programs."""
        self._stream.flush()

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


def _packet(interface: int, time_ns: int, data: bytes, wire_length: int) -> bytes:
    captured = len(data)
    padding = -captured & 3
    total = captured + padding + blocks.MIN_BLOCK_SIZES[blocks.ENHANCED_PACKET]
    high, low = time_ns >> 32, time_ns & 0xFFFFFFFF
    header = _PACKET.pack(blocks.ENHANCED_PACKET, total, interface, high, low, captured, wire_length)
    return header + data + bytes(padding) + _LENGTH.pack(total)


def _section_header(application: str) -> bytes:
    length_unknown = -1
    fields = pack("<IHHq", blocks.BYTE_ORDER_MAGIC, *blocks.VERSION, length_unknown)
    options = _option(blocks.SHB_APPLICATION, application.encode()) + _option(blocks.END_OF_OPTIONS, b"")
    return fields + options


def _interface_description(name: str, link_type: int, snaplen: int) -> bytes:
    options = _option(blocks.IF_NAME, name.encode()) + _option(blocks.IF_TIME_RESOLUTION, _NANOSECOND_RESOLUTION)
    fields = pack("<HHI", link_type, 0, snaplen)
    return fields + options + _option(blocks.END_OF_OPTIONS, b"")


def _high_low(time_ns: int) -> tuple[int, int]:
    return time_ns >> 32, time_ns & 0xFFFFFFFF


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _option(code: int, value: bytes) -> bytes:
    return pack("<HH", code, len(value)) + _padded(value)


def _block(kind: int, body: bytes) -> bytes:
    body = _padded(body)
    length = pack("<I", blocks.MIN_BLOCK_SIZE + len(body))
    return pack("<I", kind) + length + body + length
