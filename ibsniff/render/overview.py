"""Many captures on one screen: a line for each, and how often each outcome was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from ibsniff.formatting import counted
from ibsniff.model import Fault, Report, UserError
from ibsniff.render.report_view import NOTHING_SEEN, speaker, story
from ibsniff.render.terminal import COLOURS
from ibsniff.render.text import Veil, plain_ascii, prose

UNREADABLE = "unreadable"

PATHS_SHARE = 0.35
"""Of a line that is cut; of a longer path the end is shown, for the verdict matters more than the folders."""

ROOM_FOR_ALL = 120
"""Columns from which a line that is cut has all; in a narrower one packets are left out (the totals have them)."""

ROOM_FOR_OUTCOMES = 60
"""Columns below which a line is a code and a name: what else would stand there is cut to nothing."""

MOST_NAMED = 2
"""Outcomes of one file's conversations in its line; the worst speaks anyway."""


class Row(NamedTuple):
    """What one capture comes to."""

    path: str
    packets: int | None
    """None when it could not be read."""
    outcomes: dict[str, int]
    code: str
    fault: Fault
    summary: str
    """Masked and visible."""

    def counts(self, most: int = MOST_NAMED) -> str:
        """Its conversations by outcome."""
        named = [f"{count} {outcome}" for outcome, count in self.outcomes.items()]
        return ", ".join(named[:most]) + (" …" if len(named) > most else "")


def row(report: Report, show_accounts: bool) -> Row:
    """The line of a report on one input."""
    (facts,), verdict, speaks = report.inputs, report.verdict, speaker(story(report))
    return Row(
        facts.path,
        facts.packets,
        {outcome.value: count for outcome, count in verdict.counts.items()} if verdict else {},
        speaks.code or "" if speaks else "",
        speaks.fault if speaks else Fault.UNDETERMINED,
        Veil.over(report, show_accounts).shown(speaks.summary if speaks else NOTHING_SEEN),
    )


def unreadable_row(path: str, error: UserError) -> Row:
    """The line of what could not be read."""
    return Row(path, None, {UNREADABLE: 1}, "", Fault.UNDETERMINED, prose(error.what))


def totals(rows: Iterable[Row]) -> Iterator[str]:
    """What the lines come to, together: files, and conversations by outcome, most frequent first."""
    files, packets = 0, 0
    outcomes: Counter[str] = Counter()
    for each in rows:
        files += 1
        packets += each.packets or 0
        outcomes.update(each.outcomes)
    unread = outcomes.pop(UNREADABLE, 0)
    yield f"{counted(files, 'file')}, {counted(packets, 'packet')}" + (f", {unread} unreadable" if unread else "")
    named = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    yield f"{counted(outcomes.total(), 'conversation')}" + (f": {named}" if named else "")


class Table(NamedTuple):
    """The rows for a rich console: whole, or cut where its lines end. The verdict stands last."""

    rows: Sequence[Row]
    is_cut: bool

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width if self.is_cut else None
        cells = [_cells(row, room) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row, each in zip(self.rows, cells, strict=True):
            code, *others = map(str.ljust, each, widths)
            summary = "" if room is not None and room < ROOM_FOR_OUTCOMES else row.summary
            styled = zip((*others, summary), ("bold", "", "", "dim"), strict=True)
            line = Text("  ").join(
                (Text(code, COLOURS[row.fault]), *(Text(cell, style) for cell, style in styled if cell))
            )
            yield Text(plain_ascii(line.plain)) if options.ascii_only or options.legacy_windows else line


def _cells(row: Row, room: int | None) -> tuple[str, str, str, str]:
    """A column that is empty in every row is left out."""
    path = prose(row.path)
    packets = "" if row.packets is None else counted(row.packets, "packet")
    if room is None:
        return row.code, row.counts(), packets, path
    if room < ROOM_FOR_OUTCOMES:
        return row.code, "", "", _end_of(path, room - len("IBS301  "))
    longest = int(room * PATHS_SHARE)
    if room < ROOM_FOR_ALL:
        return row.code, row.counts(most=1), "", _end_of(path, longest)
    return row.code, row.counts(), packets, _end_of(path, longest)


def _end_of(path: str, longest: int) -> str:
    return path if len(path) <= longest else f"…{path[1 - longest :]}"
