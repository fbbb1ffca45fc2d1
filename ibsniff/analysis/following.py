"""A live source followed until it ends: its events go through the analysis, and what changes is shown.

There is no clock here and nothing is printed: time comes with frames and ticks, and a screen is told what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from ibsniff.analysis.changes import Change, ChangeDetector, verdict_reached
from ibsniff.analysis.pipeline import Analysis
from ibsniff.model import NANOSECONDS, Columns, Frame, Report, Tick

REPORT_INTERVAL = 0.1
"""Seconds between two reports while packets come: as often as a person can follow."""

MAX_TIME_SHARE = 0.1
"""Share of the time spent on reports: with thousands of conversations one takes long, and packets must not be lost."""

QUIET_AFTER = 5
"""Seconds without an API packet after which the screen is told that there is none."""


class Screen(Protocol):
    """Where the news of a live capture is shown."""

    def show(self, report: Report, changes: list[Change]) -> None:
        """Take the present report, and what changed since the last one."""

    def quiet(self) -> None:
        """Nothing that belongs to the API has come since the beginning."""


class PacketWriter(Protocol):
    """Where packets are kept."""

    def write(self, packets: Frame | Columns) -> None:
        """Keep one packet, or many."""


class Limits(NamedTuple):
    """When to stop."""

    packets: int | None = None
    seconds: float | None = None
    until_verdict: bool = False


class Throttle:
    """When the next report is due: as often as a person can follow, and for at most a tenth of the time."""

    def __init__(self, clock: Callable[[], float] | None = None, worked: Callable[[], float] | None = None) -> None:
        """``clock`` gives seconds since any moment; without one, the time is that of the events and reports cost nothing.

        ``worked`` gives the processor seconds of this process: time in which it was stopped (Ctrl-Z, a pager that takes
        no more) is not the cost of a report.
        """
        self._clock = clock
        self._worked = worked or clock
        self._worked_before = 0.0
        self._now = 0.0
        self._next = float("-inf")

    def is_due(self, event: Frame | Columns | Tick) -> bool:
        """Tell whether to report now."""
        self._now = self._clock() if self._clock else event.time_ns / NANOSECONDS
        if self._now < self._next:
            return False
        self._worked_before = self._worked() if self._worked else 0.0
        return True

    def done(self) -> None:
        """The report is made and shown: the next one is due after nine times as long, at least."""
        took = self._worked() - self._worked_before if self._worked else 0.0
        self._next = self._now + max(REPORT_INTERVAL, took / MAX_TIME_SHARE)


class Follower:
    """Passes the events of a live source to an analysis, and shows what they change."""

    def __init__(
        self,
        analysis: Analysis,
        screen: Screen,
        limits: Limits,
        writer: PacketWriter | None = None,
        clock: Callable[[], float] | None = None,
        worked: Callable[[], float] | None = None,
    ) -> None:
        """``clock`` and ``worked`` are those of Throttle."""
        self._analysis = analysis
        self._screen = screen
        self._limits = limits
        self._writer = writer
        self._throttle = Throttle(clock, worked)
        self._detector = ChangeDetector(analysis)
        self._began_ns: int | None = None
        self._said_quiet = False

    def take(self, event: Frame | Columns | Tick) -> bool:
        """Take one event; True if a limit is reached and no more is wanted."""
        if self._writer is not None and not isinstance(event, Tick):
            self._writer.write(event)
        self._analysis.feed(event)
        if self._began_ns is None:
            self._began_ns = event.time_ns
        elapsed = (event.time_ns - self._began_ns) / NANOSECONDS
        enough = _enough(self._limits, self._analysis.record.packets, elapsed)
        if enough or self._throttle.is_due(event):
            self._report()
            enough = enough or (self._limits.until_verdict and verdict_reached(self._detector.report))
        if not self._said_quiet and elapsed >= QUIET_AFTER and not self._detector.report.conversations:
            self._said_quiet = True
            self._screen.quiet()
        return enough

    def finish(self) -> Report:
        """The source has ended: return the last report."""
        self._analysis.finish()
        self._report()
        return self._detector.report

    def _report(self) -> None:
        changes = list(self._detector.update())
        self._screen.show(self._detector.report, changes)
        self._throttle.done()


def follow(events: Iterable[Frame | Columns | Tick], follower: Follower) -> Report:
    """Follow a live source until it ends or a limit is reached; return the last report."""
    for event in events:
        if follower.take(event):
            break
    return follower.finish()


def _enough(limits: Limits, packets: int, elapsed: float) -> bool:
    if limits.packets is not None and packets >= limits.packets:
        return True
    return limits.seconds is not None and elapsed >= limits.seconds
