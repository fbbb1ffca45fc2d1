"""Many captures on one screen: a line for each, and the number of conversations with each outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from ibsniff.formatting import counted
from ibsniff.model import Fault, Report, UserError, WireText
from ibsniff.render.report_view import NO_CONVERSATION, lead_of, view_of
from ibsniff.render.terminal import COLOURS
from ibsniff.render.text import Masker, plain_ascii, visible_line

UNREADABLE = "unreadable"

PATHS_SHARE = 0.35
"""Share of a cropped line that the path may take; of a longer path the end is shown."""

WIDTH_FOR_ALL = 120
"""From this width on a cropped line contains everything; a narrower one has no packets (the totals have them)."""

WIDTH_FOR_OUTCOMES = 60
"""Below this width a line is a code and a path: there is no room for more."""

MAX_OUTCOMES = 2
"""Outcomes of one file's conversations in its line."""


class Row(NamedTuple):
    """The line of one capture."""

    path: str
    """Masked."""
    packets: int | None
    """None if it could not be read."""
    outcomes: dict[str, int]
    code: str
    fault: Fault
    summary: str
    """Masked and made visible."""

    def counts(self, limit: int = MAX_OUTCOMES) -> str:
        """Its conversations, by outcome."""
        named = [f"{count} {outcome}" for outcome, count in self.outcomes.items()]
        return ", ".join(named[:limit]) + (" …" if len(named) > limit else "")


def row(report: Report, show_accounts: bool) -> Row:
    """The line of a report about one input."""
    (facts,), verdict, lead = report.inputs, report.verdict, lead_of(view_of(report))
    masker = Masker.for_report(report, show_accounts)
    return Row(
        masker.encodable(WireText(facts.path)),
        facts.packets,
        {outcome.value: count for outcome, count in verdict.counts.items()} if verdict else {},
        lead.code or "" if lead else "",
        lead.fault if lead else Fault.UNDETERMINED,
        masker.visible_line(lead.summary if lead else NO_CONVERSATION),
    )


def unreadable_row(path: str, error: UserError, show_accounts: bool = False) -> Row:
    """The line of an input that could not be read."""
    path = Masker(show_accounts=show_accounts).encodable(WireText(path))
    return Row(path, None, {UNREADABLE: 1}, "", Fault.UNDETERMINED, visible_line(error.what))


def totals(rows: Iterable[Row]) -> Iterator[str]:
    """The sums over all lines: files and packets, and conversations by outcome, the most frequent first."""
    files, packets = 0, 0
    outcomes: Counter[str] = Counter()
    for each in rows:
        files += 1
        packets += each.packets or 0
        outcomes.update(each.outcomes)
    unreadable = outcomes.pop(UNREADABLE, 0)
    read = f"{counted(files, 'file')}, {counted(packets, 'packet')}"
    yield f"{read}, {unreadable} unreadable" if unreadable else read
    named = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    yield counted(outcomes.total(), "conversation") + (f": {named}" if named else "")


class OverviewTable(NamedTuple):
    """The lines for a rich console: whole, or cropped to its width. The summary comes last."""

    rows: Sequence[Row]
    is_cropped: bool

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width if self.is_cropped else None
        cells = [_cells(row, width) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row, each in zip(self.rows, cells, strict=True):
            code, *others = map(str.ljust, each, widths)
            summary = "" if width is not None and width < WIDTH_FOR_OUTCOMES else row.summary
            styled = zip((*others, summary), ("bold", "", "", "dim"), strict=True)
            line = Text("  ").join(
                (Text(code, COLOURS[row.fault]), *(Text(cell, style) for cell, style in styled if cell))
            )
            yield Text(plain_ascii(line.plain)) if options.ascii_only or options.legacy_windows else line


def _cells(row: Row, width: int | None) -> tuple[str, str, str, str]:
    """Code, outcomes, packets and path; empty for a column that has no room."""
    path = visible_line(row.path)
    packets = "" if row.packets is None else counted(row.packets, "packet")
    if width is None:
        return row.code, row.counts(), packets, path
    if width < WIDTH_FOR_OUTCOMES:
        return row.code, "", "", _end_of(path, width - len("IBS301  "))
    longest = int(width * PATHS_SHARE)
    if width < WIDTH_FOR_ALL:
        return row.code, row.counts(limit=1), "", _end_of(path, longest)
    return row.code, row.counts(), packets, _end_of(path, longest)


def _end_of(path: str, longest: int) -> str:
    return path if len(path) <= longest else f"…{path[1 - longest :]}"
