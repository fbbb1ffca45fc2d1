"""The sequence diagram on a console: two columns as sngrep draws them, with arrows between, and time at the left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from ibsniff.formatting import counted, duration, seconds
from ibsniff.model import NANOSECONDS, Conversation, Outcome, Report, Side
from ibsniff.render.diagram import Diagram, Kind, Row
from ibsniff.render.screen import ConsoleWriter
from ibsniff.render.text import MAX_SHOWN_CHARACTERS

MIN_WIDTH, MAX_WIDTH = 40, 140
"""Narrower, no label fits between the columns; wider, the eye does not find from one column to the other."""

TIME_OF_DAY_FROM_WIDTH = 76
"""Narrower, the rows give the time since the first packet only."""

MIN_PICTURE = 20
"""Columns between the two lifelines at least."""

SILENCES = ((2, 1), (10, 2), (60, 3), (600, 4), (3600, 5), (86_400, 6))
"""A silence shorter than so many seconds takes so many lines: a picture to scale would be all silence."""
LONGEST_SILENCE_LINES = 7

MAX_LABEL = 140
"""Characters of a label: two or three lines; ``-v`` shows more."""

MAX_OTHERS = 8
"""Conversations of one outcome that are named besides the drawn one."""


class Signs(NamedTuple):
    """The characters of the drawing; they all take one column."""

    line: str = "─"
    resent: str = "╌"
    end: str = "━"
    right: str = "▶"
    left: str = "◀"
    missed: str = "✗"
    lifeline: str = "│"
    silence: str = "┊"
    last: str = "┴"
    bulk: str = "═"
    cited: str = "●"


ASCII_SIGNS = Signs("-", "~", "=", ">", "<", "x", "|", ":", "+", "=", "*")

STYLES: dict[Kind, str] = {Kind.BULK: "dim", Kind.MESSAGES: "dim", Kind.SILENCE: "yellow", Kind.LOSS: "magenta"}


class FlowScreen(NamedTuple):
    """One diagram as a rich renderable, laid out for the console's width."""

    diagram: Diagram
    writer: ConsoleWriter
    verbose: bool = False
    width: int | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(MIN_WIDTH, min(self.width or options.max_width, MAX_WIDTH))
        drawing = _Drawing(self.diagram, self.writer, console, width, self.verbose)
        for line in drawing.lines():
            line.no_wrap, line.overflow = True, "crop"
            line.rstrip()
            yield line


