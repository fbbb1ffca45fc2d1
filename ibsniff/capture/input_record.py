"""What a capture says of itself, gathered while it is read: nothing else writes this down.

Readers of files and live sources report here what they meet; ``facts`` is what is known at the time, as a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from ibsniff.capture.clock_jumps import CLOCK_JUMP_NS, MAX_CLOCK_JUMPS
from ibsniff.model import NANOSECONDS, ClockJump, Frame, InputFacts, WatchedBy

if TYPE_CHECKING:
    from ibsniff.model import Columns

BACKWARDS_NS = NANOSECONDS
"""A packet stamped this much earlier than the latest so far was not merely overtaken: the clock was set back."""

_NUMBER_AND_TIME = itemgetter(0, 1)
"""Of a Frame."""


class InputRecord:
    """Keeps account of one input."""

    __slots__ = (
        "_clock_jump_count",
        "_clock_jumps",
        "_cut_by_snaplen",
        "_dropped",
        "_ended_ns",
        "_first_time_ns",
        "_format",
        "_interrupted",
        "_is_live",
        "_last_time_ns",
        "_link_types",
        "_notes",
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
        self._interrupted = False
        self._dropped: int | None = None
        self._cut_by_snaplen = 0
        self._times_backwards = 0
        self._clock_jumps: list[ClockJump] = []
        self._clock_jump_count = 0
        self._untimed = 0
        self._notes: list[str] = []

    # -- what is known -------------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The name of the input; ``-`` is standard input."""
        return self._path

    @property
    def packets(self) -> int:
        """Packets so far."""
        return self._packets

    @property
    def last_time_ns(self) -> int | None:
        """The latest time of any packet."""
        return self._last_time_ns

    @property
    def dropped(self) -> int | None:
        """Packets the capturing side says it lost; None when it does not say."""
        return self._dropped

    def facts(self, now_ns: int = 0, skipped: Counter[str] | None = None) -> InputFacts:
        """What is known at present, as a value that does not change any more.

        ``now_ns`` is the present time of a live source; ``skipped`` counts the packets that were not looked at.
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
            watched_until_ns=max(end_ns or 0, now_ns) if known else None,
            watched_by=watched_by,
            truncated=self._truncated,
            interrupted=self._interrupted,
            dropped=self._dropped,
            cut_by_snaplen=self._cut_by_snaplen,
            times_backwards=self._times_backwards,
            clock_jumps=tuple(self._clock_jumps),
            clock_jump_count=self._clock_jump_count,
            untimed=self._untimed,
            skipped=Counter(skipped),
            notes=tuple(self._notes),
        )

    def _watched(self) -> tuple[int | None, WatchedBy]:
        end_ns, last_ns = self._ended_ns, self._last_time_ns
        if self._vouched_ns is not None:
            return self._vouched_ns, WatchedBy.USER
        if end_ns is not None and (last_ns is None or end_ns >= last_ns):
            return end_ns, WatchedBy.STATISTICS
        return last_ns, WatchedBy.LIVE if self._is_live else WatchedBy.LAST_PACKET

    # -- the input as a whole ------------------------------------------------------------------------------------

    def name_format(self, format: str) -> None:
        """It is a ``pcap`` or a ``pcapng``."""
        self._format = format

    def join(self, others: int) -> None:
        """So many other files continue it."""
        if others:
            self._path = f"{self._path} and {others} more, joined"

    def add_link_type(self, link_type: int) -> None:
        """It has packets of this link type."""
        self._link_types.setdefault(link_type)

    def follow_clock(self, is_live: bool) -> None:
        """It is watched while it is made, so that a clock tells until when; or it turned out that it is not."""
        self._is_live = is_live

    def end(self, time_ns: int) -> None:
        """It says that it was made until then; the latest such time counts."""
        self._ended_ns = max(time_ns, self._ended_ns or 0)

    def vouch(self, until_ns: int) -> None:
        """The user says that it was made until then, which counts unless the input itself says longer."""
        known_ns = self._watched()[0] or 0
        if until_ns > known_ns:
            self._vouched_ns = until_ns
        elif until_ns < known_ns:
            self.note("--watched-until is earlier than that, and changes nothing")

    # -- packets -------------------------------------------------------------------------------------------------

    def add_packet(self, time_ns: int) -> int:
        """One more packet; return its number."""
        self._packets += 1
        latest = self._last_time_ns
        if latest is not None and 0 <= time_ns - latest < CLOCK_JUMP_NS:
            self._last_time_ns = time_ns
        else:
            self._take_times([(self._packets, time_ns)])
        return self._packets

    def add_frames(self, frames: Sequence[Frame]) -> None:
        """Some more packets, which bear their numbers."""
        self._packets += len(frames)
        self._take_times(map(_NUMBER_AND_TIME, frames))

    def add_columns(self, columns: Columns) -> None:
        """Many more packets: looked at one by one only where time goes back or jumps."""
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
        """Number and time of each packet."""
        latest = self._last_time_ns
        for number, time_ns in packets:
            if latest is None:
                self._first_time_ns = latest = time_ns
            elif time_ns >= latest:
                if time_ns - latest >= CLOCK_JUMP_NS:
                    self.add_clock_jump(number, latest, time_ns)
                latest = time_ns
            elif latest - time_ns > BACKWARDS_NS:
                self._times_backwards += 1
        self._last_time_ns = latest

    def add_clock_jump(self, packet: int, before_ns: int, after_ns: int) -> None:
        """Before this packet there was a pause of ``CLOCK_JUMP_NS`` or more, or the clock was seen to be set.

        A packet has only one of them.
        """
        if any(jump.packet == packet for jump in self._clock_jumps):
            return
        self._clock_jump_count += 1
        if len(self._clock_jumps) < MAX_CLOCK_JUMPS:
            self._clock_jumps.append(ClockJump(packet, before_ns, after_ns))

    def add_cut_by_snaplen(self, packets: int) -> None:
        """So many more packets were not captured whole."""
        self._cut_by_snaplen += packets

    def add_untimed(self) -> None:
        """One more packet has no time of its own."""
        self._untimed += 1

    # -- what is missing, what happened --------------------------------------------------------------------------

    def set_dropped(self, packets: int | None) -> None:
        """The capturing side says that it has lost so many in all."""
        self._dropped = packets

    def truncate(self, reason: str) -> None:
        """Something was cut off, damaged or not captured, for this reason too."""
        self._truncated = "; ".join(filter(None, (self._truncated, reason)))

    def interrupt(self, reason: str) -> None:
        """The user stopped the reading; that explains whatever else is missing."""
        self._interrupted = True
        self._truncated = reason

    def note(self, text: str) -> None:
        """Something happened that is worth knowing and lost nothing."""
        self._notes.append(text)
