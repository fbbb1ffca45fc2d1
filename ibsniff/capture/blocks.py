"""The constants of pcapng (draft-ietf-opsawg-pcapng): block types, option codes and sizes, for the reader and the writer."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from ibsniff.capture.input_buffer import DamagedCapture

SECTION_HEADER = 0x0A0D0D0A
"""The value is the same in both byte orders (section 4.1)."""
INTERFACE_DESCRIPTION = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
INTERFACE_STATISTICS = 5
ENHANCED_PACKET = 6
SYSTEMD_JOURNAL = 9
CUSTOM = 0x00000BAD
CUSTOM_NOT_COPIED = 0x40000BAD
SYSDIG_EVENT = 0x204
SYSDIG_EVENT_2 = 0x216
SYSDIG_EVENT_2_LARGE = 0x221

MIN_BLOCK_SIZE = 12
"""Bytes of a block without a body: its type, its total length, and the total length again."""

MIN_BLOCK_SIZES = {
    SECTION_HEADER: 28,
    INTERFACE_DESCRIPTION: 20,
    OBSOLETE_PACKET: 32,
    SIMPLE_PACKET: 16,
    INTERFACE_STATISTICS: 24,
    ENHANCED_PACKET: 32,
    SYSTEMD_JOURNAL: 36,
    CUSTOM: 16,
    CUSTOM_NOT_COPIED: 16,
    SYSDIG_EVENT: 36,
    SYSDIG_EVENT_2: 40,
    SYSDIG_EVENT_2_LARGE: 40,
}
"""The smallest possible total length of a block, by its type."""

NUMBERED_BUT_NO_PACKET = frozenset(
    {SYSTEMD_JOURNAL, CUSTOM, CUSTOM_NOT_COPIED, SYSDIG_EVENT, SYSDIG_EVENT_2, SYSDIG_EVENT_2_LARGE}
)
"""Blocks that Wireshark gives a ``frame.number`` although they hold no packet (observed with 4.0)."""

BYTE_ORDER_MAGIC = 0x1A2B3C4D
BYTE_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
"""The byte-order magic as it is stored in the file -> byte order of the section."""
VERSION = (1, 0)
VERSIONS = (VERSION, (1, 2))
"""Some programs wrote 1.2 by mistake; it means 1.0 (section 4.1)."""

END_OF_OPTIONS = 0
COMMENT = 1
SHB_APPLICATION = 4
IF_NAME = 2
IF_TIME_RESOLUTION = 9
IF_TIME_OFFSET = 14
EPB_DROP_COUNT = 4
ISB_END_TIME = 3
ISB_IF_RECEIVED = 4
ISB_IF_DROPPED = 5
ISB_OS_DROPPED = 7


def options(data: bytes, byte_order: str) -> Iterator[tuple[int, bytes]]:
    """Yield the code and value of each option (section 3.5). Raises DamagedCapture when one exceeds the remaining bytes."""
    header = Struct(byte_order + "HH")
    position = 0
    while position + header.size <= len(data):
        code, length = header.unpack_from(data, position)
        if code == END_OF_OPTIONS:
            return
        start = position + header.size
        position = start + length + -length % 4
        if position > len(data):
            raise DamagedCapture(
                f"the length of an option is {length} bytes, but only {len(data) - start} bytes follow"
            )
        yield code, data[start : start + length]
