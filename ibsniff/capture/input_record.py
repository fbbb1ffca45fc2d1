"""The record of one input, which collects the facts about it while it is read. Nothing else writes `InputFacts`.

Readers of files and live sources report here what they find; ``facts`` returns what is known so far as a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from ibsniff.masking.sentence import marked, sentence
from ibsniff.model import (
    NANOSECONDS,
    ClockJump,
    Endpoint,
    Frame,
    InputFacts,
    Loss,
    MachineReport,
    Moment,
    Side,
    WatchedBy,
)

if TYPE_CHECKING:
    from ibsniff.model import Columns

CLOCK_JUMP_NS = 3600 * NANOSECONDS
"""A pause of this length or more is noted, since perhaps only the clock moved. Clients give up within minutes."""

MAX_CLOCK_JUMPS = 100
"""Jumps that are kept, and steps back. A port without traffic at night adds one each day."""

MAX_LOSSES = 100
"""Losses that are kept one by one. Of more, the two with the shortest time between them become one, which covers both."""

MAX_MACHINE_REPORTS = 4000
"""Ends of connections of which the machine's reports are kept: as many as conversations have; the latest."""

BACKWARDS_NS = NANOSECONDS
"""A packet with a time stamp this much before the latest was not merely reordered: the clock was set back."""

_SINCE = itemgetter(0)
"""The beginning of a Loss."""
_NUMBER_AND_TIME = itemgetter(0, 1)
"""The number and time of a Frame."""


