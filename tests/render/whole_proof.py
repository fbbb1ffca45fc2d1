"""Whether a rendering shows the whole proof of each problem: every packet that its finding cites, each with what it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from render.build import shown

from ibsniff.model import Finding, Report
from ibsniff.render import terminal
from ibsniff.render.cited_packets import evidence_of
from ibsniff.render.markdown import markdown
from ibsniff.render.report_view import MAX_TOLD, view_of

ON_SCREEN = re.compile(r"#(\d+)")
IN_A_TABLE = re.compile(r"(?:^\| |\\#)(\d+)", re.MULTILINE)
"""The first cell of a row, or one of several packets named in a row."""
BLANK = re.compile(r"^ +#\d+(?: c\d+)? *(?:[\d.]+ (?:ns|µs|ms|s)|[\d:]+)? *[→←]? *$", re.MULTILINE)


def renderings(report: Report) -> dict[str, tuple[str, re.Pattern[str]]]:
    """Each form of output for people, and how it names packets."""
    return {
        "screen at 80 columns": (shown(terminal.renderable(report), 80), ON_SCREEN),
        "screen at 200 columns": (shown(terminal.renderable(report), 200), ON_SCREEN),
        "screen with -v": (shown(terminal.renderable(report, verbose=True), 120), ON_SCREEN),
        "Markdown": (markdown(report), IN_A_TABLE),
    }


def what_is_missing(report: Report) -> Iterator[str]:
    """A sentence for each packet that a rendering leaves out, and for each that it shows without words."""
    told = [each.problem.finding for each in view_of(report).told[:MAX_TOLD]]
    notes = view_of(report).notes
    for form, (text, pattern) in renderings(report).items():
        named = {int(number) for number in pattern.findall(text)}
        for finding in (*told, *(notes if form.endswith("-v") else ())):
            for packet in _to_be_shown(finding):
                if packet not in named:
                    yield f"{form}: packet {packet} of {finding.code} is missing"
        if pattern is ON_SCREEN and (blank := BLANK.search(text)):
            yield f"{form}: {blank[0].strip()} has no words"
    for finding in (*told, *notes):
        numbers = [one.packet for one in finding.evidence]
        if numbers != list(finding.packets):
            yield f"{finding.code}: packets {finding.packets}, but words for {numbers}"
        yield from (f"{finding.code}: packet {one.packet} has no words" for one in finding.evidence if not one.what)


def _to_be_shown(finding: Finding) -> list[int]:
    return [one.packet for one in evidence_of(finding)[0]]
