"""What changes while a live capture goes on: snapshots of the analysis, compared, become events.

It has no clock and prints nothing: time comes with frames and ticks, and a screen is told what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ibsniff.analysis.pipeline import Analysis
from ibsniff.model import NANOSECONDS, Columns, Conversation, Fault, Frame, Outcome, Report, Rung, Severity, Tick

LOOK_EVERY = 0.1
"""Seconds between two looks at the analysis while packets come: as often as a person can follow."""

MOST_OF_THE_TIME = 0.1
"""Share of the time spent on looking: with thousands of conversations it takes long, and packets must be taken."""

QUIET_AFTER = 5
"""Seconds without an API packet after which the screen is told that nothing came."""


class Change(NamedTuple):
    """Something new about one conversation."""

    type: str
    """``conversation``, ``rung``, ``outcome`` or ``finding``, as in the NDJSON contract."""
    time_ns: int
    conversation: Conversation
    text: str
    code: str | None = None


@dataclass(slots=True)
class _Known:
    """What has been said of a conversation already."""

    rung: Rung = Rung.NOTHING
    outcome: Outcome = Outcome.UNPROVEN
    codes: set[str] = field(default_factory=set)


class Watch:
    """Compares an analysis with what it was before."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._known: dict[str, _Known] = {}
        """By conversation; those evicted meanwhile are forgotten."""
        self.report: Report = analysis.report()

    def look(self) -> Iterator[Change]:
        """Judge anew and say what changed, in order."""
        self.report = self._analysis.report()
        now_ns = self._analysis.watched_until_ns
        present = {conversation.id for conversation in self.report.conversations}
        self._known = {name: known for name, known in self._known.items() if name in present}
        for conversation in self.report.conversations:
            yield from self._changes(conversation, now_ns)

    def _changes(self, conversation: Conversation, now_ns: int) -> Iterator[Change]:
        connection = conversation.connection
        known = self._known.get(conversation.id)
        if known is None:
            known = self._known[conversation.id] = _Known()
            yield Change("conversation", now_ns, conversation, f"{connection.client} connects to {connection.server}")
        if conversation.rung is not known.rung:
            known.rung = conversation.rung
            yield Change("rung", now_ns, conversation, conversation.rung)
        if conversation.outcome is not known.outcome:
            known.outcome = conversation.outcome
            yield Change("outcome", now_ns, conversation, conversation.summary)
        for finding in conversation.findings:
            passing = finding.explains is not None and not is_settled(conversation)
            if finding.code not in known.codes and not passing:
                known.codes.add(finding.code)
                yield Change("finding", now_ns, conversation, finding.summary, finding.code)


def is_settled(conversation: Conversation) -> bool:
    """Nothing that is still to come would change what is said: ready, or failed for a reason."""
    if conversation.rung is Rung.READY:
        return True
    if conversation.outcome in (Outcome.UNPROVEN, Outcome.JOINED):
        return False
    if conversation.outcome is not Outcome.REPLIED:
        return True
    ended = conversation.connection.ended
    return ended is not None or (conversation.cause is not None and conversation.cause.severity is Severity.ERROR)


FAILED = (Outcome.REFUSED, Outcome.UNREACHABLE)
"""A call that came to nothing; it is nobody's fault when the program went on to the next address of a name."""


def verdict_reached(seen: Report) -> bool:
    """The first conversation whose SYN was seen is settled; a detour to it, as ``localhost`` over IPv6, does not count."""
    called = (one for one in seen.conversations if one.connection.syn_count)
    first = next((one for one in called if one.fault is not Fault.NONE or one.outcome not in FAILED), None)
    return first is not None and is_settled(first)


class Screen(Protocol):
    """Where news of a live capture goes."""

    def show(self, seen: Report, changes: list[Change]) -> None:
        """Take the present report, and what changed since the last."""

    def quiet(self) -> None:
        """Nothing that belongs to the API has come since the beginning."""


class Keep(Protocol):
    """Where packets are kept."""

    def write(self, packets: Frame | Columns) -> None:
        """Keep one packet, or many."""


class Limits(NamedTuple):
    """When to stop."""

    packets: int | None = None
    seconds: float | None = None
    until_verdict: bool = False


class Pace:
    """When to look again: as often as a person can follow, and for no more than a tenth of the time."""

    def __init__(self, clock: Callable[[], float] | None = None, worked: Callable[[], float] | None = None) -> None:
        """``clock`` gives seconds from anywhere; without one, looking costs nothing and time is that of the events.

        ``worked`` gives the seconds this process has worked: who was halted while it looked (Ctrl-Z, a pager that takes
        no more) has not worked, and need not rest.
        """
        self._clock = clock
        self._worked = worked or clock
        self._worked_before = 0.0
        self._now = 0.0
        self._next = float("-inf")

    def is_due(self, event: Frame | Columns | Tick) -> bool:
        """Tell whether to look now."""
        self._now = self._clock() if self._clock else event.time_ns / NANOSECONDS
        if self._now < self._next:
            return False
        self._worked_before = self._worked() if self._worked else 0.0
        return True

    def looked(self) -> None:
        """Looking is over: rest nine times as long as it took."""
        took = self._worked() - self._worked_before if self._worked else 0.0
        self._next = self._now + max(LOOK_EVERY, took / MOST_OF_THE_TIME)


class Follower:
    """Pushes a live source's events through an analysis, and shows what they change."""

    def __init__(
        self,
        analysis: Analysis,
        screen: Screen,
        limits: Limits,
        keep: Keep | None = None,
        clock: Callable[[], float] | None = None,
        worked: Callable[[], float] | None = None,
    ) -> None:
        """Take whom to tell, and the two clocks of Pace."""
        self._analysis = analysis
        self._screen = screen
        self._limits = limits
        self._keep = keep
        self._pace = Pace(clock, worked)
        self._watch = Watch(analysis)
        self._began_ns: int | None = None
        self._said_quiet = False

    def take(self, event: Frame | Columns | Tick) -> bool:
        """Take one event; True when a limit is reached and no more is wanted."""
        if self._keep is not None and not isinstance(event, Tick):
            self._keep.write(event)
        self._analysis.feed(event)
        if self._began_ns is None:
            self._began_ns = event.time_ns
        elapsed = (event.time_ns - self._began_ns) / NANOSECONDS
        enough = _enough(self._limits, self._analysis.record.packets, elapsed)
        if enough or self._pace.is_due(event):
            self._look()
            enough = enough or (self._limits.until_verdict and verdict_reached(self._watch.report))
        if not self._said_quiet and elapsed >= QUIET_AFTER and not self._watch.report.conversations:
            self._said_quiet = True
            self._screen.quiet()
        return enough

    def finish(self) -> Report:
        """The source has ended: return the last report."""
        self._analysis.finish()
        self._look()
        return self._watch.report

    def _look(self) -> None:
        changes = list(self._watch.look())
        self._screen.show(self._watch.report, changes)
        self._pace.looked()


def follow(events: Iterable[Frame | Columns | Tick], follower: Follower) -> Report:
    """Let somebody follow a live source until it ends or a limit is reached; return the last report."""
    for event in events:
        if follower.take(event):
            break
    return follower.finish()


def _enough(limits: Limits, packets: int, elapsed: float) -> bool:
    if limits.packets is not None and packets >= limits.packets:
        return True
    return limits.seconds is not None and elapsed >= limits.seconds