class InputRecord:
    """Collects the facts about one input."""

    __slots__ = (
        "_clock_jump_count",
        "_clock_jumps",
        "_clock_steps_back",
        "_cut_by_snaplen",
        "_dropped",
        "_ended_ns",
        "_events",
        "_first_time_ns",
        "_format",
        "_interrupted",
        "_is_live",
        "_last_late",
        "_last_time_ns",
        "_link_types",
        "_losses",
        "_machine_reports",
        "_notes",
        "_outages",
        "_packets",
        "_path",
        "_times_backwards",
        "_truncated",
        "_untimed",
        "_vouched_ns",
    )

    def __init__(
        self, path: str, format: str = "pcap", link_types: Iterable[int] = (), *, is_live: bool = False
    ) -> None:
        self._path = path
        self._format = format
        self._link_types = dict.fromkeys(link_types)
        self._is_live = is_live
        self._packets = 0
        self._first_time_ns: int | None = None
        self._last_time_ns: int | None = None
        self._ended_ns: int | None = None
        self._vouched_ns: int | None = None
        self._truncated: str | None = None
        self._events: list[str] = []
        self._interrupted = False
        self._dropped: int | None = None
        self._losses: list[Loss] = []
        self._outages: list[Loss] = []
        self._cut_by_snaplen = 0
        self._times_backwards = 0
        self._clock_jumps: list[ClockJump] = []
        self._clock_jump_count = 0
        self._clock_steps_back: list[ClockJump] = []
        self._last_late: Moment | None = None
        """The last packet whose time is earlier than that of one before it."""
        self._untimed = 0
        self._notes: list[str] = []
        self._machine_reports: dict[tuple[Endpoint, Endpoint, Side], MachineReport] = {}

    # -- what is known -------------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The name of the input; ``-`` is standard input."""
        return self._path

    @property
    def packets(self) -> int:
        """The number of packets so far."""
        return self._packets

    @property
    def last_time_ns(self) -> int | None:
        """The latest time of any packet."""
        return self._last_time_ns

    @property
    def dropped(self) -> int | None:
        """The number of packets that the capturing side reports as lost; None when it does not tell."""
        return self._dropped

    @property
    def losses(self) -> Sequence[Loss]:
        """When packets were lost, as far as it is known, and when an interface was down."""
        return self._losses if not self._outages else sorted(self._losses + self._outages, key=_SINCE)

    @property
    def outages(self) -> Sequence[Loss]:
        """When an interface was down."""
        return self._outages

    def facts(self, now_ns: int = 0, skipped: Counter[str] | None = None) -> InputFacts:
        """Return what is known so far, as a value that does not change later.

        ``now_ns`` is the present time of a live source; ``skipped`` are the packets that were skipped, by reason.
        """
        end_ns, watched_by = self._watched()
        known = end_ns is not None or now_ns > 0
        return InputFacts(
            path=self._path,
            format=self._format,
            link_types=tuple(self._link_types),
            packets=self._packets,
            first_time_ns=self._first_time_ns,
            last_time_ns=self._last_time_ns,
            last_packet=self._last_packet(),
            watched_until_ns=max(end_ns or 0, now_ns) if known else None,
            watched_by=watched_by,
            truncated=self._truncated,
            interrupted=self._interrupted,
            dropped=self._dropped,
            losses=tuple(self.losses),
            cut_by_snaplen=self._cut_by_snaplen,
            times_backwards=self._times_backwards,
            clock_steps_back=tuple(self._clock_steps_back),
            clock_jumps=tuple(self._clock_jumps),
            clock_jump_count=self._clock_jump_count,
            untimed=self._untimed,
            skipped=Counter(skipped),
            notes=tuple(self._notes),
            machine_reports=tuple(self._machine_reports.values()),
            events=tuple(self._events),
        )

    def _last_packet(self) -> Moment | None:
        if self._last_late is not None and self._last_late.packet == self._packets:
            return self._last_late
        return None if self._last_time_ns is None else Moment(self._packets, self._last_time_ns)

    def _watched(self) -> tuple[int | None, WatchedBy]:
        end_ns, last_ns = self._ended_ns, self._last_time_ns
        if self._vouched_ns is not None:
            return self._vouched_ns, WatchedBy.USER
        if end_ns is not None and (last_ns is None or end_ns >= last_ns):
            return end_ns, WatchedBy.STATISTICS
        return last_ns, WatchedBy.LIVE if self._is_live else WatchedBy.LAST_PACKET

    # -- the input as a whole ------------------------------------------------------------------------------------

    def name_format(self, format: str) -> None:
        """Set the format, ``pcap`` or ``pcapng``."""
        self._format = format

    def join(self, others: int) -> None:
        """Note that this many other files continue it."""
        if others:
            self._path = f"{self._path} and {others} more, joined"

    def add_link_type(self, link_type: int) -> None:
        """Add the link type of its packets, or of some of them."""
        self._link_types.setdefault(link_type)

    def follow_clock(self, is_live: bool) -> None:
        """Set whether a live clock tells until when the input was watched."""
        self._is_live = is_live

    def end(self, time_ns: int) -> None:
        """Take an end time from the input itself; the latest one counts."""
        self._ended_ns = max(time_ns, self._ended_ns or 0)

    def vouch(self, until_ns: int) -> None:
        """Take an end time from the user; it counts unless the input itself has a later one."""
        known_ns = self._watched()[0] or 0
        if until_ns > known_ns:
            self._vouched_ns = until_ns
        elif until_ns < known_ns:
            self.note("--watched-until is earlier than the known end of the capture and is ignored")

    # -- packets -------------------------------------------------------------------------------------------------

    def add_packet(self, time_ns: int) -> int:
        """Add one packet and return its number."""
        self._packets += 1
        latest = self._last_time_ns
        if latest is not None and 0 <= time_ns - latest < CLOCK_JUMP_NS:
            self._last_time_ns = time_ns
        else:
            self._take_times([(self._packets, time_ns)])
        return self._packets

    def add_frames(self, frames: Sequence[Frame]) -> None:
        """Add packets, which have their numbers already."""
        self._packets += len(frames)
        self._take_times(map(_NUMBER_AND_TIME, frames))

    def add_columns(self, columns: Columns) -> None:
        """Add many packets; their times are checked one by one only where they go back or jump."""
        times = columns.times_ns
        self._packets += len(times)
        steps = times[1:] - times[:-1]
        continues = int(times[0]) >= (self._last_time_ns or 0)
        if continues and len(steps) and steps.min() >= 0 and steps.max() < CLOCK_JUMP_NS:
            self._take_times([(columns.first_number, int(times[0]))])
            self._last_time_ns = int(times[-1])
        else:
            self._take_times(enumerate(times.tolist(), columns.first_number))

    def _take_times(self, packets: Iterable[tuple[int, int]]) -> None:
        """Take the number and time of each packet."""
        latest = self._last_time_ns
        for number, time_ns in packets:
            if latest is None:
                self._first_time_ns = latest = time_ns
            elif time_ns >= latest:
                if time_ns - latest >= CLOCK_JUMP_NS:
                    self.add_clock_jump(number, latest, time_ns)
                latest = time_ns
            else:
                self._last_late = Moment(number, time_ns)
                if latest - time_ns > BACKWARDS_NS:
                    self._add_step_back(number, latest, time_ns)
        self._last_time_ns = latest

    def _add_step_back(self, packet: int, before_ns: int, after_ns: int) -> None:
        self._times_backwards += 1
        if len(self._clock_steps_back) < MAX_CLOCK_JUMPS:
            self._clock_steps_back.append(ClockJump(packet, before_ns, after_ns))

    def add_clock_jump(self, packet: int, before_ns: int, after_ns: int) -> None:
        """Record a pause of at least ``CLOCK_JUMP_NS`` before a packet, or a clock change seen live; one for each packet."""
        if any(jump.packet == packet for jump in self._clock_jumps):
            return
        self._clock_jump_count += 1
        if len(self._clock_jumps) < MAX_CLOCK_JUMPS:
            self._clock_jumps.append(ClockJump(packet, before_ns, after_ns))

    def add_cut_by_snaplen(self, packets: int) -> None:
        """Add to the number of packets that were not captured completely."""
        self._cut_by_snaplen += packets

    def add_untimed(self) -> None:
        """Add a packet without a time stamp of its own."""
        self._untimed += 1

    # -- what is missing, what happened --------------------------------------------------------------------------

    def set_dropped(self, packets: int | None) -> None:
        """Set the number of packets that the capturing side has lost in all."""
        self._dropped = packets

    def add_loss(self, since_ns: int, until_ns: int, packets: int) -> None:
        """Record that packets were lost between two moments; losses that touch each other become one."""
        self._losses = _with_loss(self._losses, Loss(since_ns, max(since_ns, until_ns), packets))

    def add_outage(self, since_ns: int, until_ns: int) -> None:
        """Record that an interface was down between two moments; outages that touch each other become one."""
        self._outages = _with_loss(self._outages, Loss(since_ns, max(since_ns, until_ns), None))

    def truncate(self, reason: str) -> None:
        """Add a reason why something is cut off, damaged or was not captured."""
        self._truncated = sentence("; ".join(marked(each) for each in (self._truncated, reason) if each))

    def lose_interface(self, reason: str) -> None:
        """Add a reason why nothing was captured for some time, as it happens."""
        self._events.append(sentence(reason))
        self.truncate(reason)

    def interrupt(self, reason: str) -> None:
        """Record that the user stopped the reading, which explains everything that is missing."""
        self._interrupted = True
        self._truncated = reason

    def add_machine_report(self, report: MachineReport) -> None:
        """Record what the operating system says of one end of a connection, in place of what it said before."""
        self._machine_reports[report.client, report.server, report.side] = report
        if len(self._machine_reports) > MAX_MACHINE_REPORTS:
            del self._machine_reports[next(iter(self._machine_reports))]

    def note(self, text: str) -> None:
        """Add a note about something that lost no packets."""
        self._notes.append(sentence(text))
        self._events.append(sentence(text))


def _with_loss(losses: list[Loss], added: Loss) -> list[Loss]:
    """Return losses of one kind with one more, by time and bounded."""
    merged: list[Loss] = []
    for later in sorted([*losses, added], key=_SINCE):
        if merged and later.since_ns <= merged[-1].until_ns:
            merged[-1] = _joined(merged[-1], later)
        else:
            merged.append(later)
    if len(merged) > MAX_LOSSES:
        nearest = min(range(1, len(merged)), key=lambda place: merged[place].since_ns - merged[place - 1].until_ns)
        merged[nearest - 1 : nearest + 1] = [_joined(merged[nearest - 1], merged[nearest])]
    return merged


def _joined(earlier: Loss, later: Loss) -> Loss:
    packets = None if earlier.packets is None or later.packets is None else earlier.packets + later.packets
    return Loss(earlier.since_ns, max(earlier.until_ns, later.until_ns), packets)
