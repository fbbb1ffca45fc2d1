"""A live capture on one screen: its conversations as a table, and below it what happened to the selected one.

The rows are values of `live_rows`, drawn by `table_columns`. On a low terminal the ladder goes first, then rows of the
table; the sentence about the selected conversation and what to do go last. Colour only repeats what signs and words say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from ibsniff.clock import LOCAL_CLOCK, Clock
from ibsniff.formatting import age, counted, duration, seconds
from ibsniff.masking.sentence import marked
from ibsniff.model import NANOSECONDS, Conversation, Endpoint, MachineReport, Report, Rung, WireText
from ibsniff.render import machine_reports
from ibsniff.render.headline import actor
from ibsniff.render.ladder_view import draw_ladder
from ibsniff.render.live_rows import (
    Health,
    Order,
    Row,
    Shown,
    chosen,
    followed,
    health_of,
    in_order,
    is_in_progress,
    rows_of,
    shared_troubles,
    start_of,
)
from ibsniff.render.report_view import FIX_LABELS
from ibsniff.render.screen import COLOURS, ConsoleWriter, Lines, bullet, with_heading, without_trailing_spaces
from ibsniff.render.table_columns import STYLES, cropped, health_counts, table_lines
from ibsniff.render.terminal import MAX_WIDTH, MIN_WIDTH
from ibsniff.render.text import Masker

MIN_TABLE_LINES = 3
"""Lines of the table at least: its titles, the selected row, and how many rows are hidden."""

TABLE_SHARE = 0.4
"""Share of the screen that the table may take: only here can be seen who else is connected; the report repeats the rest."""

MEANINGS: dict[Health, str] = {
    Health.FAILED: "failed",
    Health.TROUBLED: "in trouble: it works, but something is wrong with it",
    Health.UNDECIDED: "undecided: in progress, or not shown by the packets",
    Health.WELL: "healthy: it works, and nothing is wrong",
    Health.OVER: "over: it has ended, and there is nothing to do",
}
"""The signs of the rows, for the page of keys."""

NOTHING_YET = "No API conversation yet."


@dataclass(frozen=True, slots=True)
class TableView:
    """What the user has selected, and what is shown besides the report."""

    selected: str | None = None
    """Id of a conversation of the selected row; None follows what is new, otherwise the worst."""
    order: Order = Order.WORST
    shown: Shown = Shown.ALL
    server: Endpoint | None = None
    """The server whose rows are shown with ``Shown.SERVER``."""
    is_alone: bool = False
    """Show the selected conversation without the rows."""
    scrolled: int = 0
    """By how many lines it is scrolled then."""
    rates: Mapping[str, float] = field(default_factory=dict)
    """Messages per second, by conversation."""
    hint: str = ""
    """Shown until the first conversation comes."""
    keys: str = "Ctrl-C stops"
    """The last line: which keys do what."""
    help: Sequence[tuple[str, str]] = ()
    """All keys with what they do, shown in place of everything below the first line."""


class Table(NamedTuple):
    """The rows that are shown, in their order, and the selected one."""

    rows: list[Row]
    selected: Row | None
    hidden: int
    """Rows that are not to be shown."""
    said: Mapping[str, list[MachineReport]]
    """What this machine reports, by conversation."""


def table_of(report: Report, view: TableView) -> Table:
    """Fold, choose and sort the conversations, and find the selected row."""
    said = machine_reports.of_conversations(report)
    every = rows_of(report, {id: program for id, each in said.items() if (program := machine_reports.program_of(each))})
    rows = in_order(chosen(every, view.shown, view.server), view.order)
    selected = next((row for row in rows if row.includes(view.selected)), None) if view.selected else None
    now_ns = max((facts.watched_until_ns or 0 for facts in report.inputs), default=0)
    return Table(rows, selected or followed(rows, now_ns), len(every) - len(rows), said)


class ConnectionTable(NamedTuple):
    """The whole screen as a rich renderable, as wide and as high as the console's options say."""

    report: Report
    view: TableView
    show_accounts: bool = False
    clock: Clock = LOCAL_CLOCK

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = max(MIN_WIDTH, min(options.max_width, MAX_WIDTH)), options.height or options.size.height
        writer = ConsoleWriter(Masker.for_report(self.report, self.show_accounts), options.ascii_only, clock=self.clock)
        within = options.update(width=width, height=None)

        def lay_out(body: RenderableType) -> Lines:
            return without_trailing_spaces(console.render_lines(body, within, pad=False))

        lines = [lay_out(cropped(text, writer, width))[0] for text in _head(self.report, writer)]
        room = height - len(lines) - 1  # the keys
        if self.view.help:
            lines += [[], *(lay_out(cropped(text, writer, width))[0] for text in _help(self.view, writer))]
        else:
            table = table_of(self.report, self.view)
            parts = [
                Part(part.rank, lay_out(part.body)) for part in details(self.report, self.view, table, writer, width)
            ]
            if self.view.is_alone:
                lines += scrolled(parts, room, self.view.scrolled, writer)
            else:
                about_hidden = _about_hidden(self.report, self.view, table)
                max_lines = _lines_for_table(parts, room)
                rows = table_lines(table.rows, self.view.rates, table.selected, writer, width, max_lines, about_hidden)
                above = [lay_out(line)[0] for line in rows]
                lines += [*above, *fitted(parts, room - len(above), writer)]
        lines += [[] for _ in range(height - 1 - len(lines))]
        keys = cropped(writer.literal(self.view.keys, "dim"), writer, width)
        for number, line in enumerate([*lines[: height - 1], lay_out(keys)[0]]):
            if number:
                yield Segment.line()
            yield from line


