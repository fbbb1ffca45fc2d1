"""Writing on a console: text that is safe to show, and sections shortened to the lines of a screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.console import JustifyMethod, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from ibsniff.clock import LOCAL_CLOCK, Clock
from ibsniff.masking.sentence import timed
from ibsniff.render.code_spans import prose, with_ticks
from ibsniff.render.text import MAX_LINE_CHARACTERS, Masker, plain_ascii

MAX_LINES = 40
"""As many as the screen of a laptop shows, so that the verdict is not scrolled away."""

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


class Section(NamedTuple):
    """One part of the screen."""

    body: RenderableType
    min_lines: int
    """It is never shortened to fewer lines."""
    shorten_rank: int = 0
    """Sections with the highest rank are shortened first."""
    last_lines: int = 0
    """Lines at its end that stay when it is shortened."""


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


def shorten_to_fit(laid_out: list[Lines], sections: list[Section], writer: ConsoleWriter) -> None:
    """Shorten sections in place until all fit on the screen; each cut says how many lines it removed."""
    excess = sum(map(len, laid_out)) + len(laid_out) - 1 - MAX_LINES
    for index in sorted(range(len(sections)), key=lambda index: -sections[index].shorten_rank):
        lines = laid_out[index]
        kept = max(sections[index].min_lines, len(lines) - max(excess, 0))
        if kept < len(lines):
            excess -= len(lines) - kept
            hint = writer.literal(f"  … {len(lines) - kept + 1} more lines with -v").plain
            end = len(lines) - sections[index].last_lines
            laid_out[index] = [*lines[: end - len(lines) + kept - 1], [Segment(hint, Style(dim=True))], *lines[end:]]


def with_bar(lines: Lines, writer: ConsoleWriter, colour: str) -> Iterator[list[Segment]]:
    """Lines with a coloured bar at their left."""
    bar = Segment("| " if writer.ascii_only else "▌ ", Style.parse(colour))
    for line in lines:
        yield [bar, *line]
