"""The drop counters of a pcapng file. It has two kinds, and a writer may count the same lost packets in both."""

from __future__ import annotations

from ibsniff.capture.input_record import InputRecord


class DropCounters:
    """Adds up the counters of each kind, and tells the record of the input how many packets were lost, and when."""

    def __init__(self, record: InputRecord) -> None:
        self._record = record
        self._by_interface: dict[int, int] = {}
        self._counted_at_ns: dict[int, int] = {}
        """By interface: the time of its latest counter."""
        self._of_interfaces = 0
        self._before_packets = 0
        self._with_a_time = 0
        """Packets that were recorded as lost."""
        self._began_ns = record.last_time_ns or 0
        self._in_earlier_files = record.dropped or 0

    def start_section(self, last_packet_ns: int) -> None:
        """A new section numbers its interfaces, and so their counters, from 0 (draft-ietf-opsawg-pcapng, section 4.1)."""
        self._by_interface.clear()
        self._counted_at_ns.clear()
        self._began_ns = last_packet_ns

    def count_for_interface(self, index: int, dropped: int, counted_at_ns: int | None, last_packet_ns: int) -> None:
        """Take the counter of a statistics block (section 4.6). It counts from the start of the capture: the latest is valid.

        ``counted_at_ns`` is the time of the block, and ``last_packet_ns`` that of the packet before it.
        """
        self._of_interfaces += dropped - self._by_interface.get(index, 0)
        self._by_interface[index] = dropped
        since_ns = self._counted_at_ns.get(index, self._began_ns)
        if counted_at_ns:  # some writers leave it 0
            self._counted_at_ns[index] = counted_at_ns
        self._add(since_ns, max(counted_at_ns or 0, last_packet_ns), self._of_interfaces - self._with_a_time)
        self._update()

    def count_before_packet(self, dropped: int, since_ns: int, until_ns: int) -> None:
        """Add the counter of a packet block (section 4.3): packets lost since the packet before it, and the two times."""
        self._before_packets += dropped
        self._add(since_ns, until_ns, dropped)
        self._update()

    def _add(self, since_ns: int, until_ns: int, packets: int) -> None:
        if packets > 0:
            in_order = since_ns <= until_ns  # not where the clock stepped back
            self._record.add_loss(since_ns if in_order else 0, max(since_ns, until_ns), packets)
            self._with_a_time += packets

    def _update(self) -> None:
        self._record.set_dropped(self._in_earlier_files + max(self._of_interfaces, self._before_packets))
