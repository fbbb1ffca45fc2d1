"""The drop counters of a pcapng file. It has two kinds, and a writer may count the same lost packets in both."""

from __future__ import annotations

from ibsniff.capture.input_record import InputRecord


class DropCounters:
    """Adds up the counters of each kind, and keeps the number of drops in the record of the input up to date."""

    def __init__(self, record: InputRecord) -> None:
        self._record = record
        self._by_interface: dict[int, int] = {}
        self._of_interfaces = 0
        self._before_packets = 0

    def start_section(self) -> None:
        """A new section numbers its interfaces, and so their counters, from 0 (draft-ietf-opsawg-pcapng, section 4.1)."""
        self._by_interface.clear()

    def count_for_interface(self, index: int, dropped: int) -> None:
        """Take the counter of a statistics block (section 4.6). It counts from the start of the capture: the latest is valid."""
        self._of_interfaces += dropped - self._by_interface.get(index, 0)
        self._by_interface[index] = dropped
        self._update()

    def count_before_packet(self, dropped: int) -> None:
        """Add the counter of a packet block (section 4.3): packets lost since the packet before it."""
        self._before_packets += dropped
        self._update()

    def _update(self) -> None:
        self._record.set_dropped(max(self._of_interfaces, self._before_packets))
