from __future__ import annotations

import json
from dataclasses import replace

from render.build import START_NS, finding, report, silent

from ibsniff.analysis.watching import Change
from ibsniff.screens import JsonLines, Lines


def printed(kind: type[Lines]) -> list[str]:
    """The lines for one report, in which an outcome comes together with its cause and with another finding."""
    cause = finding("IBS301")
    one = silent()._replace(cause=cause, summary=cause.summary)
    changes = [
        Change("outcome", START_NS, one, one.summary),
        Change("finding", START_NS, one, cause.summary, cause.code),
        Change("finding", START_NS, one, "Something else.", "IBS110"),
    ]
    lines: list[str] = []
    kind(lines.append, lines.append, False, lambda: "").show(report(one), changes)
    return lines


def test_an_outcome_is_named_and_its_sentence_printed_once() -> None:
    outcome, other = printed(Lines)
    assert " c1 outcome silent, IBS301: " in outcome
    assert other.endswith(" c1 finding IBS110: Something else.")


def test_ndjson_contains_every_change() -> None:
    assert [json.loads(line)["type"] for line in printed(JsonLines)] == ["outcome", "finding", "finding"]


def test_a_note_about_the_capture_is_printed_once() -> None:
    errors: list[str] = []
    lines, first = Lines(errors.append, errors.append, False, lambda: ""), report(silent())
    lines.show(first, [])
    later = first._replace(
        inputs=(replace(first.inputs[0], notes=("no further packets are saved: the disk is full",)),)
    )
    lines.show(later, [])
    lines.show(later, [])
    assert errors == ["no further packets are saved: the disk is full"]
