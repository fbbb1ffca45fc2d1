"""What changes while a live capture goes on: snapshots of the analysis, compared, become events.

It has no clock and prints nothing: time comes with frames and ticks, and a screen is told what is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from ibsniff.model import NANOSECONDS, Conversation, Frame, Outcome, Report, Rung, Severity, Tick
from ibsniff.pipeline import Analysis, report

LOOK_EVERY = 0.1
"""Seconds between two looks at the analysis while packets come: as often as a person can follow."""

QUIET_AFTER = 5
"""Seconds without an API packet after which the screen is told that nothing came."""


@dataclass(frozen=True, slots=True)
class Change:
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
        """By conversation; those folded meanwhile are forgotten."""
        self.report: Report = report([analysis])

    def look(self) -> Iterator[Change]:
        """Judge anew and say what changed, in order."""
        self.report = report([self._analysis])
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
            yield Change("conversation", now_ns, conversation, f"{connection.client} calls {connection.server}")
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


def verdict_reached(seen: Report) -> bool:
    """The first conversation whose SYN was seen is settled."""
    first = next((one for one in seen.conversations if one.connection.syn_count), None)
    return first is not None and is_settled(first)


class Screen(Protocol):
    """Where news of a live capture goes."""

    def show(self, seen: Report, changes: list[Change]) -> None:
        """Take the present report, and what changed since the last."""

    def quiet(self) -> None:
        """Nothing that belongs to the API has come since the beginning."""


class Keep(Protocol):
    """Where packets are kept."""

    def write(self, frame: Frame) -> None:
        """Keep one packet."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop."""

    packets: int | None = None
    seconds: float | None = None
    until_verdict: bool = False


def follow(
    events: Iterable[Frame | Tick], analysis: Analysis, screen: Screen, limits: Limits, keep: Keep | None = None
) -> Report:
    """Push a live source's events through the analysis until it ends or a limit is reached; return the last report."""
    watch = Watch(analysis)
    began_ns = looked_ns = None
    said_quiet = False
    for event in events:
        if isinstance(event, Frame) and keep is not None:
            keep.write(event)
        analysis.feed(event)
        began_ns = began_ns if began_ns is not None else event.time_ns
        packets, elapsed = analysis.facts.packets, (event.time_ns - began_ns) / NANOSECONDS
        enough = _enough(limits, packets, elapsed)
        if (
            enough
            or isinstance(event, Tick)
            or looked_ns is None
            or event.time_ns - looked_ns > LOOK_EVERY * NANOSECONDS
        ):
            looked_ns = event.time_ns
            changes = list(watch.look())
            screen.show(watch.report, changes)
            enough = enough or (limits.until_verdict and verdict_reached(watch.report))
        if not said_quiet and elapsed >= QUIET_AFTER and not watch.report.conversations:
            said_quiet = True
            screen.quiet()
        if enough:
            break
    analysis.finish()
    changes = list(watch.look())
    screen.show(watch.report, changes)
    return watch.report


def _enough(limits: Limits, packets: int, elapsed: float) -> bool:
    if limits.packets is not None and packets >= limits.packets:
        return True
    return limits.seconds is not None and elapsed >= limits.seconds
