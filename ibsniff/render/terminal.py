"""The report for a tired person at 80 columns whose bot does not connect.

The verdict comes first, then the ladder, the packets that prove it, what to do, and what else it could be; the other
conversations and the capture come last. It has forty lines at most unless more is asked for: the screen counts the lines
as they are laid out at this console's width, and shortens the least important sections first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.text import Text

from ibsniff.clock import LOCAL_CLOCK, Clock, TimeColumn
from ibsniff.formatting import counted, duration, seconds
from ibsniff.masking.sentence import marked
from ibsniff.model import Conversation, Fault, Finding, Report, ServerOutage, Severity, Side
from ibsniff.render.grouping import ConversationGroup
from ibsniff.render.ladder_view import draw_ladder
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
from ibsniff.render.screen import ConsoleWriter, Section, columns, shorten_to_fit, with_bar, without_trailing_spaces
from ibsniff.render.text import MAX_SHOWN_CHARACTERS, Masker
from ibsniff.render.timeline import Event, decisive_events

MAX_WIDTH = 120
"""Longer lines are hard to read; a wider console stays empty at the right."""

MIN_WIDTH = 20
"""Nothing can be laid out in fewer columns; the console crops."""

EVIDENCE_ROWS, EVIDENCE_ROWS_VERBOSE = 10, 200
ALTERNATIVE_ROWS, ALTERNATIVE_ROWS_VERBOSE = 4, 50
FINDING_ROWS, FINDING_ROWS_VERBOSE = 4, 100
OUTAGE_ROWS, OUTAGE_ROWS_VERBOSE = 7, 100
GROUP_ROWS, GROUP_ROWS_VERBOSE = 4, 200

MAX_QUOTED_CHARACTERS = 140
"""Quoted of one packet: two lines are enough to recognise it; ``-v`` quotes more."""

COLOURS: dict[Fault, str] = {
    Fault.NONE: "green",
    Fault.CLIENT: "yellow",
    Fault.TWS_CONFIG: "red",
    Fault.TWS_STATE: "red",
    Fault.NETWORK: "magenta",
    Fault.IB: "cyan",
    Fault.UNDETERMINED: "blue",
}

SEVERITIES: dict[Severity, str] = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}

ARROWS: dict[Side | None, str] = {Side.CLIENT: "→", Side.SERVER: "←", None: ""}


def renderable(
    report: Report,
    *,
    verbose: bool = False,
    show_accounts: bool = False,
    width: int | None = None,
    clock: Clock = LOCAL_CLOCK,
) -> RenderableType:
    """The whole report for a rich console; ``width`` overrides the console's own."""
    return ReportScreen(report, verbose, show_accounts, width, clock)


class ReportScreen(NamedTuple):
    """The report as a rich renderable: laid out when the console's width and encoding are known."""

    report: Report
    verbose: bool
    show_accounts: bool
    width: int | None
    clock: Clock = LOCAL_CLOCK

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(MIN_WIDTH, min(self.width or options.max_width, MAX_WIDTH))
        ascii_only = options.ascii_only or options.legacy_windows
        masker = Masker.for_report(self.report, self.show_accounts)
        writer = ConsoleWriter(masker, ascii_only, console.color_system is not None, self.clock)
        view = view_of(self.report)
        parts = list(sections(view, writer, width, self.verbose))
        within = options.update(width=width, height=None)
        laid_out = [without_trailing_spaces(console.render_lines(part.body, within, pad=False)) for part in parts]
        laid_out[0] = list(with_bar(laid_out[0], writer, COLOURS[fault_of(view)]))
        if not self.verbose:
            shorten_to_fit(laid_out, parts, writer)
        for number, lines in enumerate(laid_out):
            if number:
                yield Segment.line()
            for line in lines:
                yield from line
                yield Segment.line()


# ---------------------------------------------------------------------------------------------------------------
# The sections, in the order in which they stand on the screen


