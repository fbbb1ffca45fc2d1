"""The capture file of Wireshark and dumpcap (draft-ietf-opsawg-pcapng).

Frames are numbered as Wireshark numbers them, and like Wireshark it ends at the first damage: where lengths contradict
each other nothing says where the next block begins.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from struct import Struct

from ibsniff.capture import blocks
from ibsniff.capture.clock_jumps import MAX_TIME_NS
from ibsniff.capture.comments import MAX_COMMENTS, apply_comment
from ibsniff.capture.drop_counters import DropCounters
from ibsniff.capture.input_buffer import MAX_FRAME, DamagedCapture, InputBuffer, TruncatedCapture
from ibsniff.capture.input_record import InputRecord
from ibsniff.capture.pcapng_interface import PcapngInterface, parse_interface_description
from ibsniff.model import Columns, Frame

MAX_BLOCK = 16 << 20
"""Bytes of one block, which is held whole: the largest that are true carry TLS keys. Wireshark's bound serves USB."""

MAX_INTERFACES = 4096
"""Interfaces of one section. Hundreds come from merged files, more from nowhere."""

COLUMNS_MIN_PACKETS = 64
"""Packets from which on columns are worth their making."""
MAX_PACKETS_ONE_BY_ONE = 1024
"""The most packets taken one by one where there were fewer: two at first, and twice as many each time. So an odd block
costs little, and a file of nothing else is not looked at for each."""
COLUMNS_MAX_PACKETS = 1 << 14
"""Packets looked at in bulk; where not all were regular, a few times as many as were."""
COLUMNS_GROWTH = 4

_DROPS_UNKNOWN = 0xFFFF  # of an obsolete packet block (appendix A)