def _head(report: Report, writer: ConsoleWriter) -> Iterator[Text]:
    """One line for each input: its name, packets, time and losses, and how well the conversations go."""
    troubled = shared_troubles(report)
    counts = Counter(health_of(one, troubled) for one in report.conversations)
    for facts in report.inputs:
        parts = [
            "standard input" if facts.path == "-" else f"{WireText(facts.path):quoted}",
            counted(facts.packets, "packet"),
        ]
        if facts.first_time_ns is not None and facts.watched_until_ns is not None:
            parts[-1] += f" in {age(seconds(facts.watched_until_ns - facts.first_time_ns))}"
        if facts.dropped:
            parts.append(f"{facts.dropped:,} lost: a missing answer may be among them")
        if facts.truncated:
            parts.append(marked(facts.truncated))
        if counts:
            parts.append(health_counts(counts))
        parts += map(marked, facts.notes[-1:])
        yield writer.text(" · ".join(parts), "bold red" if facts.dropped else "bold")


def _help(view: TableView, writer: ConsoleWriter) -> Iterator[Text]:
    """The keys, and what the signs mean."""
    wide = max(len(key) for key, _ in view.help)
    for key, meaning in view.help:
        yield writer.literal(f"  {key.ljust(wide)}  ", "bold").append_text(writer.literal(meaning))
    yield Text()
    for health, (sign, style) in STYLES.items():
        yield writer.literal(f"  {sign.ljust(wide)}  ", style).append_text(writer.literal(MEANINGS[health]))
    yield writer.literal(f"  {'id'.ljust(wide)}  ", "bold").append_text(
        writer.literal("the API client id of the program")
    )


def _about_hidden(report: Report, view: TableView, table: Table) -> str:
    """What the user has chosen to see, and what is not kept any more."""
    parts = []
    if view.shown is not Shown.ALL:
        what = f"only {view.server}" if view.shown is Shown.SERVER else f"only {view.shown}"
        parts.append(f"{what}, {counted(table.hidden, 'other row')} hidden")
    if view.order is not Order.WORST:
        parts.append(view.order.value)
    if report.omitted:
        parts.append(f"{report.omitted:,} older ones were only counted")
    return " · ".join(parts)


# ---------------------------------------------------------------------------------------------------------------
# What stands below the table


class Rank(IntEnum):
    """How long a part stays when there is less room: the highest are cut first."""

    SENTENCE = 0
    REMEDY = 1
    MACHINE = 2
    LADDER = 3
    """Shown whole, or only its first line, or not at all."""
    NOTICED = 4


class Part(NamedTuple):
    """One part of what stands below the table."""

    rank: Rank
    lines: Lines


class Detail(NamedTuple):
    """The same before it is laid out."""

    rank: Rank
    body: RenderableType


def details(report: Report, view: TableView, table: Table, writer: ConsoleWriter, width: int) -> Iterator[Detail]:
    """What happened to the selected conversation, what to do, and its ladder."""
    row = table.selected
    if row is None:
        text = "No row is left: v shows the others." if table.hidden else f"{NOTHING_YET} {view.hint}".rstrip()
        yield Detail(Rank.SENTENCE, writer.text(text))
        return
    one = row.newest
    until_ns = one.watched_until_ns // NANOSECONDS * NANOSECONDS  # its seconds change together with the table's
    in_progress = is_in_progress(one)
    as_of_now = one._replace(watched_until_ns=max(until_ns, one.connection.last.time_ns))
    yield Detail(Rank.LADDER, draw_ladder(as_of_now, writer, width, in_progress=in_progress))
    yield Detail(Rank.SENTENCE, _what_happened(row, writer))
    if said := next((table.said[each.id] for each in reversed(row.conversations) if each.id in table.said), None):
        signs_first = sorted(said, key=lambda each: not machine_reports.has_signs(each))
        words = ". ".join(map(machine_reports.in_words, signs_first))
        heading = writer.literal(f"{machine_reports.HEADING}: ", "bold")
        yield Detail(Rank.MACHINE, heading.append_text(writer.text(f"{words}.")))
    if one.cause is not None and one.cause.remedy and not in_progress:
        yield Detail(Rank.REMEDY, with_heading("What to do", [writer.prose(one.cause.remedy)]))
    others = [found for found in one.findings if found is not one.cause]
    others += [found for found in report.findings if any(row.includes(id) for id in found.conversations)]
    if others:
        rows = [bullet(writer.text(f"{found.code} {marked(found.summary)}"), writer) for found in others]
        yield Detail(Rank.NOTICED, with_heading("Also noticed", rows))


