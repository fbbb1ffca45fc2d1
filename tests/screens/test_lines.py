from __future__ import annotations

import json
from dataclasses import replace

from render.build import START_NS, finding, report, silent

from ibsniff.analysis.watching import Change
from ibsniff.screens import JsonLines, Lines


def told(kind: type[Lines]) -> list[str]:
    """The lines of one look, in which a conversation's outcome came with its cause and with another finding."""
    cause = finding("IBS301")
    one = silent()._replace(cause=cause, summary=cause.summary)
    changes = [
        Change("outcome", START_NS, one, one.summary),
        Change("finding", START_NS, one, cause.summary, cause.code),
        Change("finding", START_NS, one, "Something else.", "IBS110"),
    ]
    said: list[str] = []
    kind(said.append, said.append, False, lambda: "").show(report(one), changes)
    return said


def test_an_outcome_is_named_and_its_sentence_said_once() -> None:
    outcome, other = told(Lines)
    assert " c1 outcome silent, IBS301: " in outcome
    assert other.endswith(" c1 finding IBS110: Something else.")


def test_programs_are_told_of_each() -> None:
    assert [json.loads(line)["type"] for line in told(JsonLines)] == ["outcome", "finding", "finding"]


def test_what_befell_the_capture_is_complained_of_once() -> None:
    complained: list[str] = []
    lines, seen = Lines(complained.append, complained.append, False, lambda: ""), report(silent())
    lines.show(seen, [])
    later = seen._replace(inputs=(replace(seen.inputs[0], notes=("nothing more is kept: the disk is full",)),))
    lines.show(later, [])
    lines.show(later, [])
    assert complained == ["nothing more is kept: the disk is full"]
