"""The report on a console, for a tired person whose bot does not connect.

It begins with what matters most: does it work, must somebody act, and where. Then every problem, the worst first, each with
its proof; then who is who, what TWS said, and what happened when. Nothing is cut; a report that is longer than the screen ends
with the line that it began with, because that has been scrolled away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.text import Text

from ibsniff.clock import LOCAL_CLOCK, Clock, TimeColumn
from ibsniff.formatting import counted, duration
from ibsniff.model import Finding, Report
from ibsniff.render import machine_reports, participants, server_messages, story
from ibsniff.render.grouping import ConversationGroup
from ibsniff.render.headline import action_on, left_out
from ibsniff.render.problem_screen import conversation_parts, problem_parts, problem_table, statement
from ibsniff.render.report_view import (
    ReportView,
    input_line,
    lead_of,
    problem_line,
    view_of,
    what_it_is,
    what_works,
)
from ibsniff.render.request_counts import requests_line
from ibsniff.render.screen import (
    COLOURS,
    SEVERITIES,
    ConsoleWriter,
    Lines,
    bullet,
    columns,
    more_line,
    with_bar,
    with_heading,
    without_trailing_spaces,
)
from ibsniff.render.sections import server_message_rows, story_rows, who_is_who_rows
from ibsniff.render.text import Masker

MAX_WIDTH = 140
"""Longer lines are hard to read; a wider console stays empty at the right."""

MIN_WIDTH = 20
"""Nothing can be laid out in fewer columns; the console crops."""

FINDING_ROWS, FINDING_ROWS_VERBOSE = 4, 100
GROUP_ROWS, GROUP_ROWS_VERBOSE = 6, 200
MAX_IN_BRIEF = 20
"""Problems that have only a line."""


def renderable(
    report: Report,
    *,
    verbose: bool = False,
    show_accounts: bool = False,
    width: int | None = None,
    clock: Clock = LOCAL_CLOCK,
    problem: int | None = None,
) -> RenderableType:
    """The whole report for a rich console; ``width`` overrides the console's own, ``problem`` chooses the one to be told."""
    return ReportScreen(report, verbose, show_accounts, width, clock, problem)


class ReportScreen(NamedTuple):
    """The report as a rich renderable: laid out when the console's width, height and encoding are known."""

    report: Report
    verbose: bool
    show_accounts: bool
    width: int | None
    clock: Clock = LOCAL_CLOCK
    problem: int | None = None
    repeats: bool = True
    """What is higher than the screen ends with the line that it began with."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(MIN_WIDTH, min(self.width or options.max_width, MAX_WIDTH))
        ascii_only = options.ascii_only or options.legacy_windows
        masker = Masker.for_report(self.report, self.show_accounts)
        writer = ConsoleWriter(masker, ascii_only, console.color_system is not None, self.clock)
        view = view_of(self.report, self.problem)
        within = options.update(width=width, height=None)

        def lay_out(part: RenderableType) -> Lines:
            return without_trailing_spaces(console.render_lines(part, within, pad=False))

        parts = [lay_out(part) for part in sections(view, writer, width - 2, self.verbose)]
        first = list(with_bar(lay_out(_narrower(head(view, writer))), writer, COLOURS[view.fault]))
        lines = first + [line for part in parts for line in ([], *part)]
        if self.repeats and console.is_terminal and len(lines) >= console.size.height:
            above = writer.literal(f"  (the report begins {len(lines)} lines above{_more_about(view)})", "dim")
            again = list(with_bar(lay_out(_narrower(headline(view, writer))), writer, COLOURS[view.fault]))
            lines += [[], *again, *lay_out(above)]
        for line in lines:
            yield from line
            yield Segment.line()


def _narrower(part: RenderableType) -> RenderableType:
    """Room for the bar at the left."""
    return Padding(part, (0, 2, 0, 0))


def _more_about(view: ReportView) -> str:
    """The command that explains the worst problem."""
    code = view.told[0].problem.finding.code if view.told else ""
    return f"; more about it: ibsniff explain {code}" if code else ""


def headline(view: ReportView, writer: ConsoleWriter) -> Text:
    """The line that matters most."""
    return writer.text(view.headline, f"bold {COLOURS[view.fault]}")


def head(view: ReportView, writer: ConsoleWriter) -> RenderableType:
    """The headline, and a single problem's statement."""
    lines: list[RenderableType] = [headline(view, writer)]
    if len(view.problems) == 1:
        lines.append(statement(view.told[0].problem, writer))
    elif len(view.told) == 1:
        lines.append(writer.literal(f"This is problem {view.told[0].number} of {len(view.problems)}, as you asked."))
    elif view.problems:
        beyond = view.report.problems_omitted
        more = f", and {beyond:,} more that are not listed" if beyond else ""
        lines.append(writer.literal(f"There are {len(view.problems)} problems{more}; the worst is told first."))
    elif view.shown:
        lines.append(writer.prose(view.shown[0].summary))
    lead = lead_of(view.report)
    if isinstance(lead, Finding):
        lines.append(writer.literal(f"{lead.code} {lead.name}", COLOURS[view.fault]))
    if view.problems and (working := what_works(view)):
        lines.append(writer.literal(working))
    if note := left_out(view.report):
        lines.append(writer.text(note, "italic"))
    return Group(*lines)


