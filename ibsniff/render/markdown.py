"""The report as Markdown to paste into a ticket: every problem with its proof, who is who, what happened when.

A ticket system turns text into links, pictures, mentions and HTML. So everything that may quote the wire is escaped for
Markdown as well, after it was masked and made visible: it reads the same and has no effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ibsniff.clock import UTC_CLOCK, TimeColumn
from ibsniff.formatting import counted, duration, elapsed
from ibsniff.masking.sentence import marked
from ibsniff.model import Alternative, Conversation, Finding, Report, Side
from ibsniff.render import machine_reports, participant_rows, participants, server_messages, story
from ibsniff.render.code_spans import prose, with_ticks
from ibsniff.render.grouping import ConversationGroup
from ibsniff.render.headline import WHERE, action_on, actor, left_out
from ibsniff.render.ladder import RungView, Step, ladder
from ibsniff.render.proof import Proof, ProofRow, proof_of
from ibsniff.render.report_view import (
    ProblemView,
    ReportView,
    display_filter,
    how_often,
    input_line,
    lead_of,
    problem_line,
    servers_of,
    times_of,
    view_of,
    what_it_is,
    what_works,
)
from ibsniff.render.request_counts import requests_line
from ibsniff.render.text import MAX_LINE_CHARACTERS, MAX_SHOWN_CHARACTERS, Masker

MAX_IN_BRIEF = 20
"""Problems with a line each."""
MAX_ITEMS = 4
"""Alternatives, or other findings."""
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


def markdown(report: Report, *, tool_version: str = "", show_accounts: bool = False, problem: int | None = None) -> str:
    """The whole report, ending in a newline; ``problem`` chooses the only one to be told in full."""
    view = view_of(report, problem)
    writer = MarkdownWriter(Masker.for_report(report, show_accounts))
    return "\n".join(filter(None, _parts(view, writer, tool_version)))


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


def _parts(view: ReportView, writer: MarkdownWriter, tool_version: str) -> Iterator[str]:
    yield f"**{writer.text(view.headline)}**\n"
    if note := left_out(view.report):
        yield f"*{writer.text(note)}*\n"
    if view.problems and (working := what_works(view)):
        yield f"{working}\n"
    if len(view.problems) > 1:
        yield _table_of_problems(view, writer)
    for each in view.told:
        yield from _problem(each, view, writer)
    if not view.told:
        yield from _without_problem(view, writer)
    if seen := [writer.text(each) for each in machine_reports.lines(view.report)]:
        yield f"**{machine_reports.HEADING}:**\n\n{_items(seen, len(seen))}"
    if view.in_brief:
        yield f"**The other problems:**\n\n{_items([_in_brief(each, writer) for each in view.in_brief], MAX_IN_BRIEF)}"
    if said := _what_tws_said(view, writer):
        yield f"**What TWS said:**\n\n{_items(said, len(said))}"
    if others := [f"{found.code}: {writer.prose(found.summary)}" for found in (*view.about_capture, *view.notes)]:
        yield f"**Also noticed:**\n\n{_items(others)}"
    if who := list(
        participant_rows.markdown_items(participants.participants_of(view.concerned, view.report), writer.text)
    ):
        yield f"**Who is who:**\n\n{_items(who, len(who))}"
    if view.report.narrowed is not None and len(view.report.conversations) == 1 and view.report.outages:
        texts = [writer.prose(outage.text) for outage in view.report.outages]
        yield f"**Meanwhile:**\n\n{_items(texts, len(texts))}"
    if len(view.report.conversations) > 1:
        told = list(story.markdown_items(story.story(view.report), view.report, writer.text))
        yield f"**What happened when:**\n\n{_items(told, len(told))}"
    yield _environment(view, writer, tool_version)


# ---------------------------------------------------------------------------------------------------------------
# Problems


def _table_of_problems(view: ReportView, writer: MarkdownWriter) -> str:
    column = times_of(view.problems, UTC_CLOCK)
    rows = "".join(f"| {' | '.join(_table_row(each, column, writer))} |\n" for each in view.problems[:MAX_IN_BRIEF])
    return f"| | what | where | how often ({column.heading_with_date}) | who must act |\n|--:|---|---|---|---|\n{rows}"


def _table_row(each: ProblemView, column: TimeColumn, writer: MarkdownWriter) -> Iterator[str]:
    problem = each.problem
    yield str(each.number)
    yield writer.text(what_it_is(problem)) + (" (over)" if problem.is_over else "")
    yield writer.text(servers_of(problem))
    yield how_often(problem, column)
    yield writer.text(actor(problem.finding))


def _problem(each: ProblemView, view: ReportView, writer: MarkdownWriter) -> Iterator[str]:
    finding = each.problem.finding
    if len(view.problems) > 1:
        yield f"### Problem {each.number} of {len(view.problems)}: {writer.text(what_it_is(each.problem))}\n"
    yield f"{writer.prose(finding.summary)}\n{writer.text(problem_line(each.problem))}\n"
    if len(view.problems) > 1:
        yield f"{action_on(each.problem, each.conversation.connection)}\n"
    yield _ladder(each.conversation, writer)
    yield _proof(proof_of(finding, each.conversation, (), verbose=False), each.cited, writer)
    if finding.remedy:
        yield f"**What to do:** {writer.prose(finding.remedy)}\n"
    if finding.alternatives:
        yield _alternatives(finding, writer)


def _without_problem(view: ReportView, writer: MarkdownWriter) -> Iterator[str]:
    """The conversation that the verdict is about; without any, what to do about the capture."""
    for shown in view.shown:
        yield f"{writer.prose(shown.summary)}\n"
        yield _ladder(shown, writer)
        yield _proof(proof_of(shown.cause, shown, (), verbose=False), (shown,), writer)
    lead = lead_of(view.report)
    if isinstance(lead, Finding) and lead.remedy:
        yield f"**What to do:** {writer.prose(lead.remedy)}\n"


def _ladder(conversation: Conversation, writer: MarkdownWriter) -> str:
    connection = conversation.connection
    rungs = " · ".join(_rung(conversation, view) for view in ladder(conversation))
    title = f"{conversation.id}, {connection.client} → {connection.server}"
    return f"{writer.text(title)}, {UTC_CLOCK.date_and_time(connection.first.time_ns)}:\n{writer.text(rungs)}\n"


def _rung(conversation: Conversation, view: RungView) -> str:
    name = f"{SIGNS[view.step]} {view.rung}".strip()
    if view.moment is None:
        return f"{name}: {view.reason}" if view.reason else name
    return f"{name} (packet {view.moment.packet}, {elapsed(conversation.connection.first, view.moment)})"


def _proof(proof: Proof, cited: Sequence[Conversation], writer: MarkdownWriter) -> str:
    """The packets as a table; a column names their conversations if there are several."""
    several = any(row.conversation for row in proof.rows)
    column = UTC_CLOCK.column(row.time_ns for row in proof.rows if row.time_ns is not None)
    rows = "".join(f"| {' | '.join(_proof_row(row, proof, column, several, writer))} |\n" for row in proof.rows)
    zero = f"since {proof.zero}" if proof.zero_ns is not None else column.heading
    head = (
        f"| packet |{' in |' if several else ''} time {zero} | | what |\n|--:|{'---|' if several else ''}--:|---|---|\n"
    )
    more = f"\n… {counted(proof.omitted, 'more packet')}\n" if proof.omitted else ""
    return f"{head}{rows}{more}\nWireshark: `{display_filter(cited)}`\n"


def _proof_row(row: ProofRow, proof: Proof, column: TimeColumn, several: bool, writer: MarkdownWriter) -> Iterator[str]:
    yield "" if row.packet is None else str(row.packet)
    if several:
        yield row.conversation
    yield (
        column.month_and_time(row.time_ns)
        if proof.zero_ns is None and row.time_ns is not None
        else proof.since_zero(row)
    )
    yield DIRECTIONS[row.side]
    raw = f" `{writer.masker.hex(row.raw)}`" if row.raw else ""
    yield writer.text(row.what, MAX_LINE_CHARACTERS if row.packet is None else MAX_SHOWN_CHARACTERS) + raw


def _alternatives(finding: Finding, writer: MarkdownWriter) -> str:
    others = [
        f"{writer.prose(marked(other.cause) + _elsewhere(other, finding))}: {writer.prose(other.how_to_tell)}"
        for other in finding.alternatives
    ]
    return f"**It could also be:**\n\n{_items(others)}"


def _elsewhere(other: Alternative, finding: Finding) -> str:
    """Where it would have to be fixed, if that is another place."""
    return "" if other.fault is finding.fault else f" [{WHERE[other.fault]}]"


def _in_brief(each: ProblemView, writer: MarkdownWriter) -> str:
    return f"Problem {each.number}: {writer.prose(each.problem.finding.summary)} ({writer.text(problem_line(each.problem))})"


# ---------------------------------------------------------------------------------------------------------------
# What else is known


def _what_tws_said(view: ReportView, writer: MarkdownWriter) -> list[str]:
    conversations = view.report.conversations if not view.report.omitted else view.shown
    several = len(view.report.conversations) > 1
    said = server_messages.server_messages(conversations)
    items = list(server_messages.markdown_items(said, writer.text, with_conversations=several))
    for one in view.shown:
        if requests := requests_line(one.dialogue.requests):
            items.append(writer.text(f"{one.id}: {requests}" if several else requests))
    return items


def _environment(view: ReportView, writer: MarkdownWriter, tool_version: str) -> str:
    lines = [_group(each) for each in view.groups] if len(view.report.conversations) > 1 else []
    lines += [f"capture: {writer.text(input_line(facts))}" for facts in view.report.inputs]
    lines += [f"analysed with: ibsniff {writer.text(tool_version)}; times are UTC"] if tool_version else []
    return f"**Environment:**\n\n{_items(lines, MAX_FACTS)}"


def _group(each: ConversationGroup) -> str:
    first_ns, last_ns = (c.connection.first.time_ns for c in (each.first, each.newest))
    when = UTC_CLOCK.date_and_time(first_ns) if each.count == 1 else UTC_CLOCK.period(first_ns, last_ns)
    interval = f", every {duration(each.interval)}" if each.interval else ""
    where = f"{each.first.connection.client.ip} → {each.first.connection.server}"
    return f"{counted(each.count, 'conversation')} {each.first.outcome}, {where}, {when}{interval}"


def _items(items: list[str], limit: int = MAX_ITEMS) -> str:
    omitted = [f"… {len(items) - limit} more"] if len(items) > limit else []
    return "".join(f"* {item}\n" for item in (*items[:limit], *omitted))