class PcapngReader:
    """Frames of one pcapng file; ``parse`` is given the buffer again and again as it fills."""

    format = "pcapng"

    def __init__(self, input_buffer: InputBuffer, record: InputRecord) -> None:
        """Read the first section header. Raises DamagedCapture when it is cut or is not one."""
        self._record = record
        self.number = 0
        self.position = 0
        self.needed = blocks.MIN_BLOCK_SIZES[blocks.SECTION_HEADER]
        self._interfaces: list[PcapngInterface] = []
        self._time_ns = 0
        self._look_at = COLUMNS_MAX_PACKETS
        self._one_by_one = 1
        self._losses = DropCounters(record)
        self._comments = 0
        if not input_buffer.advance(0, self.needed):
            raise TruncatedCapture(
                f"the section header is cut: {len(input_buffer.data)} of {self.needed} bytes are there"
            )
        self._open_section(input_buffer.data, 0)

    def _open_section(self, buffer: bytes, position: int) -> None:
        """Learn the byte order, which may change with each section (section 4.1)."""
        magic = buffer[position + 8 : position + 12]
        if magic not in blocks.BYTE_ORDERS:
            raise DamagedCapture(f"its byte-order magic is {magic.hex()}, which is none")
        order = self._order = blocks.BYTE_ORDERS[magic]
        self._word = Struct(order + "I")
        self._words = Struct(order + "II")
        self._packet = Struct(order + "IIIII")
        self._block_and_packet = Struct(order + "IIIIIII")

    def parse(self, input_buffer: InputBuffer, batch: list[Frame]) -> None:
        """Append the whole packets in the buffer to ``batch``; then ``needed`` bytes from ``position`` on are wanted.

        Raises DamagedCapture at the first block that contradicts itself.
        """
        self.position = 0
        more = True
        while more:
            self._plain_packets(input_buffer.data, batch)
            more = self._block(input_buffer, batch)

    def columns(self, input_buffer: InputBuffer) -> Iterator[Columns | Frame]:
        """The same in bulk, as far as the packets are regular."""
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
                yield from batch  # the block behind them may be damaged
                batch = []
                more = self._block(input_buffer, batch)
                yield from batch

    def _columns(self, buffer: bytes) -> Columns | None:
        from ibsniff.capture.columns import cut_by_snaplen, end_of, pcapng_columns  # noqa: PLC0415  (numpy, and 0.1 s)

        at_most = self._look_at
        found = pcapng_columns(buffer, self.position, self._order, self._interfaces, self.number + 1, at_most)
        end = end_of(found, trailer=int(-found.captured[-1] & 3) + 4) if len(found) else self.position
        if self._is_whole_block(buffer, end):  # else there was no more to look at
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
        """Nearly every block of a file, in one tight loop: packets without options. Stops before the first other."""
        unpack, word, append = self._block_and_packet.unpack_from, self._word.unpack_from, batch.append
        interfaces = self._interfaces
        frame = tuple.__new__  # what Frame(...) ends in, at half its price
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
                original = captured  # less on the wire than was captured: there is no such thing
            number += 1
            append(frame(Frame, (number, time_ns, link_type, buffer[start:stop], original)))
            position = end
        self.position, self.number, self._time_ns = position, number, time_ns
        self._record.add_cut_by_snaplen(cut)

    def _block(self, input_buffer: InputBuffer, batch: list[Frame]) -> bool:
        """Read any one block at ``position``; False, and how much is ``needed``, when it is not all there."""
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
                f"it says it is {total} bytes long; its type has at least {smallest}, and {MAX_BLOCK} is the bound"
            )
        self.needed = _rounded(total)  # some writers forget the padding in the length, as Wireshark knows
        end = position + self.needed
        if end > len(buffer):
            return False
        (again,) = self._word.unpack_from(buffer, end - 4)
        if _rounded(again) != self.needed:
            raise DamagedCapture(f"it says it is {total} bytes long at its start, and {again} at its end")
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
                self._interface_description(body)
            case blocks.INTERFACE_STATISTICS:
                self._interface_statistics(body)
            case blocks.SECTION_HEADER:
                self._section_header(body)
            case _ if kind in blocks.NUMBERED_BUT_NO_PACKET:
                self.number += 1
            case _:
                pass  # names, secrets and what is not known yet: no packets in it (section 3.1)

    def _section_header(self, body: bytes) -> None:
        """Section 4.1: interfaces are counted anew."""
        _magic, major, minor, _length = Struct(self._order + "IHHq").unpack_from(body)
        if (major, minor) not in blocks.VERSIONS:
            raise DamagedCapture(f"it says it is pcapng version {major}.{minor}, and only 1.0 is known")
        for _ in blocks.options(body[16:], self._order):
            pass  # nothing in them matters, except that they fit
        self._interfaces.clear()
        self._losses.start_section()

    def _interface_description(self, body: bytes) -> None:
        """Section 4.2."""
        if len(self._interfaces) >= MAX_INTERFACES:
            raise DamagedCapture(f"it describes interface {MAX_INTERFACES + 1} of its section, more than is believed")
        interface = parse_interface_description(body, self._order)
        self._interfaces.append(interface)
        self._record.add_link_type(interface.link_type)

    def _enhanced_packet(self, body: bytes, batch: list[Frame]) -> None:
        """Section 4.3."""
        index, high, low, captured, original = self._packet.unpack_from(body)
        data, options = _split(body, 20, captured)
        for code, value in blocks.options(options, self._order):
            if code == blocks.EPB_DROP_COUNT and len(value) == 8:
                self._losses.count_before_packet(self._integer(value))
        self._append(batch, index, high << 32 | low, data, original)

    def _simple_packet(self, body: bytes, batch: list[Frame]) -> None:
        """Section 4.4: always of the first interface, whose snaplen alone tells how much was captured; no time stamp."""
        (original,) = self._word.unpack_from(body)
        snaplen = self._interface(0).snaplen
        data, rest = _split(body, 4, min(original, snaplen) if snaplen else original)
        if rest:
            raise DamagedCapture(f"{len(rest)} bytes are left after its packet, and it has no options")
        self._append(batch, 0, None, data, original)

    def _obsolete_packet(self, body: bytes, batch: list[Frame]) -> None:
        """Appendix A: still written by some."""
        index, drops, high, low, captured, original = Struct(self._order + "HHIIII").unpack_from(body)
        data, _options = _split(body, 20, captured)
        if drops != _DROPS_UNKNOWN:
            self._losses.count_before_packet(drops)
        self._append(batch, index, high << 32 | low, data, original)

    def _append(self, batch: list[Frame], index: int, ticks: int | None, data: bytes, original: int) -> None:
        interface = self._interface(index)
        time_ns = None if ticks is None else interface.time_ns(ticks)
        if time_ns is None:
            self._record.add_untimed()
        else:
            self._time_ns = time_ns
        self.number += 1
        self._record.add_cut_by_snaplen(original > len(data))
        batch.append(Frame(self.number, self._time_ns, interface.link_type, data, max(original, len(data))))

    def _interface_statistics(self, body: bytes) -> None:
        """Section 4.6: the counters run from the start of the capture, so the latest block of an interface counts."""
        index = self._word.unpack_from(body)[0]
        lost = None
        for code, value in blocks.options(body[12:], self._order):
            if code == blocks.COMMENT and self._comments < MAX_COMMENTS:
                self._comments += 1
                apply_comment(self._record, value.decode("utf-8", "replace"), self.number + 1)
            if index >= len(self._interfaces) or len(value) != 8:
                continue
            if code == blocks.ISB_END_TIME:
                high, low = self._words.unpack(value)
                self._ended(self._interfaces[index].end_time_ns(high << 32 | low, self._time_ns))
            elif code in (blocks.ISB_IF_DROPPED, blocks.ISB_OS_DROPPED):
                lost = (lost or 0) + self._integer(value)
        if lost is not None:
            self._losses.count_for_interface(index, lost)

    def _ended(self, time_ns: int | None) -> None:
        if time_ns is not None:
            self._record.end(time_ns)

    def _interface(self, index: int) -> PcapngInterface:
        if index >= len(self._interfaces):
            raise DamagedCapture(f"its packet is of interface {index}, and {len(self._interfaces)} are described")
        return self._interfaces[index]

    def _integer(self, value: bytes) -> int:
        return int.from_bytes(value, "little" if self._order == "<" else "big")

    def missing(self, rest: int) -> str:
        """What is not there when the input ends ``rest`` bytes after the last whole block."""
        place = f"the capture ends inside the block after packet {self.number}"
        if rest < blocks.MIN_BLOCK_SIZE:
            return f"{place}: {rest} bytes of it are there"
        return f"{place}: {rest} of {self.needed} bytes are there"


def _rounded(length: int) -> int:
    return length + -length % 4


def _split(body: bytes, start: int, captured: int) -> tuple[bytes, bytes]:
    """The packet's bytes in the block, and the options after their padding."""
    room = len(body) - start
    if captured > MAX_FRAME:
        raise DamagedCapture(f"its packet says it is {captured} bytes long")
    if captured > room:
        raise DamagedCapture(f"its packet says it is {captured} bytes long, and there is room for {room}")
    return body[start : start + captured], body[start + _rounded(captured) :]