# ---------------------------------------------------------------------------------------------------------------
# The sections, in the order in which they stand on the screen


def sections(view: ReportView, writer: ConsoleWriter, width: int, verbose: bool) -> Iterator[RenderableType]:
    """All sections but the first one."""
    report = view.report
    if len(view.problems) > 1:
        yield problem_table(view.problems[:MAX_IN_BRIEF], writer, width)
    for each in view.told:
        if len(view.problems) > 1:
            title = f"Problem {each.number} of {len(view.problems)}: {what_it_is(each.problem)}"
            yield Group(
                writer.text(title, f"bold {COLOURS[each.problem.finding.fault]} underline"),
                statement(each.problem, writer),
                writer.literal(action_on(each.problem, each.conversation.connection)),
            )
        yield from problem_parts(each, view, writer, width, verbose=verbose)
    if not view.told and view.shown:
        yield from conversation_parts(view.shown[0], writer, width, verbose=verbose)
    if report.verdict is None:
        yield from _remedy_of_capture(view, writer)
    if seen := list(machine_reports.lines(report)):
        yield with_heading(machine_reports.HEADING, [bullet(writer.text(each), writer) for each in seen])
    if view.in_brief:
        yield with_heading("The other problems", in_brief(view, writer))
    if said := list(what_tws_said(view, writer, verbose)):
        yield with_heading("What TWS said", said)
    if view.about_capture or view.notes:
        yield with_heading("Also noticed", also_noticed(view, writer, verbose))
    if who := list(who_is_who_rows(participants.participants_of(view.concerned, report), writer)):
        yield with_heading("Who is who", who)
    yield from _in_time(view, writer, verbose)
    yield Group(*about_inputs(view, writer))


def _in_time(view: ReportView, writer: ConsoleWriter, verbose: bool) -> Iterator[RenderableType]:
    """What happened when; of a single chosen conversation, the outages that it belongs to."""
    report = view.report
    if report.narrowed is not None and len(report.conversations) == 1 and report.outages:
        yield with_heading("Meanwhile", [writer.prose(outage.text) for outage in report.outages])
    if len(report.conversations) > 1:
        yield with_heading("What happened when", story_rows(story.story(report), report, writer))
    if len(report.conversations) > 1 and verbose:
        began = writer.clock.column(
            c.connection.first.time_ns for each in view.groups for c in (each.first, each.newest)
        )
        yield with_heading(f"Conversations ({began.heading})", group_rows(view, writer, began, verbose))


def _remedy_of_capture(view: ReportView, writer: ConsoleWriter) -> Iterator[RenderableType]:
    """What to do about a capture without any conversation."""
    remedies = [found.remedy for found in view.report.findings if found.remedy and found not in view.about_capture]
    if remedies:
        yield with_heading("What to do", map(writer.prose, remedies))


