"""From snapshots of inputs to a report: the rules are asked, and the verdict follows from the problems they find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ibsniff.analysis.snapshot import Snapshot
from ibsniff.diagnosis import VerdictSoFar, conclude
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Capture, Conversation, Finding, InputFacts, Report, ServerOutage
from ibsniff.rules import judge_capture, judge_conversation, tell_outages

if TYPE_CHECKING:
    from ibsniff.analysis.remembered import Memory
    from ibsniff.analysis.spool import Spool


def judge(snapshots: Iterable[Snapshot], memory: Memory | None = None) -> Report:
    """Judge inputs together, whether the snapshots were made here or by another process.

    ``memory`` has the judgements of an earlier snapshot of the same input.
    """
    inputs: list[InputFacts] = []
    conversations: list[Conversation] = []
    report = judge_into(snapshots, inputs, conversations, memory)
    return report._replace(inputs=tuple(inputs), conversations=tuple(conversations))


def judge_into(
    snapshots: Iterable[Snapshot],
    inputs: list[InputFacts] | Spool[InputFacts],
    conversations: list[Conversation] | Spool[Conversation],
    memory: Memory | None = None,
) -> Report:
    """Judge one input after the other, and move what the report lists to these: of it all, the verdict needs little."""
    verdict, shared, outages = VerdictSoFar(), list[Finding](), list[ServerOutage]()
    for capture, findings, told in _judged_in_turn(snapshots, verdict, memory):
        inputs.append(capture.facts)
        for conversation in capture.conversations:
            conversations.append(conversation)
        shared += findings
        outages += told
    return Report(
        inputs,
        verdict.verdict(),
        tuple(shared),
        conversations,
        verdict.evicted.total(),
        tuple(outages),
        verdict.problems,
        verdict.omitted,
    )


def _judged_in_turn(
    snapshots: Iterable[Snapshot], verdict: VerdictSoFar, memory: Memory | None
) -> Iterator[tuple[Capture, tuple[Finding, ...], tuple[ServerOutage, ...]]]:
    """Each input with the findings about it as a whole, and the outages in it."""
    connections = 0
    for index, snapshot in enumerate(snapshots):
        unjudged = snapshot.as_input(index, connections)
        capture = _judged(unjudged) if memory is None else memory.judged(unjudged)
        whole = CaptureIndex(capture)
        findings = judge_capture(whole)
        connections += snapshot.connections
        verdict.add(whole, snapshot.evicted, findings)
        yield capture, findings, tell_outages(whole)


def _judged(unjudged: Capture) -> Capture:
    """Ask the rules about every conversation."""
    index = CaptureIndex(unjudged)
    judged = tuple(conclude(one, judge_conversation(one, index)) for one in unjudged.conversations)
    return unjudged._replace(conversations=judged)
