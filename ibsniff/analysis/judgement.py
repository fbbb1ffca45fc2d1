"""From snapshots of inputs to a report: the rules are asked, and the verdict follows from the problems they find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ibsniff.analysis.narrowing import Narrowing, Part, narrowed
from ibsniff.analysis.snapshot import Snapshot
from ibsniff.diagnosis import VerdictSoFar, conclude
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Capture, Conversation, Finding, InputFacts, Narrowed, Report, ServerOutage
from ibsniff.rules import judge_capture, judge_conversation, tell_outages

if TYPE_CHECKING:
    from ibsniff.analysis.remembered import Memory
    from ibsniff.analysis.spool import Spool


def judge(snapshots: Iterable[Snapshot], memory: Memory | None = None, narrowing: Narrowing | None = None) -> Report:
    """Judge inputs together, whether the snapshots were made here or by another process.

    ``memory`` has the judgements of an earlier snapshot of the same input; ``narrowing`` restricts the report.
    """
    inputs: list[InputFacts] = []
    conversations: list[Conversation] = []
    report = judge_into(snapshots, inputs, conversations, memory, narrowing)
    return report._replace(inputs=tuple(inputs), conversations=tuple(conversations))


def judge_into(
    snapshots: Iterable[Snapshot],
    inputs: list[InputFacts] | Spool[InputFacts],
    conversations: list[Conversation] | Spool[Conversation],
    memory: Memory | None = None,
    narrowing: Narrowing | None = None,
) -> Report:
    """Judge one input after the other, and move what the report lists to these: of it all, the verdict needs little."""
    verdict, shared, outages, left_out = VerdictSoFar(), list[Finding](), list[ServerOutage](), 0
    for facts, part in _judged_in_turn(snapshots, verdict, memory, narrowing):
        inputs.append(facts)
        for conversation in part.conversations:
            conversations.append(conversation)
        shared += part.findings
        outages += part.outages
        left_out += part.left_out
    return Report(
        inputs,
        verdict.verdict(),
        tuple(shared),
        conversations,
        verdict.evicted.total(),
        tuple(outages),
        verdict.problems,
        verdict.omitted,
        Narrowed(narrowing.chosen_by, left_out) if narrowing is not None and left_out else None,
    )


def _judged_in_turn(
    snapshots: Iterable[Snapshot], verdict: VerdictSoFar, memory: Memory | None, narrowing: Narrowing | None
) -> Iterator[tuple[InputFacts, Part]]:
    """Each input with what the report says of it."""
    connections = 0
    for index, snapshot in enumerate(snapshots):
        unjudged = snapshot.as_input(index, connections)
        capture = _judged(unjudged) if memory is None else memory.judged(unjudged)
        whole = CaptureIndex(capture)
        findings = judge_capture(whole)
        connections += snapshot.connections
        everything = Part(capture.conversations, findings, tell_outages(whole), snapshot.evicted)
        part = narrowed(whole, everything, narrowing)
        verdict.add(whole, part.evicted, part.findings, part.conversations)
        yield capture.facts, part


def _judged(unjudged: Capture) -> Capture:
    """Ask the rules about every conversation."""
    index = CaptureIndex(unjudged)
    judged = tuple(conclude(one, judge_conversation(one, index)) for one in unjudged.conversations)
    return unjudged._replace(conversations=judged)
