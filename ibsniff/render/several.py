"""A few captures together: first a line for each, then the report on each in which something is wrong, under its name.

A capture in which nothing is wrong has only its line. Nothing is told twice: the lines say what is wrong in a few words, and
who must act; the reports tell it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from ibsniff.clock import LOCAL_CLOCK, UTC_CLOCK, Clock
from ibsniff.formatting import counted
from ibsniff.model import Report, UserError
from ibsniff.render.headline import actor
from ibsniff.render.markdown import escape, markdown
from ibsniff.render.overview import HOW_TO_OPEN_ONE, OverviewTable, Row, row, totals, unreadable_row
from ibsniff.render.report_view import servers_of, what_it_is
from ibsniff.render.screen import Lines, without_trailing_spaces
from ibsniff.render.terminal import ReportScreen
from ibsniff.render.text import Masker, plain_ascii, visible_line


class Told(NamedTuple):
    """One capture among several."""

    row: Row
    report: Report | None
    """None if it could not be read, or if its line says everything."""


def told(report: Report, show_accounts: bool, clock: Clock = LOCAL_CLOCK, *, verbose: bool = False) -> Told:
    """A capture as it is told among others: in full if something is wrong or cannot be judged, or if all is asked for."""
    line = row(report, show_accounts, clock)
    if report.problems:
        line = line._replace(summary=Masker.for_report(report, show_accounts).visible_line(_in_brief(report)))
    is_told = bool(report.problems) or (report.verdict is None and report.narrowed is None) or verbose
    return Told(line, report if is_told else None)


def not_read(path: str, error: UserError, show_accounts: bool) -> Told:
    """One that could not be read."""
    return Told(unreadable_row(path, error, show_accounts), None)


def _in_brief(report: Report) -> str:
    """What is wrong, where, and who must act, in a few words."""
    worst, number = report.problems[0], len(report.problems) + report.problems_omitted
    where = f"{counted(number, 'problem')}, the worst at {servers_of(worst)}" if number > 1 else servers_of(worst)
    what = what_it_is(worst) + (", which is over" if worst.is_over else "")
    return f"{where}: {what} ({actor(worst.finding)})"


class SeveralScreen(NamedTuple):
    """All of them as a rich renderable."""

    captures: Sequence[Told]
    verbose: bool
    show_accounts: bool
    clock: Clock = LOCAL_CLOCK
    note: str = ""
    """What is said before everything else."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        within = options.update(height=None)
        beginning = list(self._beginning(console, within))
        lines = [*beginning, *self._reports(console, within)]
        if console.is_terminal and len(lines) >= console.size.height:
            above = Text(f"  (the first report begins {len(lines) - len(beginning)} lines above)", "dim")
            lines += [[], *beginning, *_laid_out(above, console, options)]
        for line in lines:
            yield from line
            yield Segment.line()

    def _beginning(self, console: Console, options: ConsoleOptions) -> Iterator[list[Segment]]:
        if self.note:
            yield from _laid_out(Text(_shown(self.note, options), "bold yellow"), console, options)
            yield []
        rows = [each.row for each in self.captures]
        yield from _laid_out(OverviewTable(rows, is_cropped=True, is_wrapped=True), console, options)

    def _reports(self, console: Console, options: ConsoleOptions) -> Iterator[list[Segment]]:
        for each in self.captures:
            if each.report is None:
                continue
            screen = ReportScreen(each.report, self.verbose, self.show_accounts, None, self.clock, repeats=False)
            yield []
            yield from _laid_out(_heading(each.row, options), console, options)
            yield from _laid_out(screen, console, options)


RULE = "── "
"""How the heading of a report begins."""


def _heading(line: Row, options: ConsoleOptions) -> Text:
    """The name of a file, across the screen; of a long one the end. The report below has all of it."""
    path, room = visible_line(line.path), options.max_width - len(RULE) - 1
    name = path if len(path) <= room else f"…{path[len(path) - room + 1 :]}"
    return Text(_shown(f"{RULE}{name} ".ljust(options.max_width, "─"), options), "bold")


def _shown(text: str, options: ConsoleOptions) -> str:
    return plain_ascii(text) if options.ascii_only or options.legacy_windows else text


def _laid_out(part: RenderableType, console: Console, options: ConsoleOptions) -> Lines:
    return without_trailing_spaces(console.render_lines(part, options.update(height=None), pad=False))


# ---------------------------------------------------------------------------------------------------------------
# Markdown


def told_in_markdown(
    report: Report, tool_version: str, show_accounts: bool, *, verbose: bool = False
) -> tuple[Row, str]:
    """The line of a capture, and its report as Markdown; empty if its line says everything."""
    line, shown = told(report, show_accounts, UTC_CLOCK, verbose=verbose)
    text = "" if shown is None else markdown(shown, tool_version=tool_version, show_accounts=show_accounts)
    return line, text


def several_in_markdown(captures: Sequence[tuple[Row, str]], note: str = "") -> str:
    """A line for each capture, and below it the reports of those that have one, each under its name."""
    parts = [f"**{escape(note)}**\n"] if note else []
    parts.append("".join(f"* {_item(line)}\n" for line, _ in captures))
    parts += [f"## {escape(visible_line(line.path))}\n\n{text}" for line, text in captures if text]
    return "\n".join(parts)


def list_in_markdown(rows: Sequence[Row], note: str = "") -> str:
    """A line for each of many captures, and their totals."""
    return "\n".join(
        [several_in_markdown([(line, "") for line in rows], note), *map(escape, totals(rows)), HOW_TO_OPEN_ONE]
    )


def _item(line: Row) -> str:
    named = ", ".join(filter(None, [line.code, line.counts()]))
    return f"{escape(visible_line(line.path))}: " + (f"{named}: " if named else "") + escape(line.summary)
