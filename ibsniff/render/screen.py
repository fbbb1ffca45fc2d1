"""Getting a report onto a console: the pen that writes only what is safe, and the fitting into forty lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.console import JustifyMethod, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from ibsniff.render.text import SHOWN_PROSE, Veil, plain_ascii

MOST_LINES = 40
"""What fits on a laptop's screen without scrolling the verdict away."""

Lines = list[list[Segment]]


class Pen(NamedTuple):
    """Writes for one reader on one console: masked, visible, and in ASCII where it must be. Never markup."""

    veil: Veil
    ascii_only: bool

    def words(self, text: str, style: str = "", limit: int = SHOWN_PROSE) -> Text:
        """A sentence, which may quote the wire."""
        return self.sign(self.veil.shown(text, limit), style)

    def sign(self, text: str, style: str = "") -> Text:
        """Our own typography, taken as it is."""
        return Text(plain_ascii(text) if self.ascii_only else text, style)


class Section(NamedTuple):
    """One part of the screen."""

    body: RenderableType
    least: int
    """The fewest lines it may be shortened to."""
    gives_way: int = 0
    """Who is shortened first: the highest."""
    ends_with: int = 0
    """Lines at its end that stay when it is shortened."""


def columns(*justify: JustifyMethod, gap: int = 1) -> Table:
    """A table without lines, its cells folded and never cut: a cut would end in a sign not every console has."""
    grid = Table.grid(padding=(0, gap, 0, 0))
    for side in justify:
        grid.add_column(justify=side, overflow="fold")
    return grid


def trimmed(lines: Lines) -> Lines:
    """Without trailing spaces: they wrap on a narrow terminal and spoil a copied text."""
    kept: Lines = []
    for line in lines:
        while line and not line[-1].text.strip():
            line.pop()
        kept.append([*line[:-1], Segment(line[-1].text.rstrip(), line[-1].style)] if line else line)
    return kept


def shorten(laid_out: list[Lines], parts: list[Section], pen: Pen) -> None:
    """Cut the sections that give way first, in place, until all fit; each cut says how many lines it took."""
    excess = sum(map(len, laid_out)) + len(laid_out) - 1 - MOST_LINES
    for index in sorted(range(len(parts)), key=lambda index: -parts[index].gives_way):
        lines = laid_out[index]
        kept = max(parts[index].least, len(lines) - max(excess, 0))
        if kept < len(lines):
            excess -= len(lines) - kept
            hint = pen.sign(f"  … {len(lines) - kept + 1} more lines with -v").plain
            end = len(lines) - parts[index].ends_with
            laid_out[index] = [*lines[: end - len(lines) + kept - 1], [Segment(hint, Style(dim=True))], *lines[end:]]


def barred(lines: Lines, pen: Pen, colour: str) -> Iterator[list[Segment]]:
    """Lines with a coloured bar in front."""
    bar = Segment("| " if pen.ascii_only else "▌ ", Style.parse(colour))
    for line in lines:
        yield [bar, *line]
