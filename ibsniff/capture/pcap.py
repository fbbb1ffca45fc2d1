"""The reader of pcap, the capture format of tcpdump (draft-ietf-opsawg-pcap; pcap-savefile(5))."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from ibsniff.capture.input_buffer import MAX_FRAME, DamagedCapture, InputBuffer, TruncatedCapture
from ibsniff.capture.input_record import InputRecord
from ibsniff.model import NANOSECONDS, Columns, Frame

MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
"""First four bytes -> byte order, and nanoseconds in one unit of a time stamp's fraction."""

FILE_HEADER_SIZE = 24
RECORD_HEADER_SIZE = 16
VERSION = (2, 4)
"""The only version written since 1998."""
SWAPPED, MAYBE_SWAPPED = ((2, 0), (2, 1), (2, 2)), (2, 3)
"""Versions in which a record states the two lengths the other way round: all files of the older ones do, and some with the
number 2.3, where the greater one is the length on the wire (libpcap's sf-pcap.c)."""

LINK_TYPE_MASK = 0x0000FFFF
RESERVED_MASK = 0x03FF0000
"""pcap-savefile(5): readers must treat other values than 0 as an error. The bits above are the length of the FCS."""


class PcapReader:
    """Reads the packets of one pcap file. ``parse`` or ``columns`` is called each time the buffer has more bytes."""

    format = "pcap"

    def __init__(self, input_buffer: InputBuffer, record: InputRecord) -> None:
        """Read the file header. Raises DamagedCapture when it is cut off or invalid."""
        if not input_buffer.advance(0, FILE_HEADER_SIZE):
            raise TruncatedCapture(
                f"the file header is cut: {len(input_buffer.data)} of {FILE_HEADER_SIZE} bytes are there"
            )
        order, self._fraction_ns = MAGICS[input_buffer.data[:4]]
        major, minor, _zone, _accuracy, _snaplen, link = Struct(order + "HHIIII").unpack_from(input_buffer.data, 4)
        version = (major, minor)
        if version not in (*SWAPPED, MAYBE_SWAPPED, VERSION):
            raise DamagedCapture(f"its pcap version is {major}.{minor}; only versions 2.0 to 2.4 are supported")
        self._is_swapped, self._may_be_swapped = version in SWAPPED, version == MAYBE_SWAPPED
        if link & RESERVED_MASK:
            raise DamagedCapture(f"its link type field is {link:#010x}, which has reserved bits set")
        self._order = order
        self._record_header = Struct(order + "IIII")
        self._link_type = link & LINK_TYPE_MASK
        self._record = record
        self.number = 0
        self.position = FILE_HEADER_SIZE
        self.needed = RECORD_HEADER_SIZE
        record.add_link_type(self._link_type)

    def parse(self, input_buffer: InputBuffer, batch: list[Frame]) -> None:
        """Append the complete packets in the buffer to ``batch``; to continue, ``needed`` bytes from ``position`` on must be there.

        Raises DamagedCapture at an impossible length. A length above the file's snaplen is accepted: some programs write it.
        """
        buffer, link_type, fraction_ns = input_buffer.data, self._link_type, self._fraction_ns
        unpack, append = self._record_header.unpack_from, batch.append
        frame = tuple.__new__  # the same as Frame(...) in half the time
        size, number, position, cut = len(buffer), self.number, 0, 0
        captured, last = 0, size - RECORD_HEADER_SIZE
        may_be_swapped = self._is_swapped or self._may_be_swapped
        while position <= last:
            seconds, fraction, captured, original = unpack(buffer, position)
            if may_be_swapped:
                captured, original = self._in_order(captured, original)
            start = position + RECORD_HEADER_SIZE
            end = start + captured
            if end > size or captured > MAX_FRAME:
                break
            if captured < original:
                cut += 1
            else:
                original = captured  # the length on the wire cannot be less than what was captured
            number += 1
            time_ns = seconds * NANOSECONDS + fraction * fraction_ns
            append(frame(Frame, (number, time_ns, link_type, buffer[start:end], original)))
            position = end
        else:
            captured = 0
        self.number, self.position, self.needed = number, position, RECORD_HEADER_SIZE + captured
        self._record.add_cut_by_snaplen(cut)
        self._check_length(captured, input_buffer)

    def _in_order(self, first: int, second: int) -> tuple[int, int]:
        """The captured length and the one on the wire, of a record of an old version."""
        swapped = self._is_swapped or first > second
        return (second, first) if swapped else (first, second)

    def columns(self, input_buffer: InputBuffer) -> Iterator[Columns | Frame]:
        """Yield the same packets as columns, those of an old version one by one."""
        if self._is_swapped or self._may_be_swapped:
            yield from self._frames_of_old_version(input_buffer)
            return
        from ibsniff.capture.columns import cut_by_snaplen, end_of, pcap_columns  # noqa: PLC0415  (numpy, and 0.1 s)

        buffer = input_buffer.data
        found = pcap_columns(buffer, self._order, self._fraction_ns, self._link_type, self.number + 1)
        self.number += len(found)
        self.position, self.needed = end_of(found) if len(found) else 0, RECORD_HEADER_SIZE
        self._record.add_cut_by_snaplen(cut_by_snaplen(found))
        if len(found):
            yield found
        if len(buffer) - self.position >= RECORD_HEADER_SIZE:
            captured = self._record_header.unpack_from(buffer, self.position)[2]
            self._check_length(captured, input_buffer)
            self.needed += captured

    def _frames_of_old_version(self, input_buffer: InputBuffer) -> Iterator[Frame]:
        frames: list[Frame] = []
        try:
            self.parse(input_buffer, frames)
        except DamagedCapture:
            yield from frames
            raise
        yield from frames

    def _check_length(self, captured: int, input_buffer: InputBuffer) -> None:
        """Raise DamagedCapture at an impossible length."""
        if captured > MAX_FRAME:
            place = f"packet {self.number + 1}, at byte {input_buffer.offset + self.position}"
            raise DamagedCapture(f"{place}, has an impossible length: {captured} bytes")

    def missing(self, rest: int) -> str:
        """Say what is missing when the input ends ``rest`` bytes after the last complete packet."""
        if rest < RECORD_HEADER_SIZE:
            what, there, whole = "the header of packet", rest, RECORD_HEADER_SIZE
        else:
            what, there, whole = "packet", rest - RECORD_HEADER_SIZE, self.needed - RECORD_HEADER_SIZE
        return f"the capture ends inside {what} {self.number + 1}: {there} of {whole} bytes are there"
