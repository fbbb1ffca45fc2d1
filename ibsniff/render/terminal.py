"""The report for a tired person at 80 columns whose bot does not connect.

The verdict first, then the ladder, the packets that prove it, what to do, what else it could be; the capture and
the crowd of other conversations last. Forty lines at most unless more is asked for: the screen counts real lines, as
they come out at this console's width, and shortens the least important sections first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.text import Text

from ibsniff.formatting import counted, date_and_time, duration, seconds
from ibsniff.model import Conversation, Fault, Finding, Report, Severity, Side
from ibsniff.render.grouping import ConversationGroup
from ibsniff.render.ladder_view import climb
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
from ibsniff.render.screen import Pen, Section, barred, columns, shorten, trimmed
from ibsniff.render.text import SHOWN_CHARACTERS, Veil
from ibsniff.render.timeline import Event, decisive

WIDEST = 120
"""Longer lines are hard to read; a wider console is left empty at the right."""

NARROWEST = 20
"""Below this nothing can be laid out; the console crops."""

EVIDENCE_ROWS, EVIDENCE_ROWS_VERBOSE = 10, 200
ALTERNATIVE_ROWS, ALTERNATIVE_ROWS_VERBOSE = 4, 50
NOTICED_ROWS, NOTICED_ROWS_VERBOSE = 4, 100
FOLD_ROWS, FOLD_ROWS_VERBOSE = 4, 200

QUOTED_CHARACTERS = 140
"""Of one packet: two lines say which it is; ``-v`` quotes more."""

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
    report: Report, *, verbose: bool = False, show_accounts: bool = False, width: int | None = None
) -> RenderableType:
    """The whole report for a rich console; ``width`` overrides the console's own."""
    return Screen(report, verbose, show_accounts, width)


class Screen(NamedTuple):
    """The report as a rich renderable: laid out when the console's width and encoding are known."""

    report: Report
    verbose: bool
    show_accounts: bool
    width: int | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(NARROWEST, min(self.width or options.max_width, WIDEST))
        pen = Pen(Veil.over(self.report, self.show_accounts), options.ascii_only or options.legacy_windows)
        told = story(self.report)
        parts = list(sections(told, pen, width, self.verbose))
        within = options.update(width=width, height=None)
        laid_out = [trimmed(console.render_lines(part.body, within, pad=False)) for part in parts]
        laid_out[0] = list(barred(laid_out[0], pen, COLOURS[fault_of(told)]))
        if not self.verbose:
            shorten(laid_out, parts, pen)
        for number, lines in enumerate(laid_out):
            if number:
                yield Segment.line()
            for line in lines:
                yield from line
                yield Segment.line()


# ---------------------------------------------------------------------------------------------------------------
# The sections, in the order they stand on the screen


def sections(told: ReportView, pen: Pen, width: int, verbose: bool) -> Iterator[Section]:
    """What there is to say. The fewest lines of all sections and the blank ones between stay below MOST_LINES."""
    yield Section(verdict(told, pen), least=6, ends_with=3)  # whose turn it is
    if told.worst is not None:
        yield Section(climbs(told, told.worst, pen, width), least=7)
        yield Section(evidence(told, told.worst, pen, verbose), least=5, gives_way=3)
    if told.finding is not None and told.finding.remedy:
        yield Section(headed("What to do", [pen.words(told.finding.remedy)]), least=4, gives_way=2)
    if told.finding is not None and told.finding.alternatives:
        yield Section(headed("It could also be", alternatives(told.finding, pen, verbose)), least=4, gives_way=6)
    if told.others or told.of_capture:
        yield Section(headed("Also noticed", noticed(told, pen, verbose)), least=2, gives_way=4)
    if len(told.report.conversations) > 1:
        yield Section(headed("Conversations", crowd(told, pen, verbose)), least=3, gives_way=5)
    yield Section(Group(*(pen.words(input_line(facts), "dim") for facts in told.report.inputs)), least=2, gives_way=1)


def verdict(told: ReportView, pen: Pen) -> RenderableType:
    """One sentence, and below it whose turn it is and how sure that is."""
    speaks, colour = speaker(told), COLOURS[fault_of(told)]
    summary = pen.words(speaks.summary if speaks else NOTHING_SEEN, f"bold {colour}")
    return Padding(Group(summary, pen.words(standing(told), colour)), (0, 2, 0, 0))


def climbs(told: ReportView, worst: Conversation, pen: Pen, width: int) -> RenderableType:
    """The ladder of the worst conversation, and of the newest when that tells something else."""
    drawn = [climb(worst, pen, width)]
    if told.newest is not None:
        drawn += [Text(), climb(told.newest, pen, width, "newest: ")]
    return Group(*drawn)


