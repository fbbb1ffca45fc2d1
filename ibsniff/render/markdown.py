"""The report as Markdown to paste into a ticket: verdict, ladder, evidence, environment, in some twenty lines.

A ticket system turns text into links, pictures, mentions and HTML. So everything that may quote the wire is escaped for
Markdown as well, after it was masked and made visible: it reads the same and has no effect.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ibsniff.clock import UTC_CLOCK
from ibsniff.formatting import counted, duration, elapsed, seconds
from ibsniff.masking.sentence import marked
from ibsniff.model import Conversation, Finding, Report, Side
from ibsniff.render.code_spans import prose, with_ticks
from ibsniff.render.grouping import ConversationGroup
from ibsniff.render.ladder import RungView, Step, ladder
from ibsniff.render.report_view import (
    FIX_LABELS,
    NO_CONVERSATION,
    ReportView,
    display_filter,
    input_line,
    lead_of,
    state_at_end,
    status_line,
    view_of,
)
from ibsniff.render.request_counts import requests_line
from ibsniff.render.text import MAX_LINE_CHARACTERS, MAX_SHOWN_CHARACTERS, Masker
from ibsniff.render.timeline import Event, decisive_events

EVIDENCE_ROWS = 8
MAX_ITEMS = 4
"""Alternatives, or other findings."""
MAX_OUTAGES = 8
"""A week of nights, and one more."""
MAX_FACTS = 10
"""Facts of the environment: somebody else must read the ticket."""

ESCAPES = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_[]|~#$"} | {"&": "&amp;", "<": "&lt;", "@": "(at)"}
)
"""Characters that can begin a construct within a line (CommonMark 0.31, 2.4; GFM tables), or mention somebody."""

SIGNS: dict[Step, str] = {Step.REACHED: "✓", Step.MISSED: "✗", Step.AHEAD: "", Step.UNKNOWN: "?"}
DIRECTIONS: dict[Side | None, str] = {Side.CLIENT: "→", Side.SERVER: "←", None: ""}


def escape(text: str) -> str:
    """Markdown that shows this text: nothing in it becomes structure, HTML, a link or a mention."""
    return text.replace("://", ": //").replace("www.", "www. ").translate(ESCAPES)


def markdown(report: Report, *, tool_version: str = "", show_accounts: bool = False) -> str:
    """The whole report, ending in a newline."""
    view = view_of(report)
    writer = MarkdownWriter(Masker.for_report(report, show_accounts))
    parts = [_verdict(view, writer)]
    if view.worst is not None:
        parts += [_ladder(view.worst, writer, "")]
        parts += [_ladder(view.newest, writer, "newest: ")] if view.newest else []
        parts += [_evidence(view, view.worst, writer)]
    parts += [_outages(view, writer)] if view.outages else []
    if view.finding is not None:
        parts += [f"**What to do:** {writer.prose(view.finding.remedy)}\n"] if view.finding.remedy else []
        parts += [_alternatives(view.finding, writer)] if view.finding.alternatives else []
    if view.other_findings or view.capture_findings:
        parts.append(_other_findings(view, writer))
    parts.append(_environment(view, writer, tool_version))
    return "\n".join(parts)


class MarkdownWriter(NamedTuple):
    """Makes Markdown for one reader: masked, visible, and escaped."""

    masker: Masker

    def text(self, text: str, limit: int = MAX_LINE_CHARACTERS) -> str:
        """A line that may quote the wire."""
        return escape(self.masker.visible_line(text, limit))

    def prose(self, text: str) -> str:
        """A sentence of ours that may quote the wire, such as a remedy: its commands are code. Not for cells of tables."""
        parts = prose(text, self.masker)
        return "".join(with_ticks(part) if part.is_code else escape(part.text) for part in parts)


def _verdict(view: ReportView, writer: MarkdownWriter) -> str:
    lead = lead_of(view)
    summary = writer.text(lead.summary if lead else NO_CONVERSATION)
    return f"**{summary}**\n{writer.text(status_line(view))}\n"


def _ladder(conversation: Conversation, writer: MarkdownWriter, prefix: str) -> str:
    connection = conversation.connection
    rungs = " · ".join(_rung(conversation, view) for view in ladder(conversation))
    title = f"{prefix}{conversation.id}, {connection.client} → {connection.server}"
    return f"{writer.text(title)}, {UTC_CLOCK.date_and_time(connection.first.time_ns)}:\n{writer.text(rungs)}\n"


def _rung(conversation: Conversation, view: RungView) -> str:
    name = f"{SIGNS[view.step]} {view.rung}".strip()
    if view.moment is None:
        return f"{name}: {view.reason}" if view.reason else name
    return f"{name} (packet {view.moment.packet}, {elapsed(conversation.connection.first, view.moment)})"


def _evidence(view: ReportView, worst: Conversation, writer: MarkdownWriter) -> str:
    shown = decisive_events(view.packet_events, view.finding, EVIDENCE_ROWS)
    rows = "".join(f"| {' | '.join(row)} |\n" for row in _rows(shown, worst, writer))
    wireshark = f"\nWireshark: `{display_filter(event.packet for event in shown)}`\n" if shown else ""
    return f"| packet | time | | what |\n|--:|--:|---|---|\n{rows}{wireshark}"


def _rows(shown: list[Event], worst: Conversation, writer: MarkdownWriter) -> Iterator[tuple[str, str, str, str]]:
    first_ns = worst.connection.first.time_ns
    for event in shown:
        time = "" if event.time_ns is None else duration(seconds(event.time_ns - first_ns))
        raw = f" `{writer.masker.hex(event.raw)}`" if event.raw else ""
        yield str(event.packet), time, DIRECTIONS[event.side], writer.text(event.what, MAX_SHOWN_CHARACTERS) + raw
    if state := state_at_end(worst):
        yield "", duration(seconds(worst.watched_until_ns - first_ns)), "", writer.text(state)
    if requests := requests_line(worst.dialogue.requests):
        yield "", "", "", writer.text(requests)


def _outages(view: ReportView, writer: MarkdownWriter) -> str:
    latest = [writer.text(one.text) for one in view.outages[-MAX_OUTAGES:]]
    earlier = len(view.outages) - len(latest)
    return f"**Outages:**\n\n{_items([*([f'… {earlier} earlier'] if earlier else []), *latest], len(latest) + 1)}"


def _alternatives(finding: Finding, writer: MarkdownWriter) -> str:
    others = [
        f"{writer.text(f'{marked(other.cause)} [{FIX_LABELS[other.fault]}]')}: {writer.prose(other.how_to_tell)}"
        for other in finding.alternatives
    ]
    return f"**It could also be:**\n\n{_items(others)}"


def _other_findings(view: ReportView, writer: MarkdownWriter) -> str:
    others = [f"{found.code}: {writer.text(found.summary)}" for found in (*view.other_findings, *view.capture_findings)]
    return f"**Also noticed:**\n\n{_items(others)}"


def _environment(view: ReportView, writer: MarkdownWriter, tool_version: str) -> str:
    lines = [_group(each) for each in view.groups] if len(view.report.conversations) > 1 else []
    lines += [f"capture: {writer.text(input_line(facts))}" for facts in view.report.inputs]
    lines += [f"analysed with: ibsniff {writer.text(tool_version)}"] if tool_version else []
    return f"**Environment:**\n\n{_items(lines, MAX_FACTS)}"


def _group(each: ConversationGroup) -> str:
    first_ns, last_ns = (c.connection.first.time_ns for c in (each.first, each.newest))
    when = UTC_CLOCK.date_and_time(first_ns) if each.count == 1 else UTC_CLOCK.period(first_ns, last_ns)
    interval = f", every {duration(each.interval)}" if each.interval else ""
    return f"{counted(each.count, 'conversation')} {each.first.outcome}, {when}{interval}"


def _items(items: list[str], limit: int = MAX_ITEMS) -> str:
    omitted = [f"… {len(items) - limit} more"] if len(items) > limit else []
    return "".join(f"* {item}\n" for item in (*items[:limit], *omitted))
