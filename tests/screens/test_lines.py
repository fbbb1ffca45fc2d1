from __future__ import annotations

import json
from dataclasses import replace

import pytest
from render.build import START_NS, finding, report, silent

from ibsniff.analysis.changes import Change
from ibsniff.screens import JsonLines, Lines
from ibsniff.screens.messages import MessageLines


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


HAPPENED = ("eth0 went down at 10:00", "eth0 came up again at 10:01", "no further packets are saved: the disk is full")


@pytest.mark.parametrize("make", [Lines, JsonLines, MessageLines])
def test_what_happens_to_the_capture_is_printed_once_and_at_the_moment(make: type[Lines]) -> None:
    rows: list[str] = []
    errors: list[str] = []
    lines, first = make(rows.append, errors.append, False, lambda: ""), report(silent())
    lines.show(first, [])
    for count in (0, 1, 1, 3, 3):
        lines.show(first._replace(inputs=(replace(first.inputs[0], events=HAPPENED[:count]),)), [])
        assert errors == [*HAPPENED[:count]]
    events = [json.loads(row) for row in rows if row.startswith("{")]
    assert [event["text"] for event in events] == (list(HAPPENED) if make is JsonLines else [])
    assert all(event["type"] == "interface" for event in events)
