"""The report as Markdown to paste into a ticket: verdict, ladder, evidence, environment; some twenty lines.

A ticket system turns text into links, pictures, mentions and HTML. So whatever may quote the wire is made inert
first, on top of being masked and made visible: it reads the same and does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ibsniff.formatting import counted, date_and_time, duration, elapsed, period, seconds
from ibsniff.model import Conversation, Finding, Report, Side
from ibsniff.render.grouping import ConversationGroup
from ibsniff.render.ladder import RungView, Step, ladder
from ibsniff.render.report_view import (
    NOTHING_SEEN,
    TURN,
    ReportView,
    display_filter,
    how_it_stood,
    input_line,
    speaker,
    standing,
    story,
)
from ibsniff.render.text import SHOWN_CHARACTERS, SHOWN_PROSE, Veil
from ibsniff.render.timeline import Event, decisive

EVIDENCE_ROWS = 8
MOST_ITEMS = 4
MOST_FACTS = 10
"""Alternatives and other findings; facts of the environment: somebody else is to read the ticket."""

INERT = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_[]|~#$"} | {"&": "&amp;", "<": "&lt;", "@": "(at)"}
)
"""What could begin a construct in the middle of a line (CommonMark 0.31, 2.4; GFM tables), or call somebody."""

SIGNS: dict[Step, str] = {Step.REACHED: "✓", Step.MISSED: "✗", Step.AHEAD: "", Step.UNKNOWN: "?"}
DIRECTIONS: dict[Side | None, str] = {Side.CLIENT: "→", Side.SERVER: "←", None: ""}


def inert(text: str) -> str:
    """Markdown that shows this text: nothing in it becomes structure, HTML, a link or a mention."""
    return text.replace("://", ": //").replace("www.", "www. ").translate(INERT)


def markdown(report: Report, *, tool_version: str = "", show_accounts: bool = False) -> str:
    """The whole report, ending in a newline."""
    told = story(report)
    quill = Quill(Veil.over(report, show_accounts))
    parts = [_verdict(told, quill)]
    if told.worst is not None:
        parts += [_climb(told.worst, quill, "")]
        parts += [_climb(told.newest, quill, "newest: ")] if told.newest else []
        parts += [_evidence(told, told.worst, quill)]
    if told.finding is not None:
        parts += [f"**What to do:** {quill.words(told.finding.remedy)}\n"] if told.finding.remedy else []
        parts += [_alternatives(told.finding, quill)] if told.finding.alternatives else []
    if told.others or told.of_capture:
        parts.append(_noticed(told, quill))
    parts.append(_environment(told, quill, tool_version))
    return "\n".join(parts)


class Quill(NamedTuple):
    """Writes Markdown for one reader."""

    veil: Veil

    def words(self, text: str, limit: int = SHOWN_PROSE) -> str:
        """A sentence, which may quote the wire."""
        return inert(self.veil.shown(text, limit))


def _verdict(told: ReportView, quill: Quill) -> str:
    speaks = speaker(told)
    summary = quill.words(speaks.summary if speaks else NOTHING_SEEN)
    return f"**{summary}**\n{quill.words(standing(told))}\n"


def _climb(conversation: Conversation, quill: Quill, which: str) -> str:
    connection = conversation.connection
    rungs = " · ".join(_rung(conversation, view) for view in ladder(conversation))
    title = f"{which}{conversation.id}, {connection.client} → {connection.server}"
    return f"{quill.words(title)}, {date_and_time(connection.first.time_ns)}:\n{quill.words(rungs)}\n"


def _rung(conversation: Conversation, view: RungView) -> str:
    said = f"{SIGNS[view.step]} {view.rung}".strip()
    if view.moment is None:
        return f"{said}: {view.why}" if view.why else said
    return f"{said} (packet {view.moment.packet}, {elapsed(conversation.connection.first, view.moment)})"


def _evidence(told: ReportView, worst: Conversation, quill: Quill) -> str:
    shown = decisive(told.happened, told.finding, EVIDENCE_ROWS)
    rows = "".join(f"| {' | '.join(row)} |\n" for row in _rows(shown, worst, quill))
    wireshark = f"\nWireshark: `{display_filter(event.packet for event in shown)}`\n" if shown else ""
    return f"| packet | time | | what |\n|--:|--:|---|---|\n{rows}{wireshark}"


def _rows(shown: list[Event], worst: Conversation, quill: Quill) -> Iterator[tuple[str, str, str, str]]:
    first = worst.connection.first.time_ns
    for event in shown:
        time = "" if event.time_ns is None else duration(seconds(event.time_ns - first))
        raw = f" `{quill.veil.hex(event.raw)}`" if event.raw else ""
        yield str(event.packet), time, DIRECTIONS[event.side], quill.words(event.what, SHOWN_CHARACTERS) + raw
    if stood := how_it_stood(worst):
        yield "", duration(seconds(worst.watched_until_ns - first)), "", quill.words(stood)


def _alternatives(finding: Finding, quill: Quill) -> str:
    others = [
        f"{quill.words(other.cause)} ({TURN[other.fault]}): {quill.words(other.how_to_tell)}"
        for other in finding.alternatives
    ]
    return f"**It could also be:**\n\n{_listed(others)}"


def _noticed(told: ReportView, quill: Quill) -> str:
    found_too = [f"{found.code}: {quill.words(found.summary)}" for found in (*told.others, *told.of_capture)]
    return f"**Also noticed:**\n\n{_listed(found_too)}"


def _environment(told: ReportView, quill: Quill, tool_version: str) -> str:
    lines = [_fold(each) for each in told.folds] if len(told.report.conversations) > 1 else []
    lines += [f"read: {quill.words(input_line(facts))}" for facts in told.report.inputs]
    lines += [f"by: ibsniff {quill.words(tool_version)}"] if tool_version else []
    return f"**Environment:**\n\n{_listed(lines, MOST_FACTS)}"


def _fold(each: ConversationGroup) -> str:
    first, last = (c.connection.first.time_ns for c in (each.first, each.newest))
    when = date_and_time(first) if each.count == 1 else period(first, last)
    rhythm = f", every {duration(each.interval)}" if each.interval else ""
    return f"{counted(each.count, 'conversation')} {each.first.outcome}, {when}{rhythm}"


def _listed(items: list[str], most: int = MOST_ITEMS) -> str:
    left_out = [f"… {len(items) - most} more"] if len(items) > most else []
    return "".join(f"* {item}\n" for item in (*items[:most], *left_out))
