"""Many captures on one screen: a line for each, and the number of conversations with each outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from ibsniff.clock import LOCAL_CLOCK, Clock
from ibsniff.formatting import counted
from ibsniff.masking.sentence import timed
from ibsniff.model import Fault, Report, UserError, WireText
from ibsniff.render.headline import no_conversation
from ibsniff.render.report_view import lead_of
from ibsniff.render.screen import COLOURS
from ibsniff.render.shortening import short_names, shortened
from ibsniff.render.text import Masker, plain_ascii, visible_line

UNREADABLE = "unreadable"

HOW_TO_OPEN_ONE = "ibsniff read FILE opens one of them; -v prints the reports on all"
"""Said below the lines of many captures."""

PATHS_SHARE = 0.35
"""Share of a line with everything that the path may take; a longer one is shortened."""

WIDTH_FOR_ALL = 120
"""From this width on one line contains everything. On a narrower terminal the sentence has a line of its own, and the
number of packets is left out (the totals have it)."""

INDENTATION = len("IBS301  ")
"""Of the sentence."""

WIDTH_FOR_OUTCOMES = 60
"""Below this width a line is a code and a path: there is no room for outcomes."""

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
    left_out: int = 0
    """Conversations that were not chosen."""

    def counts(self, limit: int = MAX_OUTCOMES) -> str:
        """Its conversations, by outcome."""
        named = [f"{count} {outcome}" for outcome, count in self.outcomes.items()]
        return ", ".join(named[:limit]) + (" …" if len(named) > limit else "")


def row(report: Report, show_accounts: bool, clock: Clock = LOCAL_CLOCK) -> Row:
    """The line of a report about one input."""
    (facts,), verdict, lead = report.inputs, report.verdict, lead_of(report)
    masker = Masker.for_report(report, show_accounts)
    return Row(
        masker.encodable(WireText(facts.path)),
        facts.packets,
        {outcome.value: count for outcome, count in verdict.counts.items()} if verdict else {},
        lead.code or "" if lead else "",
        lead.fault if lead else Fault.UNDETERMINED,
        masker.visible_line(timed(lead.summary if lead else no_conversation(report), clock)),
        report.narrowed.left_out if report.narrowed is not None else 0,
    )


def unreadable_row(path: str, error: UserError, show_accounts: bool = False) -> Row:
    """The line of an input that could not be read."""
    path = Masker(show_accounts=show_accounts).encodable(WireText(path))
    return Row(path, None, {UNREADABLE: 1}, "", Fault.UNDETERMINED, visible_line(error.what))


def totals(rows: Sequence[Row]) -> Iterator[str]:
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
    if left_out := sum(each.left_out for each in rows):
        yield f"{counted(left_out, 'conversation')} left out, which were not chosen"


class OverviewTable(NamedTuple):
    """The lines for a rich console: whole, or shortened to its width, below the folder that all paths share."""

    rows: Sequence[Row]
    is_cropped: bool
    is_wrapped: bool = False
    """Sentences stand below the names, whole."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        ascii_only = options.ascii_only or options.legacy_windows
        width = options.max_width if self.is_cropped else None
        for line in _lines(self.rows, width, self.is_wrapped):
            yield Text(plain_ascii(line.plain)) if ascii_only else line


def _lines(rows: Sequence[Row], width: int | None, is_wrapped: bool = False) -> Iterator[Text]:
    paths = [visible_line(each.path) for each in rows]
    is_tall = width is not None and (is_wrapped or width < WIDTH_FOR_ALL)
    if width is not None:
        folder, paths = short_names(paths, _longest_path(rows, width))
        if folder:
            yield Text(f"in {folder if len(folder) <= width - 3 else '…' + folder[4 - width :]}", "dim")
    cells = [_cells(each, path, width) for each, path in zip(rows, paths, strict=True)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for each, texts in zip(rows, cells, strict=True):
        code, *others = map(str.ljust, texts, widths)
        summary = each.summary
        if width is not None and not is_wrapped:
            summary = shortened(summary, width - (INDENTATION if is_tall else sum(one + 2 for one in widths if one)))
        styled = zip((*others, "" if is_tall else summary), ("bold", "", "", "dim"), strict=True)
        line = Text("  ").join(
            (Text(code, COLOURS[each.fault]), *(Text(cell, style) for cell, style in styled if cell))
        )
        line.rstrip()
        yield line
        if is_tall and width is not None:
            below = [summary] if not is_wrapped else wrap(summary, max(1, width - INDENTATION), break_on_hyphens=False)
            yield from (Text(f"{' ' * INDENTATION}{part}", "dim") for part in below)


def _longest_path(rows: Sequence[Row], width: int) -> int:
    if width >= WIDTH_FOR_ALL:
        return int(width * PATHS_SHARE)
    outcomes = max((len(each.counts(limit=1)) + 2 for each in rows), default=0) if width >= WIDTH_FOR_OUTCOMES else 0
    return width - INDENTATION - outcomes


def _cells(each: Row, path: str, width: int | None) -> tuple[str, str, str, str]:
    """Code, outcomes, packets and path; empty for a column that has no room."""
    packets = "" if each.packets is None else counted(each.packets, "packet")
    if width is None or width >= WIDTH_FOR_ALL:
        return each.code, each.counts(), packets, path
    return each.code, each.counts(limit=1) if width >= WIDTH_FOR_OUTCOMES else "", "", path
