"""Writing on a console: text that is safe to show, and the small parts that all screens are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.segment import Segment, Segments
from rich.style import Style
from rich.table import Table
from rich.text import Text

from ibsniff.clock import LOCAL_CLOCK, Clock
from ibsniff.formatting import counted
from ibsniff.masking.sentence import timed
from ibsniff.model import Fault, Severity, Side
from ibsniff.render.code_spans import prose, with_ticks
from ibsniff.render.text import MAX_LINE_CHARACTERS, Masker, plain_ascii

COLOURS: dict[Fault, str] = {
    Fault.NONE: "green",
    Fault.CLIENT: "yellow",
    Fault.TWS_CONFIG: "red",
    Fault.TWS_STATE: "red",
    Fault.NETWORK: "magenta",
    Fault.IB: "cyan",
    Fault.UNDETERMINED: "blue",
}
"""Colour only repeats what words say."""

SEVERITIES: dict[Severity, str] = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}

ARROWS: dict[Side | None, str] = {Side.CLIENT: "→", Side.SERVER: "←", None: ""}

COMMAND_STYLE = "bold cyan"
"""Of a command within a sentence."""

Lines = list[list[Segment]]


class ConsoleWriter(NamedTuple):
    """Makes text for one reader on one console: masked, escaped, in ASCII if necessary, never markup; times by their clock."""

    masker: Masker
    ascii_only: bool
    has_styles: bool = True
    """Where nothing can be bold or coloured, as in a pipe, commands keep their backticks."""
    clock: Clock = LOCAL_CLOCK

    def text(self, text: str, style: str = "", limit: int = MAX_LINE_CHARACTERS) -> Text:
        """A line that may quote the wire."""
        return self.literal(self.masker.visible_line(timed(text, self.clock), limit), style)

    def prose(self, text: str, style: str = "") -> Text:
        """A sentence of ours that may quote the wire, such as a remedy: its commands stand out and can be copied."""
        line = Text(style=style)
        for part in prose(timed(text, self.clock), self.masker):
            shown = part.text if self.has_styles else with_ticks(part)
            line.append_text(self.literal(shown, COMMAND_STYLE if part.is_code and self.has_styles else ""))
        return line

    def literal(self, text: str, style: str = "") -> Text:
        """Text of our own, used as it is."""
        return Text(plain_ascii(text) if self.ascii_only else text, style)


def columns(*justify: JustifyMethod, gap: int = 1) -> Table:
    """A table without borders. Its cells are wrapped, not cut: a cut ends in a sign that not every console has."""
    grid = Table.grid(padding=(0, gap, 0, 0))
    for side in justify:
        grid.add_column(justify=side, overflow="fold")
    return grid


def without_trailing_spaces(lines: Lines) -> Lines:
    """The lines without spaces at their ends, which would wrap on a narrow terminal and be copied with the text."""
    kept: Lines = []
    for line in lines:
        while line and not line[-1].text.strip():
            line.pop()
        kept.append([*line[:-1], Segment(line[-1].text.rstrip(), line[-1].style)] if line else line)
    return kept


def print_trimmed(console: Console, body: RenderableType, width: int) -> None:
    """Print something without spaces at the ends of its lines."""
    lines = console.render_lines(body, console.options.update(width=width, height=None), pad=False)
    for line in without_trailing_spaces(lines):
        console.print(Segments([*line, Segment.line()]), end="")


def with_bar(lines: Lines, writer: ConsoleWriter, colour: str) -> Iterator[list[Segment]]:
    """Lines with a coloured bar at their left."""
    bar = Segment("| " if writer.ascii_only else "▌ ", Style.parse(colour))
    for line in lines:
        yield [bar, *line]


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
