"""From a packet script to the conclusion, the way a file is read: frames in, report out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

from wire import Wire

from ibsniff.analysis.api_traffic import API_PORTS
from ibsniff.analysis.pipeline import Analysis
from ibsniff.capture.input_record import CLOCK_JUMP_NS
from ibsniff.model import (
    NANOSECONDS,
    ClockJump,
    Conversation,
    Finding,
    Frame,
    InputFacts,
    Loss,
    Moment,
    Report,
    WatchedBy,
)


@dataclass
class Watch:
    """What the capture says of itself besides its packets."""

    ended: float | None = None
    """Seconds after the last packet at which the capture ended; None when it does not say."""
    by: WatchedBy = WatchedBy.STATISTICS
    dropped: int | None = None
    losses: tuple[Loss, ...] = ()
    """When they were dropped; by default only their number is known."""
    truncated: str | None = None
    times_backwards: int = 0
    untimed: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    any_port: bool = False
    ports: frozenset[int] = field(default_factory=lambda: API_PORTS)

    def facts(self, frames: list[Frame]) -> InputFacts:
        times = [frame.time_ns for frame in frames]
        jumps = [
            ClockJump(later.number, earlier.time_ns, later.time_ns)
            for earlier, later in pairwise(frames)
            if later.time_ns - earlier.time_ns >= CLOCK_JUMP_NS
        ]
        is_said = self.ended is not None and bool(times)
        return InputFacts(
            "x",
            packets=len(frames),
            first_time_ns=min(times, default=None),
            last_time_ns=max(times, default=None),
            last_packet=Moment(frames[-1].number, frames[-1].time_ns) if frames else None,
            watched_until_ns=max(times, default=0) + round((self.ended or 0) * NANOSECONDS) if times else None,
            watched_by=self.by if is_said else WatchedBy.LAST_PACKET,
            dropped=self.dropped,
            losses=self.losses or self._total(times),
            truncated=self.truncated,
            times_backwards=self.times_backwards,
            clock_steps_back=(ClockJump(1, max(times), min(times)),) if self.times_backwards else (),
            clock_jumps=tuple(jumps),
            clock_jump_count=len(jumps),
            untimed=self.untimed,
            skipped=Counter(self.skipped),
        )

    def _total(self, times: list[int]) -> tuple[Loss, ...]:
        until_ns = max(times, default=0) + round((self.ended or 0) * NANOSECONDS)
        return (Loss(0, until_ns, self.dropped),) if self.dropped else ()

    def record(self, frames: list[Frame]) -> GivenRecord:
        return GivenRecord(self.facts(frames))


@dataclass
class GivenRecord:
    """Stands for the record of an input: what it says of itself is given instead of gathered."""

    given: InputFacts

    @property
    def packets(self) -> int:
        return self.given.packets

    @property
    def losses(self) -> tuple[Loss, ...]:
        return self.given.losses

    def facts(self, now_ns: int = 0, skipped: Counter[str] | None = None) -> InputFacts:
        until_ns = max(self.given.watched_until_ns or 0, now_ns)
        return replace(
            self.given,
            watched_until_ns=until_ns or self.given.watched_until_ns,
            skipped=self.given.skipped + (skipped or Counter()),
        )


def analyse(frames: list[Frame], watch: Watch | None = None) -> Analysis:
    watch = watch or Watch()
    analysis = Analysis(watch.record(frames), watch.ports, any_port=watch.any_port)
    analysis.run(frames)
    return analysis


def judge(*wires: Wire, watch: Watch | None = None, snaplen: int | None = None) -> Report:
    """All wires as one capture."""
    wire = wires[0] if len(wires) == 1 else Wire.merge(*wires)
    return analyse(wire.frames(snaplen=snaplen), watch).report()


def only(wire: Wire, watch: Watch | None = None) -> Conversation:
    """The one conversation of this wire, judged."""
    (conversation,) = judge(wire, watch=watch).conversations
    return conversation


def findings(report: Report) -> Iterable[Finding]:
    """Every finding there is."""
    yield from report.findings
    for conversation in report.conversations:
        yield from conversation.findings


def codes(report: Report) -> set[str]:
    return {finding.code for finding in findings(report)}
