"""Many captures on one screen: a line for each, and how often each outcome was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from ibsniff.model import Fault, Report, UserError
from ibsniff.render.story import NOTHING_SEEN, counted, speaker, story
from ibsniff.render.terminal import COLOURS
from ibsniff.render.text import Veil, plain_ascii, prose

UNREADABLE = "unreadable"

PATHS_SHARE = 0.3
"""Of a line that is cut; of a longer path the end is shown, for the verdict matters more than the folders."""

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

    @property
    def counts(self) -> str:
        """Its conversations by outcome."""
        named = [f"{count} {outcome}" for outcome, count in self.outcomes.items()]
        return ", ".join(named[:MOST_NAMED]) + (" …" if len(named) > MOST_NAMED else "")


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


@dataclass(frozen=True, slots=True)
class Table:
    """The rows for a rich console: whole, or cut where its lines end. The verdict stands last."""

    rows: Sequence[Row]
    is_cut: bool

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        longest = int(options.max_width * PATHS_SHARE) if self.is_cut else None
        cells = [_cells(row, longest) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row, each in zip(self.rows, cells, strict=True):
            code, outcomes, packets, path = map(str.ljust, each, widths)
            first = Text(code, COLOURS[row.fault]), Text(outcomes, "bold"), Text(packets)
            line = Text("  ").join((*first, Text(path), Text(row.summary, "dim")))
            yield Text(plain_ascii(line.plain)) if options.ascii_only or options.legacy_windows else line


def _cells(row: Row, longest: int | None) -> tuple[str, str, str, str]:
    path = prose(row.path)
    if longest is not None and len(path) > longest:
        path = f"…{path[1 - longest :]}"
    return row.code, row.counts, "" if row.packets is None else counted(row.packets, "packet"), path
