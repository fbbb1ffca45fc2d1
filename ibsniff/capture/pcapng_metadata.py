"""The blocks of a pcapng file that hold no packets: section headers, interface descriptions and statistics."""

from __future__ import annotations

from struct import Struct

from ibsniff.capture import blocks
from ibsniff.capture.comments import MAX_COMMENTS, apply_comment
from ibsniff.capture.drop_counters import DropCounters
from ibsniff.capture.input_buffer import DamagedCapture
from ibsniff.capture.input_record import MAX_LOSSES, InputRecord
from ibsniff.capture.machine_reports import PROCESS, parse_comment
from ibsniff.capture.pcapng_interface import PcapngInterface, parse_interface_description

MAX_INTERFACES = 4096
"""Interfaces of one section. Merged files may have hundreds; more do not occur in valid files."""


class PcapngMetadata:
    """The interfaces of the present section; drop counters, end time and comments go to the record of the input."""

    def __init__(self, record: InputRecord) -> None:
        self.interfaces: list[PcapngInterface] = []
        self.drop_counters = DropCounters(record)
        self._record = record
        self._comments = 0

    def section_header(self, body: bytes, order: str, last_packet_ns: int) -> None:
        """Read a section header (section 4.1), with which the numbers of the interfaces start at 0 again."""
        _magic, major, minor, _length = Struct(order + "IHHq").unpack_from(body)
        if (major, minor) not in blocks.VERSIONS:
            raise DamagedCapture(f"its pcapng version is {major}.{minor}; only version 1.0 is supported")
        for _ in blocks.options(body[16:], order):
            pass  # their values are not needed, but they must be valid
        self.interfaces.clear()
        self.drop_counters.start_section(last_packet_ns)

    def interface_description(self, body: bytes, order: str) -> None:
        """Read an interface description (section 4.2)."""
        if len(self.interfaces) >= MAX_INTERFACES:
            raise DamagedCapture(
                f"it describes interface {MAX_INTERFACES + 1} of its section; at most {MAX_INTERFACES} are supported"
            )
        interface = parse_interface_description(body, order)
        self.interfaces.append(interface)
        self._record.add_link_type(interface.link_type)

    def interface_statistics(self, body: bytes, order: str, last_packet_ns: int, next_packet: int) -> None:
        """Read interface statistics (section 4.6); ``last_packet_ns`` and ``next_packet`` are the neighbouring packets."""
        index, *counted_at = Struct(order + "III").unpack_from(body)
        dropped = None
        for code, value in blocks.options(body[12:], order):
            if code == blocks.COMMENT and value.startswith(PROCESS.encode()):
                self._process_comment(index, value, counted_at, last_packet_ns)
            elif code == blocks.COMMENT and self._comments < MAX_COMMENTS + MAX_LOSSES:
                self._comments += 1
                apply_comment(self._record, value.decode("utf-8", "replace"), next_packet)
            if index >= len(self.interfaces) or len(value) != 8:
                continue
            if code == blocks.ISB_END_TIME:
                high, low = Struct(order + "II").unpack(value)
                end_ns = self.interfaces[index].end_time_ns(high << 32 | low, last_packet_ns)
                if end_ns is not None:
                    self._record.end(end_ns)
            elif code in (blocks.ISB_IF_DROPPED, blocks.ISB_OS_DROPPED):
                dropped = (dropped or 0) + Struct(order + "Q").unpack(value)[0]
        if dropped is not None:
            counted_at_ns = self.interfaces[index].end_time_ns(counted_at[0] << 32 | counted_at[1], last_packet_ns)
            self.drop_counters.count_for_interface(index, dropped, counted_at_ns, last_packet_ns)

    def _process_comment(self, index: int, value: bytes, counted_at: list[int], last_packet_ns: int) -> None:
        if index >= len(self.interfaces):
            return
        time_ns = self.interfaces[index].end_time_ns(counted_at[0] << 32 | counted_at[1], last_packet_ns)
        report = parse_comment(value.decode("utf-8", "replace"), time_ns) if time_ns is not None else None
        if report is not None:
            self._record.add_machine_report(report)

    def interface(self, index: int) -> PcapngInterface:
        """Return an interface of the present section. Raises DamagedCapture when it was not described."""
        if index >= len(self.interfaces):
            raise DamagedCapture(
                f"its packet belongs to interface {index}, but its section describes only {len(self.interfaces)}"
            )
        return self.interfaces[index]