def sections(view: ReportView, writer: ConsoleWriter, width: int, verbose: bool) -> Iterator[Section]:
    """All sections. Their minimum numbers of lines and the blank lines between them add up to less than MAX_LINES."""
    yield Section(verdict(view, writer), min_lines=6, last_lines=4)  # the status line is among the last
    if view.worst is not None:
        yield Section(ladders(view, view.worst, writer, width), min_lines=7)
        yield Section(evidence(view, view.worst, writer, verbose), min_lines=5, shorten_rank=4)
    if view.outages:
        began = writer.clock.column(outage.began_ns for outage in view.outages)
        lines = outages(view, writer, began, verbose)
        yield Section(with_heading(f"Outages ({began.heading})", lines), min_lines=3, shorten_rank=3)
    if view.finding is not None and view.finding.remedy:
        remedy = with_heading("What to do", [writer.prose(view.finding.remedy)])
        yield Section(remedy, min_lines=4, shorten_rank=2)
    if view.finding is not None and view.finding.alternatives:
        causes = with_heading("It could also be", alternatives(view.finding, writer, verbose))
        yield Section(causes, min_lines=3, shorten_rank=7)
    if view.other_findings or view.capture_findings:
        yield Section(with_heading("Also noticed", other_findings(view, writer, verbose)), min_lines=2, shorten_rank=5)
    if len(view.report.conversations) > 1 and (verbose or not view.outages):
        began = writer.clock.column(
            c.connection.first.time_ns for each in view.groups for c in (each.first, each.newest)
        )
        rows = with_heading(f"Conversations ({began.heading})", group_rows(view, writer, began, verbose))
        yield Section(rows, min_lines=3, shorten_rank=6)
    inputs = Group(*(writer.text(input_line(facts), "dim") for facts in view.report.inputs))
    yield Section(inputs, min_lines=2, shorten_rank=1)


def verdict(view: ReportView, writer: ConsoleWriter) -> RenderableType:
    """The verdict in one sentence, and below it the status line."""
    lead, colour = lead_of(view), COLOURS[fault_of(view)]
    summary = writer.text(lead.summary if lead else NO_CONVERSATION, f"bold {colour}")
    return Padding(Group(summary, writer.text(status_line(view), colour)), (0, 2, 0, 0))


def ladders(view: ReportView, worst: Conversation, writer: ConsoleWriter, width: int) -> RenderableType:
    """The ladder of the worst conversation, and that of the newest if it went differently."""
    drawn = [draw_ladder(worst, writer, width)]
    if view.newest is not None:
        drawn += [Text(), draw_ladder(view.newest, writer, width, "newest: ")]
    return Group(*drawn)


def evidence(view: ReportView, worst: Conversation, writer: ConsoleWriter, verbose: bool) -> RenderableType:
    """The packets that prove the verdict: number, time since the first one, direction, meaning, decisive bytes in hex."""
    known = view.packet_events
    shown = decisive_events(known, view.finding, EVIDENCE_ROWS_VERBOSE if verbose else EVIDENCE_ROWS)
    grid = columns("right", "right", "left", "left")
    for event in shown:
        grid.add_row(*evidence_row(event, worst, writer, verbose))
    if state := state_at_end(worst):
        until = duration(seconds(worst.watched_until_ns - worst.connection.first.time_ns))
        grid.add_row("", writer.literal(until, "dim"), "", writer.text(state, "dim"))
    if requests := requests_line(worst.dialogue.requests):
        grid.add_row("", "", "", writer.text(requests, "dim"))
    title = Text("Evidence", "bold").append_text(writer.literal("   → to the server, ← from it", "dim"))
    lines: list[RenderableType] = [title, Padding(grid, (0, 0, 0, 2))]
    lines += more_line(len(known) - len(shown), "packet", writer)
    if verbose:
        lines.append(writer.text(f"Wireshark: {display_filter(event.packet for event in shown)}", "dim"))
    return Group(*lines)


def evidence_row(event: Event, worst: Conversation, writer: ConsoleWriter, verbose: bool) -> Iterator[RenderableType]:
    """One packet of the evidence."""
    yield Text(f"#{event.packet}", "bold")
    since = "" if event.time_ns is None else duration(seconds(event.time_ns - worst.connection.first.time_ns))
    yield writer.literal(since, "dim")
    yield writer.literal(ARROWS[event.side])
    what = writer.text(event.what, limit=MAX_SHOWN_CHARACTERS if verbose else MAX_QUOTED_CHARACTERS)
    yield Group(what, Text(writer.masker.hex(event.raw), "cyan")) if event.raw else what


def alternatives(finding: Finding, writer: ConsoleWriter, verbose: bool) -> Iterator[RenderableType]:
    """Other possible causes, each with where it would have to be fixed and how to tell."""
    rows = ALTERNATIVE_ROWS_VERBOSE if verbose else ALTERNATIVE_ROWS
    for other in finding.alternatives[:rows]:
        label = "" if other.fault is finding.fault else f" [{FIX_LABELS[other.fault]}]"
        cause = writer.text(f"{marked(other.cause)}{label}", "bold")
        yield bullet(cause.append(": ").append_text(writer.prose(other.how_to_tell, "not bold")), writer)
    yield from more_line(len(finding.alternatives) - rows, "cause", writer)


