"""Live capture: one or several interfaces as one stream of frames and ticks.

The part that depends on the platform is a `backend.Backend`, which opens a socket and delivers raw packets. The rest is here:
waiting, numbering, the record of the input, silence (a `Tick` when no packet arrived) and stopping. `open_backends` opens the
interfaces, and `monitored_interface` watches their state.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import NamedTuple, Self

from ibsniff.capture.backend import Backend, RawPacket, Statistics
from ibsniff.capture.backlog import Backlog
from ibsniff.capture.clock import MonotonicWallClock
from ibsniff.capture.comments import MAX_COMMENTS, TOO_MANY_COMMENTS, apply_comment, clock_jumped
from ibsniff.capture.input_record import BACKWARDS_NS, CLOCK_JUMP_NS, InputRecord
from ibsniff.capture.monitored_interface import MonitoredInterface
from ibsniff.capture.open_backends import open_backends
from ibsniff.capture.ring_block import RingBlock
from ibsniff.capture.traffic_hint import packets_on_all
from ibsniff.model import NANOSECONDS, Columns, Frame, InputFacts, Tick

TICK_SECONDS = 0.25
"""The interval of ticks while a source is quiet: verdicts wait for whole seconds, so a quarter is precise enough."""

Batch = tuple[int, RingBlock | Sequence[RawPacket]]
"""The index of an interface, and packets of it."""


class InterfaceEvent(NamedTuple):
    """What happened to the interface with this index, in the form of a comment (see `comments`)."""

    interface: int
    text: str


class CountedLoss(NamedTuple):
    """The drop counters rose between two readings of them."""

    since_ns: int
    until_ns: int
    before: tuple[Statistics, ...]
    """The counters of each interface at the first reading."""
    after: tuple[Statistics, ...]


MAX_COUNTED_LOSSES = 1000
"""Losses that wait to be written to a file: they are with the next packet, and the counters are read 4 times a second."""


class LiveSource:
    """A capture on live interfaces: `events` yields their frames and, while all of them are quiet, ticks.

    ``record`` is updated while events are taken. Use the source as a context manager, or call `close`.
    """

    def __init__(self, opened: Iterable[tuple[str, Backend]]) -> None:
        self.opened_at_ns = time.time_ns()
        self.interfaces = tuple(MonitoredInterface(name, backend, self.opened_at_ns) for name, backend in opened)
        self.interface_index = 0
        """The index of the interface that the latest frame came from."""
        self.pending = 0
        """The number of frames that were read already, and follow the latest one without waiting."""
        self.interface_events: list[InterfaceEvent] = []
        """What happened to the interfaces before the latest frame."""
        self.losses: deque[CountedLoss] = deque(maxlen=MAX_COUNTED_LOSSES)
        """Losses before the latest frame; who writes them to a file takes them out."""
        self.record = InputRecord(
            "+".join(each.name for each in self.interfaces),
            "pcapng",
            [each.link_type for each in self.interfaces],
            is_live=True,
        )
        self.backlog = Backlog()
        """The packets that had arrived before the stop."""
        self.packets_before = packets_on_all([each.name for each in self.interfaces])
        """The packets that the interfaces had carried when the capture began; for `traffic_hint.traffic_hint`."""
        self._clock = MonotonicWallClock()
        self._delay_ns = max(each.backend.delay_ns for each in self.interfaces)
        self._stopped_at_ns: int | None = None
        self._latest_ns = 0
        self._counted_at_ns = self.opened_at_ns
        self._checked_at = time.monotonic()
        self._wakeup_receiver, self._wakeup_sender = socket.socketpair()
        self._wakeup_receiver.setblocking(False)
        self._wakeup_sender.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wakeup_receiver, selectors.EVENT_READ)
        for index, each in enumerate(self.interfaces):
            self._selector.register(each.backend.fileno(), selectors.EVENT_READ, index)
        self.statistics()

    @property
    def facts(self) -> InputFacts:
        """The facts about the capture so far."""
        return self.record.facts()

    def events(self, *, as_columns: bool = False) -> Iterator[Frame | Columns | Tick]:
        """Yield frames, numbered from 1, and a tick for each quarter of a second without a frame.

        After `stop` it yields what had arrived until then, and a last tick for that moment. It ends by itself when the last
        interface has disappeared; the record then tells this, as it tells when an interface was down for a time.
        With ``as_columns``, many packets that arrive at once are yielded together, which takes a tenth of the time.
        """
        while self._stopped_at_ns is None and not all(each.gone for each in self.interfaces):
            batches = self._receive(TICK_SECONDS)
            self._check_all_interfaces()
            yield from self._packets(batches, as_columns)
            if not batches:
                yield self._tick(self._clock.now_ns() - self._delay_ns)
        if self._stopped_at_ns is not None:
            yield from self._packets_in_transit(self._stopped_at_ns, as_columns)
        self.statistics()
        for each in self.interfaces:
            self._note_outage(each)
        yield self._tick(self._stopped_at_ns or self._latest_ns)

    def _receive(self, wait: float) -> list[Batch]:
        """Return the packets that have arrived; wait only while there are none."""
        batches: list[Batch] = []
        for key, _ in self._selector.select(wait):
            if key.data is None:
                with suppress(BlockingIOError):
                    self._wakeup_receiver.recv(64)
                continue
            try:
                packets = self.interfaces[key.data].backend.receive()
            except OSError as error:
                self._check_interface(key.data, error)
            else:
                if packets:
                    batches.append((key.data, packets))
        return batches if len(batches) < 2 else _merge_by_time(batches)

    def _packets(self, batches: list[Batch], as_columns: bool) -> Iterator[Frame | Columns]:
        for index, packets in batches:
            self.interface_index = index
            if isinstance(packets, RingBlock):
                columns = self._columns(packets) if as_columns else None
                if columns is not None:
                    yield columns
                    continue
                packets = list(packets.packets())  # noqa: PLW2901
            yield from self._frames(packets)
        self._latest_ns = max(self._latest_ns, self.record.last_time_ns or 0)

    def _frames(self, packets: Sequence[RawPacket]) -> Iterator[Frame]:
        link_type = self.interfaces[self.interface_index].link_type
        self.pending = len(packets)
        self._note_clock_change(packets[0].time_ns)
        for time_ns, data, wire_length in packets:
            number = self.record.add_packet(time_ns)
            self.pending -= 1
            yield Frame(number, time_ns, link_type, data, wire_length)

    def _columns(self, block: RingBlock) -> Columns | None:
        """Return the packets of a block together; None when they must be read one by one: at the start, and at time jumps.

        Two processors that fill the same block reorder packets by microseconds, which is not a jump.
        """
        from ibsniff.capture.ring_columns import ring_columns  # noqa: PLC0415  (numpy, 0.1 s: quiet interfaces need none)

        record = self.record
        columns = ring_columns(block, record.packets + 1, self.interfaces[self.interface_index].link_type)
        latest_ns = record.last_time_ns
        if columns is None or latest_ns is None:
            return None
        earliest_ns, last_ns = int(columns.times_ns.min()), int(columns.times_ns.max())
        if earliest_ns < latest_ns - BACKWARDS_NS or last_ns - min(latest_ns, earliest_ns) >= CLOCK_JUMP_NS:
            return None
        if last_ns - earliest_ns > BACKWARDS_NS:
            return None
        self._note_clock_change(earliest_ns)
        record.add_columns(columns)
        return columns

    def _note_clock_change(self, time_ns: int) -> None:
        """Record an event if the clock was set or the machine slept, so that the time of a packet is not the expected one."""
        before_ns = self._clock.resynchronise(time_ns)
        if before_ns is not None and before_ns < time_ns:
            self._record_event(self.interface_index, clock_jumped(before_ns, time_ns))

    def _packets_in_transit(self, until_ns: int, as_columns: bool) -> Iterator[Frame | Columns]:
        """Yield the packets that arrived before the stop but were not delivered to us yet."""
        deadline = time.monotonic() + self._delay_ns / NANOSECONDS
        self.backlog.begin()
        while True:
            left = max(0.0, deadline - time.monotonic())
            in_time = list(_captured_until(until_ns, self._receive(left)))
            if not left and not in_time:
                break
            if in_time and not self.backlog.is_wanted():
                self._give_up(in_time)
            else:
                yield from self._packets(in_time, as_columns)
        self.backlog.end()

    def _give_up(self, batches: list[Batch]) -> None:
        """Count packets as lost since the latest one that was delivered."""
        self._counted_at_ns = min(self._counted_at_ns, self.record.last_time_ns or self._counted_at_ns)
        for index, packets in batches:
            number = packets.count if isinstance(packets, RingBlock) else len(packets)
            self.interfaces[index].given_up += number
            self.backlog.given_up += number

    def stop(self) -> None:
        """End `events`; may be called from a signal handler or another thread."""
        if self._stopped_at_ns is None:
            self._stopped_at_ns = self._clock.now_ns()
        with suppress(OSError):  # the socket is readable already, or is closed
            self._wakeup_sender.send(b"!")

    def statistics(self) -> Statistics:
        """Return the counters of all interfaces together since the source was opened."""
        before = tuple(each.statistics for each in self.interfaces)
        for each in self.interfaces:
            each.statistics = each.count()
        dropped = [each.statistics.dropped for each in self.interfaces if each.statistics.dropped is not None]
        since_ns, lost_before = self._counted_at_ns, self.record.dropped or 0
        self._counted_at_ns = max(since_ns, self._clock.now_ns(), self.record.last_time_ns or 0)
        self.record.set_dropped(sum(dropped) if dropped else None)
        if sum(dropped) > lost_before:
            self.record.add_loss(since_ns, self._counted_at_ns, sum(dropped) - lost_before)
            after = tuple(each.statistics for each in self.interfaces)
            self.losses.append(CountedLoss(since_ns, self._counted_at_ns, before, after))
        return Statistics(sum(each.statistics.received for each in self.interfaces), self.record.dropped)

    def _check_all_interfaces(self) -> None:
        """Read the counters and check all interfaces, at most once in ``TICK_SECONDS``."""
        if time.monotonic() - self._checked_at < TICK_SECONDS:
            return
        self._checked_at = time.monotonic()
        self.statistics()
        for index, each in enumerate(self.interfaces):
            if each.gone:
                self._note_outage(each)
            else:
                self._check_interface(index)

    def _check_interface(self, index: int, error: OSError | None = None) -> None:
        monitored = self.interfaces[index]
        for text in monitored.check(self._clock.now_ns(), error):
            self._record_event(index, text)
        self._note_outage(monitored)
        if monitored.gone:
            self._selector.unregister(monitored.backend.fileno())

    def _note_outage(self, monitored: MonitoredInterface) -> None:
        now_ns = self._clock.now_ns()
        since_ns = monitored.down_since_ns(now_ns)
        if since_ns is not None:
            self.record.add_outage(since_ns, now_ns)

    def _record_event(self, index: int, text: str) -> None:
        if len(self.interface_events) >= MAX_COMMENTS:
            return
        if len(self.interface_events) == MAX_COMMENTS - 1:
            text = TOO_MANY_COMMENTS
        self.interface_events.append(InterfaceEvent(index, text))
        apply_comment(self.record, text, self.record.packets + 1)

    def _tick(self, quiet_until_ns: int) -> Tick:
        self._latest_ns = max(self._latest_ns, quiet_until_ns)
        return Tick(self._latest_ns)

    def close(self) -> None:
        """Close the sockets; calling it again does nothing."""
        self._selector.close()
        self._wakeup_receiver.close()
        self._wakeup_sender.close()
        for each in self.interfaces:
            each.backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _one_by_one(packets: RingBlock | Sequence[RawPacket]) -> Iterable[RawPacket]:
    return packets.packets() if isinstance(packets, RingBlock) else packets


def _merge_by_time(batches: list[Batch]) -> list[Batch]:
    """Sort the packets of several interfaces by time, and group neighbours of the same interface."""
    stamped = ((packet.time_ns, index, packet) for index, packets in batches for packet in _one_by_one(packets))
    in_order = sorted(stamped, key=itemgetter(0))
    return [(index, [packet for _, _, packet in run]) for index, run in groupby(in_order, key=itemgetter(1))]


def _captured_until(until_ns: int, batches: list[Batch]) -> Iterator[Batch]:
    """Yield the packets that were captured until then."""
    for index, packets in batches:
        if isinstance(packets, RingBlock) and packets.last_ns() <= until_ns:
            yield index, packets
        elif in_time := [packet for packet in _one_by_one(packets) if packet.time_ns <= until_ns]:
            yield index, in_time


def open_live(interfaces: Sequence[str], ports: frozenset[int] | None, backend: str = "auto") -> LiveSource:
    """Open a capture of API traffic on interfaces; packets are captured from the moment this returns.

    ``ports`` are the API ports (None: all TCP); ``backend`` is ``socket`` (Linux), ``scapy`` or ``auto``. Raises UserError
    when an interface does not exist, the permission is missing, or this platform lacks the back end.
    """
    return LiveSource(open_backends(interfaces, ports, backend))