class _Drawing:
    """Where everything stands, and how each kind of row is drawn."""

    def __init__(self, diagram: Diagram, writer: ConsoleWriter, console: Console, width: int, verbose: bool) -> None:
        self._diagram, self._writer, self._console, self._verbose = diagram, writer, console, verbose
        self._signs = ASCII_SIGNS if writer.ascii_only else Signs()
        times = (row.time_ns for row in diagram.rows if row.time_ns is not None)
        self._column = writer.clock.column(times)
        self._with_clock = width >= TIME_OF_DAY_FROM_WIDTH and self._column.zone is not None
        self._packet_width = max((len(str(row.packets[0])) for row in diagram.rows if row.packets), default=1) + 1
        self._margin = len(self._times("", "")) + self._packet_width + 3
        self._inner = max(MIN_PICTURE, width - self._margin - 2)

    def lines(self) -> Iterator[Text]:
        """The whole drawing, line by line."""
        yield from self._head()
        before: Row | None = None
        for row in self._diagram.rows:
            yield from self._row(row, before)
            before = before if row.kind is Kind.SILENCE else row
        if any(row.is_the_end for row in self._diagram.rows):
            foot = self._signs.last + self._signs.line * self._inner + self._signs.last
            yield Text(" " * self._margin + foot, "dim")
        yield Text()
        yield from self._wrapped(" · ".join(self._legend()), "dim")

    def _head(self) -> Iterator[Text]:
        diagram = self._diagram
        client, server = str(diagram.client), str(diagram.server)
        yield from self._wrapped(
            f"{diagram.id}  {client} → {server}  {self._writer.clock.date_and_time(diagram.began_ns)}", "bold"
        )
        yield Text()
        yield self._names("client", "server", "bold")
        if len(client) + len(server) + 2 <= self._inner + 2:
            yield self._names(client, server, "dim")

    def _wrapped(self, text: str, style: str) -> Iterator[Text]:
        """A text of our own in the width of the drawing."""
        for line in self._lines_of(self._writer.literal(text), self._margin + self._inner + 2):
            yield Text(line, style)

    def _lines_of(self, text: Text, width: int) -> list[str]:
        """A text in lines; letters may take two columns, and longer words are broken."""
        return [line.plain.rstrip() for line in text.wrap(self._console, width)] or [""]

    def _names(self, left: str, right: str, style: str) -> Text:
        """Two names, each above its lifeline."""
        return Text(" " * self._margin + left + right.rjust(self._inner + 2 - len(left)), style)

    def _row(self, row: Row, before: Row | None) -> Iterator[Text]:
        if row.kind is Kind.SILENCE:
            yield from self._silence(row)
        elif row.kind is Kind.END:
            yield from self._end(row)
        else:
            first, *others = self._note(row) if row.side is None or row.kind is Kind.LOSS else self._arrow(row)
            style = self._style(row)
            yield self._left(row, before).append_text(self._between(first, style))
            for line in others:
                yield self._left_empty().append_text(self._between(line, style))
            if self._verbose and row.raw:
                yield from self._bytes(row)

    def _arrow(self, row: Row) -> list[str]:
        """The arrow with its label; a label that is too long goes on below it."""
        signs = self._signs
        line = signs.resent if row.is_resent else signs.end if row.is_the_end else signs.line
        line = signs.bulk if row.kind is Kind.BULK else line
        first, *others = self._lines_of(self._label(row), self._inner - 6)
        indent = "  " if row.side is Side.CLIENT else "   "
        return [self._shaft(row, f"{line} {first} " if first else "", line), *(indent + other for other in others)]

    def _label(self, row: Row) -> Text:
        return self._writer.text(row.what, limit=MAX_SHOWN_CHARACTERS if self._verbose else MAX_LABEL)

    def _shaft(self, row: Row, label: str, line: str) -> str:
        if row.side is Side.CLIENT:
            head = f"{self._signs.missed} " if row.is_unacknowledged else self._signs.right
            return label + line * (self._inner - cell_len(label) - len(head)) + head
        head = f" {self._signs.missed}" if row.is_unacknowledged else self._signs.left
        return head + label + line * (self._inner - cell_len(label) - len(head))

    def _note(self, row: Row) -> list[str]:
        """Something that has no direction, or both: words between the lifelines."""
        sign = {Kind.PACKET: " ", Kind.LOSS: self._signs.missed}.get(row.kind, self._signs.bulk)
        room = self._inner - 4
        first, *others = self._lines_of(self._label(row), room)
        return [f"{sign} {set_cell_size(first, room)} {sign}", *(f"  {other}" for other in others)]

    def _silence(self, row: Row) -> Iterator[Text]:
        """Dotted lifelines, the more lines the longer it lasts, and in words how long."""
        lines = next((lines for limit, lines in SILENCES if row.length_ns < limit * NANOSECONDS), LONGEST_SILENCE_LINES)
        for number in range(lines):
            words = self._label(row).plain if number == (lines - 1) // 2 else ""
            between = self._between(words.center(self._inner), STYLES[Kind.SILENCE], self._signs.silence)
            yield self._left_empty().append_text(between)

    def _end(self, row: Row) -> Iterator[Text]:
        for line in self._lines_of(self._label(row), self._inner - 2):
            yield self._left_empty().append_text(self._between(f" {line}", "dim", self._signs.silence))

    def _bytes(self, row: Row) -> Iterator[Text]:
        for line in self._lines_of(self._writer.literal(self._writer.masker.readable(row.raw)), self._inner - 4):
            yield self._left_empty().append_text(self._between(f"   {line}", "cyan"))

    def _between(self, content: str, style: str, lifeline: str = "") -> Text:
        """The two lifelines, and what stands between them."""
        lifeline = lifeline or self._signs.lifeline
        return Text(lifeline, "dim").append(set_cell_size(content, self._inner), style).append(lifeline, "dim")

    # -----------------------------------------------------------------------------------------------------------
    # Times and packet numbers

    def _left(self, row: Row, before: Row | None) -> Text:
        """The cells at the left of a row: time of day or since the beginning, time since the row before, packet."""
        clock = since = ""
        if row.time_ns is not None:
            elapsed = duration(seconds(row.time_ns - self._diagram.began_ns))
            clock = self._column.milliseconds(row.time_ns) if self._with_clock else elapsed
            since = _since(row.time_ns, before)
        mark = self._signs.cited if row.is_cited else " "
        packet = f"#{row.packets[0]}" if row.packets else ""
        times = self._writer.literal(self._times(clock, since), "dim")
        return times.append(f"{packet:>{self._packet_width}}", "bold").append(f" {mark} ", "bold red")

    def _times(self, clock: str, since: str) -> str:
        return f"{clock:>12} {since:>8} " if self._with_clock else f"{clock:>8} "

    def _left_empty(self) -> Text:
        return Text(" " * self._margin)

    def _style(self, row: Row) -> str:
        if row.is_the_end:
            return "bold red" if row.is_cited else "bold"
        if row.is_unacknowledged or row.is_resent:
            return "yellow"
        return STYLES.get(row.kind, "")

    def _legend(self) -> Iterator[str]:
        """What the times are, and what the signs mean that were drawn."""
        signs, rows = self._signs, self._diagram.rows
        yield f"times are {self._column.heading}" if self._with_clock else "times since the first packet"
        if any(row.is_cited for row in rows):
            yield f"{signs.cited} proves the finding"
        if any(row.is_resent for row in rows):
            yield f"{signs.resent * 3} sent again"
        if any(row.is_unacknowledged for row in rows):
            yield f"{signs.missed} never acknowledged"
        if self._diagram.retransmissions:
            yield counted(self._diagram.retransmissions, "retransmission") + " in all"


def _since(time_ns: int, before: Row | None) -> str:
    """The time since the row before; if that stands for several messages, since the last of them."""
    if before is None or before.time_ns is None:
        return ""
    is_over = before.until_ns is not None and before.kind is not Kind.BULK
    earlier_ns = before.until_ns if is_over and before.until_ns is not None else before.time_ns
    return f"{'+' * (time_ns >= earlier_ns)}{duration(seconds(time_ns - earlier_ns))}"


def others_line(report: Report, drawn: Sequence[Conversation]) -> str:
    """Which conversations were not drawn, by outcome, and how to draw one; empty if all were."""
    ids = {one.id for one in drawn}
    by_outcome: dict[Outcome, list[str]] = {}
    for one in report.conversations:
        if one.id not in ids:
            by_outcome.setdefault(one.outcome, []).append(one.id)
    if not by_outcome:
        return ""
    told = "; ".join(f"{outcome.replace('_', ' ')}: {_some(others)}" for outcome, others in by_outcome.items())
    return f"Not drawn: {told}. To draw one: --conversation {next(iter(by_outcome.values()))[0]}"


def _some(ids: list[str]) -> str:
    """The first few of many."""
    omitted = len(ids) - MAX_OTHERS
    return ", ".join(ids[:MAX_OTHERS]) + (f" and {omitted:,} more" if omitted > 0 else "")