def outages(view: ReportView, writer: ConsoleWriter, began: TimeColumn, verbose: bool) -> Iterator[RenderableType]:
    """When servers served nobody, a line each, the latest first; in full sentences with ``-v``."""
    told = view.outages[: -1 - (OUTAGE_ROWS_VERBOSE if verbose else OUTAGE_ROWS) : -1]
    if verbose:
        yield from (bullet(writer.text(outage.text), writer) for outage in told)
    else:
        servers = {outage.server for outage in view.outages}
        grid = columns("left", "right", "left", gap=2)
        for outage in told:
            grid.add_row(*outage_row(outage, writer, began, with_server=len(servers) > 1))
        yield grid
    yield from more_line(len(view.outages) - len(told), "earlier outage", writer)


def outage_row(outage: ServerOutage, writer: ConsoleWriter, began: TimeColumn, with_server: bool) -> Iterator[Text]:
    """When it began, how long it lasted, and what happened."""
    yield writer.text(began.date_and_time(outage.began_ns))
    yield writer.text("-" if outage.back_ns is None else duration(seconds(outage.back_ns - outage.began_ns)))
    parts = [str(outage.server)] if with_server else []
    parts += [f"{counted(len(outage.ended), 'session')} ended"] if outage.ended else []
    parts += [f"{count:,} {outcome}" for outcome, count in outage.failed.items()]
    parts.append(f"back: {outage.back}" if outage.back else "not back")
    yield writer.text(", ".join(parts))


def other_findings(view: ReportView, writer: ConsoleWriter, verbose: bool) -> Iterator[RenderableType]:
    """Other findings, a line each; in full with ``-v``."""
    rows = FINDING_ROWS_VERBOSE if verbose else FINDING_ROWS
    others = (*view.other_findings, *view.capture_findings)
    for found in others[:rows]:
        text = writer.text(found.code, SEVERITIES[found.severity]).append(" ").append_text(writer.text(found.summary))
        if not verbose:
            text.no_wrap, text.overflow = True, "crop" if writer.ascii_only else "ellipsis"
        yield bullet(text, writer)
        if verbose and found.remedy:
            yield Padding(writer.prose(found.remedy, "dim"), (0, 0, 0, 2))
    yield from more_line(len(others) - rows, "finding", writer)


def group_rows(view: ReportView, writer: ConsoleWriter, began: TimeColumn, verbose: bool) -> Iterator[RenderableType]:
    """The conversations, a row for each group of identical ones."""
    rows = GROUP_ROWS_VERBOSE if verbose else GROUP_ROWS
    started = (c.connection.first.time_ns for each in view.groups for c in (each.first, each.newest))
    on_one_day = len({writer.clock.stamp(time_ns).date for time_ns in started}) == 1
    when = began.time_of_day if on_one_day else began.month_and_time
    grid = columns("right", "left", "left", "left", "left", gap=2)
    for each in view.groups[:rows]:
        grid.add_row(*group_row(each, writer, when))
    yield grid
    yield from more_line(sum(each.count for each in view.groups[rows:]), "conversation", writer)
    if view.report.omitted:
        evicted = counted(view.report.omitted, "older conversation")
        yield writer.text(f"… and {evicted}, only counted", "dim")


def group_row(each: ConversationGroup, writer: ConsoleWriter, when: Callable[[int], str]) -> Iterator[RenderableType]:
    """One group: how many, outcome, addresses, times, interval."""
    first, last = (when(c.connection.first.time_ns) for c in (each.first, each.newest))
    yield Text(f"{each.count}x", "bold")
    yield Text(each.first.outcome, COLOURS[each.first.fault])
    yield writer.literal(f"{each.first.connection.client.ip} → {each.first.connection.server}")
    yield Text(first if each.count == 1 else f"{first} to {last}")
    yield writer.literal(f"every {duration(each.interval)}" if each.interval else "", "dim")


# ---------------------------------------------------------------------------------------------------------------
# Small parts


def fault_of(view: ReportView) -> Fault:
    """The fault that decides the colour of the screen."""
    lead = lead_of(view)
    return lead.fault if lead else Fault.UNDETERMINED


def with_heading(title: str, body: Iterable[RenderableType]) -> RenderableType:
    """A heading, and below it the body, indented."""
    return Group(Text(title, "bold"), Padding(Group(*body), (0, 0, 0, 2)))


def bullet(text: Text, writer: ConsoleWriter) -> RenderableType:
    """One item of a list, wrapped beside its bullet."""
    grid = columns("left", "left")
    grid.add_row(writer.literal("•", "dim"), text)
    return grid


def more_line(number: int, noun: str, writer: ConsoleWriter) -> list[RenderableType]:
    """The line that says how many are not shown."""
    return [writer.literal(f"… {counted(number, f'more {noun}')} with -v", "dim")] if number > 0 else []