def in_brief(view: ReportView, writer: ConsoleWriter) -> Iterator[RenderableType]:
    """The problems that are not told in full: a sentence each, and the option that opens it."""
    for number, problem, *_ in view.in_brief[:MAX_IN_BRIEF]:
        colour = COLOURS[problem.finding.fault]
        yield (
            writer.literal(f"{number}. ", "bold")
            .append_text(writer.prose(problem.finding.summary))
            .append_text(writer.literal(f" [{problem_line(problem)}; --problem {number}]", colour))
        )
    yield from more_line(len(view.in_brief) - MAX_IN_BRIEF, "problem", writer)


def what_tws_said(view: ReportView, writer: ConsoleWriter, verbose: bool) -> Iterator[RenderableType]:
    """The errors of the sessions, and how many requests there were."""
    conversations = view.report.conversations if not view.report.omitted else view.shown
    rows = server_messages.MAX_ROWS_VERBOSE if verbose else server_messages.MAX_ROWS
    several = len(view.report.conversations) > 1
    said = server_messages.server_messages(conversations)
    yield from server_message_rows(said, writer, with_conversations=several, rows=rows)
    for one in view.shown:
        if requests := requests_line(one.dialogue.requests):
            yield writer.text(f"{one.id}: {requests}" if several else requests, "dim")


def also_noticed(view: ReportView, writer: ConsoleWriter, verbose: bool) -> Iterator[RenderableType]:
    """What can be trusted of the capture, and what is no problem; with ``-v`` the packets and what to do as well."""
    rows = FINDING_ROWS_VERBOSE if verbose else FINDING_ROWS
    others: tuple[Finding, ...] = (*view.about_capture, *view.notes)
    for found in others[:rows]:
        text = writer.text(found.code, SEVERITIES[found.severity]).append(" ").append_text(writer.prose(found.summary))
        yield bullet(text, writer)
        if verbose and found.remedy:
            yield bullet(writer.prose(found.remedy, "dim"), writer)
        if verbose and found.evidence:
            for one in found.evidence:
                yield writer.text(f"    #{one.packet} {one.what}", "dim")
    yield from more_line(len(others) - rows, "finding", writer)


def about_inputs(view: ReportView, writer: ConsoleWriter) -> Iterator[RenderableType]:
    """Each capture in a line, and how to find what is shown in Wireshark."""
    for facts in view.report.inputs:
        yield writer.text(input_line(facts), "dim")
    if view.wireshark_filter:
        yield writer.text(f"Wireshark: {view.wireshark_filter}", "dim")


def group_rows(view: ReportView, writer: ConsoleWriter, began: TimeColumn, verbose: bool) -> Iterator[RenderableType]:
    """The conversations, a row for each group of identical ones."""
    rows = GROUP_ROWS_VERBOSE if verbose else GROUP_ROWS
    times = [c.connection.first.time_ns for each in view.groups for c in (each.first, each.newest)]
    days = {writer.clock.stamp(time_ns).date for time_ns in times}
    grid = columns("right", "left", "left", "left", "left", gap=2)
    for each in view.groups[:rows]:
        grid.add_row(*group_row(each, writer, began, one_day=len(days) == 1))
    yield grid
    yield from more_line(sum(each.count for each in view.groups[rows:]), "conversation", writer)
    if view.report.omitted:
        evicted = counted(view.report.omitted, "older conversation")
        yield writer.text(f"… and {evicted}, only counted", "dim")


def group_row(
    each: ConversationGroup, writer: ConsoleWriter, began: TimeColumn, *, one_day: bool
) -> Iterator[RenderableType]:
    """One group: how many, outcome, addresses, times, interval."""
    shown = began.time_of_day if one_day else began.month_and_time
    first, last = (shown(c.connection.first.time_ns) for c in (each.first, each.newest))
    yield Text(f"{each.count}x", "bold")
    yield Text(each.first.outcome, COLOURS[each.first.fault])
    yield writer.literal(f"{each.first.connection.client.ip} → {each.first.connection.server}")
    yield Text(first if each.count == 1 else f"{first} to {last}")
    yield writer.literal(f"every {duration(each.interval)}" if each.interval else "", "dim")