def evidence(told: ReportView, worst: Conversation, pen: Pen, verbose: bool) -> RenderableType:
    """The packets that prove it: number, time since the first one, direction, what it was, decisive bytes in hex."""
    happened = told.happened
    shown = decisive(happened, told.finding, EVIDENCE_ROWS_VERBOSE if verbose else EVIDENCE_ROWS)
    grid = columns("right", "right", "left", "left")
    for event in shown:
        grid.add_row(*packet(event, worst, pen, verbose))
    if stood := how_it_stood(worst):
        until = duration(seconds(worst.watched_until_ns - worst.connection.first.time_ns))
        grid.add_row("", pen.sign(until, "dim"), "", pen.words(stood, "dim"))
    title = Text("Evidence", "bold").append_text(pen.sign("   → to the server, ← from it", "dim"))
    lines: list[RenderableType] = [title, Padding(grid, (0, 0, 0, 2))]
    lines += more(len(happened) - len(shown), "packet", pen)
    if verbose:
        lines.append(pen.words(f"Wireshark: {display_filter(event.packet for event in shown)}", "dim"))
    return Group(*lines)


def packet(event: Event, worst: Conversation, pen: Pen, verbose: bool) -> Iterator[RenderableType]:
    """One row of the evidence."""
    yield Text(f"#{event.packet}", "bold")
    since = "" if event.time_ns is None else duration(seconds(event.time_ns - worst.connection.first.time_ns))
    yield pen.sign(since, "dim")
    yield pen.sign(ARROWS[event.side])
    what = pen.words(event.what, limit=SHOWN_CHARACTERS if verbose else QUOTED_CHARACTERS)
    yield Group(what, Text(pen.veil.hex(event.raw), "cyan")) if event.raw else what


def alternatives(finding: Finding, pen: Pen, verbose: bool) -> Iterator[RenderableType]:
    """Other causes that fit, each with what would tell it apart, and whose turn it were then."""
    rows = ALTERNATIVE_ROWS_VERBOSE if verbose else ALTERNATIVE_ROWS
    for other in finding.alternatives[:rows]:
        turn = "" if other.fault is finding.fault else f" ({TURN[other.fault]})"
        cause = pen.words(f"{other.cause}{turn}", "bold")
        yield bullet(cause.append(": ").append_text(pen.words(other.how_to_tell, "not bold")), pen)
    yield from more(len(finding.alternatives) - rows, "cause", pen)


def noticed(told: ReportView, pen: Pen, verbose: bool) -> Iterator[RenderableType]:
    """Other findings, a line each; everything they say with ``-v``."""
    rows = NOTICED_ROWS_VERBOSE if verbose else NOTICED_ROWS
    found_too = (*told.others, *told.of_capture)
    for found in found_too[:rows]:
        text = pen.words(found.code, SEVERITIES[found.severity]).append(" ").append_text(pen.words(found.summary))
        if not verbose:
            text.no_wrap, text.overflow = True, "crop" if pen.ascii_only else "ellipsis"
        yield bullet(text, pen)
        if verbose and found.remedy:
            yield Padding(pen.words(found.remedy, "dim"), (0, 0, 0, 2))
    yield from more(len(found_too) - rows, "finding", pen)


def crowd(told: ReportView, pen: Pen, verbose: bool) -> Iterator[RenderableType]:
    """Conversations as rows, identical ones folded into one."""
    rows = FOLD_ROWS_VERBOSE if verbose else FOLD_ROWS
    days = {date_and_time(c.connection.first.time_ns)[:10] for each in told.folds for c in (each.first, each.newest)}
    grid = columns("right", "left", "left", "left", "left", gap=2)
    for each in told.folds[:rows]:
        grid.add_row(*fold_row(each, pen, slice(11, 19) if len(days) == 1 else slice(5, 19)))
    yield grid
    yield from more(sum(each.count for each in told.folds[rows:]), "conversation", pen)
    if told.report.omitted:
        yield pen.words(
            f"… and {counted(told.report.omitted, 'conversation')} of which only the number was kept", "dim"
        )


def fold_row(each: ConversationGroup, pen: Pen, part_of_clock: slice) -> Iterator[RenderableType]:
    """One row of the crowd: how many, what, who, when, how often."""
    first, last = (date_and_time(c.connection.first.time_ns)[part_of_clock] for c in (each.first, each.newest))
    yield Text(f"{each.count}x", "bold")
    yield Text(each.first.outcome, COLOURS[each.first.fault])
    yield pen.sign(f"{each.first.connection.client.ip} → {each.first.connection.server}")
    yield Text(first if each.count == 1 else f"{first} to {last}")
    yield pen.sign(f"every {duration(each.interval)}" if each.interval else "", "dim")


# ---------------------------------------------------------------------------------------------------------------
# Small parts


def fault_of(told: ReportView) -> Fault:
    """Whose turn the screen's colour shows."""
    speaks = speaker(told)
    return speaks.fault if speaks else Fault.UNDETERMINED


def headed(title: str, body: Iterable[RenderableType]) -> RenderableType:
    """A heading and what stands below it, indented."""
    return Group(Text(title, "bold"), Padding(Group(*body), (0, 0, 0, 2)))


def bullet(text: Text, pen: Pen) -> RenderableType:
    """One item of a list, wrapped beside its bullet."""
    grid = columns("left", "left")
    grid.add_row(pen.sign("•", "dim"), text)
    return grid


def more(number: int, of_what: str, pen: Pen) -> list[RenderableType]:
    """The line that says how many are not shown."""
    return [pen.sign(f"… {counted(number, f'more {of_what}')} with -v", "dim")] if number > 0 else []
