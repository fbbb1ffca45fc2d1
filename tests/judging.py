"""From a packet script to the conclusion, the way a file is read: frames in, report out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from wire import Wire

from ibsniff.analysis import pipeline
from ibsniff.capture.clock_jumps import CLOCK_JUMP_NS, note_clock_jump
from ibsniff.model import NANOSECONDS, Conversation, Finding, Frame, InputFacts, Report, WatchedBy


@dataclass
class Watch:
    """What the capture says of itself besides its packets."""

    ended: float | None = None
    """Seconds after the last packet at which the capture ended; None when it does not say."""
    by: WatchedBy = WatchedBy.STATISTICS
    dropped: int | None = None
    truncated: str | None = None
    times_backwards: int = 0
    untimed: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    any_port: bool = False
    ports: frozenset[int] = field(default_factory=lambda: pipeline.API_PORTS)

    def facts(self, frames: list[Frame]) -> InputFacts:
        times = [frame.time_ns for frame in frames]
        facts = InputFacts(
            "x",
            packets=len(frames),
            first_time_ns=min(times, default=None),
            last_time_ns=max(times, default=None),
            dropped=self.dropped,
            truncated=self.truncated,
            times_backwards=self.times_backwards,
            untimed=self.untimed,
            skipped=Counter(self.skipped),
        )
        for earlier, later in pairwise(frames):
            if later.time_ns - earlier.time_ns >= CLOCK_JUMP_NS:
                note_clock_jump(facts, later.number, earlier.time_ns, later.time_ns)
        if self.ended is not None and times:
            facts.watched_until_ns, facts.watched_by = max(times) + round(self.ended * NANOSECONDS), self.by
        return facts


def analyse(frames: list[Frame], watch: Watch | None = None) -> pipeline.Analysis:
    watch = watch or Watch()
    analysis = pipeline.Analysis(watch.facts(frames), watch.ports, any_port=watch.any_port)
    analysis.run(frames)
    return analysis


def judge(*wires: Wire, watch: Watch | None = None, snaplen: int | None = None) -> Report:
    """All wires as one capture."""
    wire = wires[0] if len(wires) == 1 else Wire.merge(*wires)
    return pipeline.report([analyse(wire.frames(snaplen=snaplen), watch)])


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
