"""The reader of pcapng, the capture format of Wireshark and dumpcap (draft-ietf-opsawg-pcapng).

Packets have the numbers that Wireshark gives them. Like Wireshark, the reader ends at the first damage: when lengths
contradict each other, the beginning of the next block is unknown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from struct import Struct

from ibsniff.capture import blocks
from ibsniff.capture.input_buffer import MAX_FRAME, DamagedCapture, InputBuffer, TruncatedCapture
from ibsniff.capture.input_record import InputRecord
from ibsniff.capture.pcapng_interface import MAX_TIME_NS
from ibsniff.capture.pcapng_metadata import PcapngMetadata
from ibsniff.model import Columns, Frame

MAX_BLOCK = 16 << 20
"""The longest block, in bytes, since a block must be in memory: the longest valid ones hold TLS keys."""

COLUMNS_MIN_PACKETS = 64
"""With fewer packets, making columns takes longer than reading them one by one."""
MAX_PACKETS_ONE_BY_ONE = 1024
"""The most packets that are read one by one before columns are tried again. Each failure doubles the number, from 2 on, so
that a single irregular block costs little, and a file of irregular blocks is not tried at every block."""
COLUMNS_MAX_PACKETS = 1 << 14
"""Packets that are tried as columns at once."""
COLUMNS_GROWTH = 4
"""When not all of them were regular, the next attempt is limited to this many times the regular ones."""

_DROPS_UNKNOWN = 0xFFFF  # of an obsolete packet block (appendix A)


class PcapngReader:
    """Reads the packets of one pcapng file. ``parse`` or ``columns`` is called each time the buffer has more bytes."""

    format = "pcapng"

    def __init__(self, input_buffer: InputBuffer, record: InputRecord) -> None:
        """Read the first section header. Raises DamagedCapture when it is cut off or invalid."""
        self._record = record
        self.number = 0
        self.position = 0
        self.needed = blocks.MIN_BLOCK_SIZES[blocks.SECTION_HEADER]
        self._metadata = PcapngMetadata(record)
        self._time_ns = 0
        self._look_at = COLUMNS_MAX_PACKETS
        self._one_by_one = 1
        if not input_buffer.advance(0, self.needed):
            raise TruncatedCapture(
                f"the section header is cut: {len(input_buffer.data)} of {self.needed} bytes are there"
            )
        self._open_section(input_buffer.data, 0)

    def _open_section(self, buffer: bytes, position: int) -> None:
        """Read the byte order, which may change with each section (section 4.1)."""
        magic = buffer[position + 8 : position + 12]
        if magic not in blocks.BYTE_ORDERS:
            raise DamagedCapture(f"its byte-order magic is invalid: {magic.hex()}")
        order = self._order = blocks.BYTE_ORDERS[magic]
        self._word = Struct(order + "I")
        self._words = Struct(order + "II")
        self._packet = Struct(order + "IIIII")
        self._block_and_packet = Struct(order + "IIIIIII")

    def parse(self, input_buffer: InputBuffer, batch: list[Frame]) -> None:
        """Append the complete packets in the buffer to ``batch``; to continue, ``needed`` bytes from ``position`` on must be there.

        Raises DamagedCapture at the first invalid block.
        """
        self.position = 0
        more = True
        while more:
            self._plain_packets(input_buffer.data, batch)
            more = self._block(input_buffer, batch)

    def columns(self, input_buffer: InputBuffer) -> Iterator[Columns | Frame]:
        """Yield the same packets, as columns where they are regular."""
        self.position = 0
        more = True
        while more:
            while (found := self._columns(input_buffer.data)) is not None:
                yield found
                self._one_by_one = 1
            self._one_by_one = min(2 * self._one_by_one, MAX_PACKETS_ONE_BY_ONE)
            until = self.number + self._one_by_one
            while more and self.number < until:
                batch: list[Frame] = []
                self._plain_packets(input_buffer.data, batch, until - self.number)
                yield from batch  # before the next block, which may be damaged
                batch = []
                more = self._block(input_buffer, batch)
                yield from batch

    def _columns(self, buffer: bytes) -> Columns | None:
        from ibsniff.capture.columns import cut_by_snaplen, end_of, pcapng_columns  # noqa: PLC0415  (numpy, and 0.1 s)

        at_most = self._look_at
        found = pcapng_columns(buffer, self.position, self._order, self._metadata.interfaces, self.number + 1, at_most)
        end = end_of(found, trailer=int(-found.captured[-1] & 3) + 4) if len(found) else self.position
        if self._is_whole_block(buffer, end):  # otherwise the columns ended with the buffer, not at an irregular block
            self._look_at = min(COLUMNS_GROWTH * max(len(found), COLUMNS_MIN_PACKETS), COLUMNS_MAX_PACKETS)
        if len(found) < COLUMNS_MIN_PACKETS:
            return None
        self.number += len(found)
        self.position = end
        self._time_ns = int(found.times_ns[-1])
        self._record.add_cut_by_snaplen(cut_by_snaplen(found))
        return found

    def _is_whole_block(self, buffer: bytes, at: int) -> bool:
        rest = len(buffer) - at
        return rest >= blocks.MIN_BLOCK_SIZE and self._word.unpack_from(buffer, at + 4)[0] <= rest

    def _plain_packets(self, buffer: bytes, batch: list[Frame], at_most: int = sys.maxsize) -> None:
        """Read enhanced packet blocks without options, which are nearly all, in a fast loop; stop before any other block."""
        unpack, word, append = self._block_and_packet.unpack_from, self._word.unpack_from, batch.append
        interfaces = self._metadata.interfaces
        frame = tuple.__new__  # the same as Frame(...) in half the time
        enhanced_packet = blocks.ENHANCED_PACKET
        position, number, time_ns, cut = self.position, self.number, self._time_ns, 0
        size, count = len(buffer), len(interfaces)
        last, until = size - blocks.MIN_BLOCK_SIZES[blocks.ENHANCED_PACKET], number + at_most
        while position <= last and number < until:
            kind, total, index, high, low, captured, original = unpack(buffer, position)
            start = position + 28
            stop = start + captured
            end = stop + (-captured & 3) + 4
            if kind != enhanced_packet or total != end - position or end > size or index >= count:
                break
            if captured > MAX_FRAME or word(buffer, end - 4)[0] != total:
                break
            link_type, multiplier, divisor, offset_ns, _ = interfaces[index]
            stamp = (high << 32 | low) * multiplier // divisor + offset_ns
            if not 0 <= stamp <= MAX_TIME_NS:
                break
            time_ns = stamp
            if captured < original:
                cut += 1
            else:
                original = captured  # the length on the wire cannot be less than what was captured
            number += 1
            append(frame(Frame, (number, time_ns, link_type, buffer[start:stop], original)))
            position = end
        self.position, self.number, self._time_ns = position, number, time_ns
        self._record.add_cut_by_snaplen(cut)

    def _block(self, input_buffer: InputBuffer, batch: list[Frame]) -> bool:
        """Read the block at ``position``, of any type; return False, and set ``needed``, when it is incomplete."""
        try:
            return self._whole_block(input_buffer.data, batch)
        except DamagedCapture as damage:
            place = f"the block at byte {input_buffer.offset + self.position}, after packet {self.number},"
            raise DamagedCapture(f"{place} is damaged: {damage}") from None

    def _whole_block(self, buffer: bytes, batch: list[Frame]) -> bool:
        position = self.position
        if len(buffer) - position < blocks.MIN_BLOCK_SIZE:
            self.needed = blocks.MIN_BLOCK_SIZE
            return False
        if self._word.unpack_from(buffer, position)[0] == blocks.SECTION_HEADER:
            self._open_section(buffer, position)
        kind, total = self._words.unpack_from(buffer, position)
        smallest = blocks.MIN_BLOCK_SIZES.get(kind, blocks.MIN_BLOCK_SIZE)
        if not smallest <= total <= MAX_BLOCK:
            raise DamagedCapture(
                f"its length is {total} bytes, but blocks of its type have {smallest} to {MAX_BLOCK} bytes"
            )
        self.needed = _rounded(total)  # some writers do not count the padding, which Wireshark accepts too
        end = position + self.needed
        if end > len(buffer):
            return False
        (again,) = self._word.unpack_from(buffer, end - 4)
        if _rounded(again) != self.needed:
            raise DamagedCapture(f"its length is {total} bytes at its start, but {again} at its end")
        self._body(kind, buffer[position + 8 : end - 4], batch)
        self.position = end
        return True

    def _body(self, kind: int, body: bytes, batch: list[Frame]) -> None:
        match kind:
            case blocks.ENHANCED_PACKET:
                self._enhanced_packet(body, batch)
            case blocks.SIMPLE_PACKET:
                self._simple_packet(body, batch)
            case blocks.OBSOLETE_PACKET:
                self._obsolete_packet(body, batch)
            case blocks.INTERFACE_DESCRIPTION:
                self._metadata.interface_description(body, self._order)
            case blocks.INTERFACE_STATISTICS:
                self._metadata.interface_statistics(body, self._order, self._time_ns, self.number + 1)
            case blocks.SECTION_HEADER:
                self._metadata.section_header(body, self._order, self._time_ns)
            case _ if kind in blocks.NUMBERED_BUT_NO_PACKET:
                self.number += 1
            case _:
                pass  # names, secrets and unknown types hold no packets (section 3.1)

    def _enhanced_packet(self, body: bytes, batch: list[Frame]) -> None:
        """Read an enhanced packet block (section 4.3)."""
        index, high, low, captured, original = self._packet.unpack_from(body)
        data, options = _split(body, 20, captured)
        dropped = None
        for code, value in blocks.options(options, self._order):
            if code == blocks.EPB_DROP_COUNT and len(value) == 8:
                (dropped,) = Struct(self._order + "Q").unpack(value)
        self._append_after_drops(batch, index, high << 32 | low, data, original, dropped)

    def _simple_packet(self, body: bytes, batch: list[Frame]) -> None:
        """Read a simple packet block (section 4.4): without time stamp, of the first interface, cut to its snaplen."""
        (original,) = self._word.unpack_from(body)
        snaplen = self._metadata.interface(0).snaplen
        data, rest = _split(body, 4, min(original, snaplen) if snaplen else original)
        if rest:
            raise DamagedCapture(f"{len(rest)} bytes follow its packet, but a simple packet block has no options")
        self._append(batch, 0, None, data, original)

    def _obsolete_packet(self, body: bytes, batch: list[Frame]) -> None:
        """Read an obsolete packet block (appendix A), which some programs still write."""
        index, drops, high, low, captured, original = Struct(self._order + "HHIIII").unpack_from(body)
        data, _options = _split(body, 20, captured)
        dropped = drops if drops != _DROPS_UNKNOWN else None
        self._append_after_drops(batch, index, high << 32 | low, data, original, dropped)

    def _append_after_drops(
        self, batch: list[Frame], index: int, ticks: int, data: bytes, original: int, dropped: int | None
    ) -> None:
        """Append a packet that tells how many were lost between it and the one before it on the same interface."""
        since_ns = self._time_ns if len(self._metadata.interfaces) == 1 else 0
        self._append(batch, index, ticks, data, original)
        if dropped is not None:
            self._metadata.drop_counters.count_before_packet(dropped, since_ns, self._time_ns)

    def _append(self, batch: list[Frame], index: int, ticks: int | None, data: bytes, original: int) -> None:
        interface = self._metadata.interface(index)
        time_ns = None if ticks is None else interface.time_ns(ticks)
        if time_ns is None:
            self._record.add_untimed()
        else:
            self._time_ns = time_ns
        self.number += 1
        self._record.add_cut_by_snaplen(original > len(data))
        batch.append(Frame(self.number, self._time_ns, interface.link_type, data, max(original, len(data))))

    def missing(self, rest: int) -> str:
        """Say what is missing when the input ends ``rest`` bytes after the last complete block."""
        place = f"the capture ends inside the block after packet {self.number}"
        if rest < blocks.MIN_BLOCK_SIZE:
            return f"{place}: {rest} bytes of it are there"
        return f"{place}: {rest} of {self.needed} bytes are there"


def _rounded(length: int) -> int:
    return length + -length % 4


def _split(body: bytes, start: int, captured: int) -> tuple[bytes, bytes]:
    """Return the bytes of the packet in a block, and the options after their padding."""
    room = len(body) - start
    if captured > MAX_FRAME:
        raise DamagedCapture(f"the length of its packet is {captured} bytes; at most {MAX_FRAME} are supported")
    if captured > room:
        raise DamagedCapture(f"the length of its packet is {captured} bytes, but the block has room for {room}")
    return body[start : start + captured], body[start + _rounded(captured) :]