def _what_happened(row: Row, writer: ConsoleWriter) -> Text:
    """The sentence about a row: that of its newest conversation, and how often it was so."""
    one = row.newest
    if is_in_progress(one):
        return writer.text(_progress(one))
    must_act = FIX_LABELS[one.fault] if one.cause is None or one.is_fine else actor(one.cause)
    label = ", ".join([must_act, *([one.cause.code] if one.cause else [])])
    style = COLOURS[one.fault] if one.cause is not None or row.is_healthy else ""
    text = writer.text(f"{marked(one.summary)} [{label}]", style)
    if len(row.conversations) > 1:
        text.append(" ").append_text(writer.text(_how_often(row)))
    return text


def _how_often(row: Row) -> str:
    count, first_ns = len(row.conversations), start_of(row.conversations[0])[0]
    pace = f", every {duration(row.interval)}" if row.interval is not None else ""
    passed = age(seconds(row.newest.watched_until_ns - first_ns))
    now = " The next attempt is in progress." if row.waiting is not None else ""
    return f"{count:,} attempts went like this in {passed}{pace}.{now}"


def _progress(conversation: Conversation) -> str:
    if conversation.rung in (Rung.NOTHING, Rung.CALLED):
        return "In progress: the connection attempt has not been answered yet."
    return f"In progress: no answer within {conversation.patience:g} s will count as silence."


# ---------------------------------------------------------------------------------------------------------------
# What fits


def _lines_for_table(parts: Sequence[Part], room: int) -> int:
    """Lines that the table may take: a share of the screen and what the parts below leave, but not their most important."""
    vital = sum(len(part.lines) + 1 for part in parts if part.rank <= Rank.REMEDY)
    wanted = sum(len(part.lines) + 1 for part in parts)
    return max(MIN_TABLE_LINES, room - wanted, min(int(room * TABLE_SHARE), room - vital))


def fitted(parts: Sequence[Part], room: int, writer: ConsoleWriter) -> Lines:
    """The parts in at most so many lines, each after a blank line as long as there is room; the least important are cut."""
    kept = {part.rank: part.lines for part in parts}
    for rank in sorted(kept, reverse=True):
        gap = 1 if rank > Rank.MACHINE else 0
        excess = sum(len(lines) + gap for lines in kept.values() if lines) - room
        if excess > 0 and rank > Rank.REMEDY:
            kept[rank] = _less(rank, kept[rank], len(kept[rank]) - excess, writer)
    gaps = sum(len(lines) + 1 for lines in kept.values() if lines) <= room
    shown: Lines = []
    for lines in kept.values():
        shown += [[], *lines] if gaps and lines else lines
    return _cut(shown, room, writer)


def scrolled(parts: Sequence[Part], room: int, first: int, writer: ConsoleWriter) -> Lines:
    """All parts from this line on, or the last ones that fill the screen; the most important part comes first."""
    every: Lines = [line for part in sorted(parts, key=lambda part: part.rank) for line in ([], *part.lines)]
    return _cut(every[max(0, min(first, len(every) - room)) :], room, writer, "↓ or PgDn")


def _less(rank: Rank, lines: Lines, room: int, writer: ConsoleWriter) -> Lines:
    """A part in fewer lines than it has, or none of it: a ladder without some of its rungs would mislead."""
    if rank is Rank.LADDER:
        return lines[:1] if room >= 1 else []
    return _cut(lines, room, writer) if room > 1 else []


def _cut(lines: Lines, room: int, writer: ConsoleWriter, key: str = "Enter") -> Lines:
    """As many lines as there is room for; the last one says how many are missing, and which key shows them."""
    if len(lines) <= room:
        return lines
    more = Segment(writer.literal(f"  … {len(lines) - room + 1} more lines: {key}").plain, Style(dim=True))
    return [*lines[: room - 1], [more]] if room > 1 else []
