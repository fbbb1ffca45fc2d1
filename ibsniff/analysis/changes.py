"""What is new in a live capture: each report is compared with the one before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ibsniff.analysis.pipeline import Analysis
from ibsniff.model import Conversation, Outcome, Report, Rung, Severity

NO_CONNECTION = (Outcome.REFUSED, Outcome.UNREACHABLE)
"""A failed connection attempt; without a fault if the program went on to the next address of a host name."""


class Change(NamedTuple):
    """Something new about one conversation."""

    type: str
    """``conversation``, ``rung``, ``outcome`` or ``finding``, as in the NDJSON output."""
    time_ns: int
    conversation: Conversation
    text: str
    code: str | None = None


@dataclass(slots=True)
class _Reported:
    """What has been reported of a conversation."""

    rung: Rung = Rung.NOTHING
    outcome: Outcome = Outcome.UNPROVEN
    codes: set[str] = field(default_factory=set)


class ChangeDetector:
    """Compares the reports of an analysis."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._reported: dict[str, _Reported] = {}
        """By conversation; evicted ones are forgotten."""
        self.report: Report = analysis.report()
        """The latest report."""

    def update(self) -> Iterator[Change]:
        """Make a new report and give what changed, in order."""
        self.report = self._analysis.report()
        now_ns = self._analysis.watched_until_ns
        present = {conversation.id for conversation in self.report.conversations}
        self._reported = {name: reported for name, reported in self._reported.items() if name in present}
        for conversation in self.report.conversations:
            yield from self._changes(conversation, now_ns)

    def _changes(self, conversation: Conversation, now_ns: int) -> Iterator[Change]:
        connection = conversation.connection
        reported = self._reported.get(conversation.id)
        if reported is None:
            reported = self._reported[conversation.id] = _Reported()
            yield Change("conversation", now_ns, conversation, f"{connection.client} connects to {connection.server}")
        if conversation.rung is not reported.rung:
            reported.rung = conversation.rung
            yield Change("rung", now_ns, conversation, conversation.rung)
        if conversation.outcome is not reported.outcome:
            reported.outcome = conversation.outcome
            yield Change("outcome", now_ns, conversation, conversation.summary)
        for finding in conversation.findings:
            may_pass = finding.explains is not None and not is_settled(conversation)
            if finding.code not in reported.codes and not may_pass:
                reported.codes.add(finding.code)
                yield Change("finding", now_ns, conversation, finding.summary, finding.code)


def is_settled(conversation: Conversation) -> bool:
    """Whether later packets would change nothing of the conclusion: it is ready, or it has failed for a reason."""
    if conversation.rung is Rung.READY:
        return True
    if conversation.outcome in (Outcome.UNPROVEN, Outcome.JOINED):
        return False
    if conversation.outcome is not Outcome.REPLIED:
        return True
    ended = conversation.connection.ended
    return ended is not None or (conversation.cause is not None and conversation.cause.severity is Severity.ERROR)


def verdict_reached(report: Report) -> bool:
    """Whether the first conversation whose SYN was seen is settled.

    A failed attempt at another address of the same host name, as ``localhost`` over IPv6, does not count.
    """
    attempts = (one for one in report.conversations if one.connection.syn_count)
    first = next((one for one in attempts if not one.is_fine or one.outcome not in NO_CONNECTION), None)
    return first is not None and is_settled(first)
