"""From snapshots of inputs to a report: the rules are asked, and the worst conversation speaks for the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ibsniff.analysis.snapshot import Snapshot
from ibsniff.diagnosis import conclude, verdict_of
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Capture, Outcome, Report
from ibsniff.rules import judge_capture, judge_conversation


def judge(snapshots: Iterable[Snapshot]) -> Report:
    """Judge inputs together, whether the snapshots were made here or by another process."""
    captures: list[Capture] = []
    evicted: Counter[Outcome] = Counter()
    connections = 0
    for index, snapshot in enumerate(snapshots):
        captures.append(_judged(snapshot.as_input(index, connections)))
        connections += snapshot.connections
        evicted += snapshot.evicted
    conversations = tuple(conversation for capture in captures for conversation in capture.conversations)
    shared = tuple(finding for capture in captures for finding in judge_capture(CaptureIndex(capture)))
    return Report(
        inputs=tuple(capture.facts for capture in captures),
        verdict=verdict_of(conversations, evicted, shared),
        findings=shared,
        conversations=conversations,
        omitted=evicted.total(),
    )


def _judged(unjudged: Capture) -> Capture:
    """Ask the rules about every conversation."""
    index = CaptureIndex(unjudged)
    judged = tuple(conclude(one, judge_conversation(one, index)) for one in unjudged.conversations)
    return unjudged._replace(conversations=judged)
