"""What the capturing side says it lost: pcapng tells it in two places, and a writer may count the same losses in both."""

from __future__ import annotations

from ibsniff.capture.input_record import InputRecord


class DropCounters:
    """Adds up what is told, and keeps the record of the input up to date: packets."""

    def __init__(self, record: InputRecord) -> None:
        self._record = record
        self._by_interface: dict[int, int] = {}
        self._of_interfaces = 0
        self._before_packets = 0

    def start_section(self) -> None:
        """Interfaces, and their counters with them, are numbered anew (draft-ietf-opsawg-pcapng, section 4.1)."""
        self._by_interface.clear()

    def count_for_interface(self, index: int, dropped: int) -> None:
        """A statistics block (section 4.6): it counts from the start of the capture, so the latest one holds."""
        self._of_interfaces += dropped - self._by_interface.get(index, 0)
        self._by_interface[index] = dropped
        self._say()

    def count_before_packet(self, dropped: int) -> None:
        """An option of a packet block (section 4.3): since the packet before it."""
        self._before_packets += dropped
        self._say()

    def _say(self) -> None:
        self._record.set_dropped(max(self._of_interfaces, self._before_packets))
