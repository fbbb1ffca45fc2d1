"""The sequence diagram as shapes for an SVG: where every line and text stands. The page's template draws them.

Time runs down. Silences, and times of many messages, are drawn to scale, so that their length is seen; single packets take
the space that their words need, because most of them come within milliseconds. A silence much longer than the others is
cut, with a break in both lifelines, and so one night leaves room for the handshake before it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len

from ibsniff.formatting import duration, seconds
from ibsniff.model import Side
from ibsniff.render.diagram_rows import MIN_SILENCE_NS, Diagram, Kind, Row
from ibsniff.render.svg_shapes import (
    ARROW,
    LINE,
    MAX_LABEL,
    MIN_BAR,
    ROUND_SECONDS,
    SPACE,
    TIP,
    BoxShape,
    Layout,
    LineShape,
    PathShape,
    Scale,
    Svg,
    TextShape,
)
from ibsniff.render.text import Masker


def sequence_svg(diagram: Diagram, masker: Masker, layout: Layout) -> Svg:
    """Lay out one diagram; all texts are masked and safe to show, and still have to be escaped."""
    return _Drawing(diagram, masker, layout).svg()


class _Drawing:
    def __init__(self, diagram: Diagram, masker: Masker, layout: Layout) -> None:
        self._diagram, self._masker, self._layout = diagram, masker, layout
        self._scale = Scale.of(diagram)
        self._boxes: list[BoxShape] = []
        self._lines: list[LineShape] = []
        self._paths: list[PathShape] = []
        self._texts: list[TextShape] = []
        self._y = 0.0

    def svg(self) -> Svg:
        self._head()
        for row in self._diagram.rows:
            self._row(row)
        self._foot()
        return Svg(
            self._layout.width,
            round(self._y),
            tuple(self._boxes),
            tuple(self._lines),
            tuple(self._paths),
            tuple(self._texts),
        )

    def _head(self) -> None:
        layout, diagram = self._layout, self._diagram
        for x, anchor, name, address in (
            (layout.left if layout.times_end else 0, "start", "client", diagram.client),
            (layout.width, "end", "server", diagram.server),
        ):
            self._text(x, 14, name, anchor, "who")
            self._text(x, 14 + LINE, str(address), anchor, "dim")
        self._y = 20.0 + LINE

    def _row(self, row: Row) -> None:
        top = self._y
        if row.kind is Kind.SILENCE:
            self._silence(row)
        elif row.kind is Kind.END:
            self._words(row, "dim")
        elif row.side is None or row.kind is Kind.LOSS:
            self._block(row)
        else:
            self._arrow(row)
        self._y += SPACE if row.kind is not Kind.SILENCE else 0
        self._lifelines(top, row)

    def _arrow(self, row: Row) -> None:
        style = _style_of(row)
        self._words(row, style)
        self._y += ARROW
        left, right, y = self._layout.left, self._layout.right, self._y
        start, end = (left, right) if row.side is Side.CLIENT else (right, left)
        way = 1 if end > start else -1
        if row.is_unacknowledged:
            end -= way * 24
        self._lines.append(LineShape(start, y, end, y, style))
        if row.is_unacknowledged:
            self._paths.append(PathShape(f"M{end - 6} {y - 6}l12 12m0 -12l-12 12", f"{style} cross"))
        else:
            self._paths.append(PathShape(f"M{end} {y}l{-way * TIP} -4.5v9z", f"{style} tip"))
        if row.kind is Kind.BULK:
            self._grow(row, self._y + 2)

    def _words(self, row: Row, style: str) -> None:
        """The label in lines, with the packet number and the time beside its last line, or above it."""
        x = self._layout.left + TIP + 4
        lines = list(self._label(row))
        if self._layout.times_end is None and row.packets:
            self._y += LINE
            mark = "● " if row.is_cited else ""
            self._text(
                x,
                self._y,
                f"{mark}#{row.packets[0]} · {self._since(row)}",
                "start",
                "packet cited" if row.is_cited else "dim",
            )
        for line in lines:
            self._y += LINE
            self._text(x, self._y, line, "start", f"label {style}")
        if self._layout.times_end is not None and row.packets:
            y = self._y + (ARROW + 4 if row.side is not None and row.kind is not Kind.LOSS else 0)
            mark = "● " if row.is_cited else ""
            self._text(
                self._layout.packets_end or 0,
                y,
                f"{mark}#{row.packets[0]}",
                "end",
                "packet cited" if row.is_cited else "packet",
            )
            self._text(self._layout.times_end, y, self._since(row), "end", "dim")

    def _block(self, row: Row) -> None:
        """What has no direction, or both: words on a band between the lifelines."""
        top = self._y
        self._y += 2
        self._words(row, _style_of(row))
        self._y += 6
        self._grow(row, top + 2)
        box = BoxShape(
            self._layout.left, top + 2, self._layout.right - self._layout.left, self._y - top - 2, _style_of(row)
        )
        self._boxes.append(box)

    def _grow(self, row: Row, top: float) -> None:
        """Make a row as high as the time is long that it stands for."""
        if row.length_ns >= MIN_SILENCE_NS:
            self._y = max(self._y, top + self._scale.height(row))
            if self._scale.cuts(row):
                self._break(self._y - 10)

    def _silence(self, row: Row) -> None:
        height = self._scale.height(row)
        middle = (self._layout.left + self._layout.right) / 2
        words = self._masker.visible_line(row.what) + (", drawn shorter" if self._scale.cuts(row) else "")
        self._text(middle, self._y + height / 2 + 5, words, "middle", "silence")
        if self._scale.cuts(row):
            self._break(self._y + height / 4)
        self._y += height

    def _break(self, y: float) -> None:
        for x in (self._layout.left, self._layout.right):
            self._paths.append(PathShape(f"M{x - 7} {y}l14 -6m-14 12l14 -6", "break"))

    def _lifelines(self, top: float, row: Row) -> None:
        quiet = row.kind in (Kind.SILENCE, Kind.END)
        for x in (self._layout.left, self._layout.right):
            self._lines.append(LineShape(x, top, x, self._y, "lifeline quiet" if quiet else "lifeline"))

    def _foot(self) -> None:
        """The ends of the lifelines, and the bar that shows the scale."""
        if any(row.is_the_end for row in self._diagram.rows):
            for x in (self._layout.left, self._layout.right):
                self._lines.append(LineShape(x - 8, self._y, x + 8, self._y, "foot"))
        self._y += 10
        if not any(row.length_ns >= MIN_SILENCE_NS for row in self._diagram.rows):
            return
        length = next((each for each in ROUND_SECONDS if each * self._scale.per_second >= MIN_BAR), ROUND_SECONDS[-1])
        height, x = length * self._scale.per_second, self._layout.left + 8
        self._lines.append(LineShape(x, self._y, x, self._y + height, "bar"))
        self._lines.extend(LineShape(x - 4, y, x + 4, y, "bar") for y in (self._y, self._y + height))
        self._text(x + 12, self._y + height / 2 + 5, f"silences: this high is {duration(length)}", "start", "dim")
        self._y += height + 6

    def _label(self, row: Row) -> Iterator[str]:
        """The words of a row in lines."""
        line = ""
        for word in self._masker.visible_line(row.what, MAX_LABEL).split():
            for part in _pieces(word, self._layout.characters):
                if line and cell_len(line) + 1 + cell_len(part) > self._layout.characters:
                    yield line
                    line = part
                else:
                    line = f"{line} {part}" if line else part
        yield line

    def _since(self, row: Row) -> str:
        return "" if row.time_ns is None else duration(seconds(row.time_ns - self._diagram.began_ns))

    def _text(self, x: float, y: float, text: str, anchor: str, style: str) -> None:
        self._texts.append(TextShape(x, round(y, 1), text, anchor, style))


def _pieces(word: str, characters: int) -> Iterator[str]:
    """A word that is too long for a line, in parts; letters may be two columns wide."""
    size = characters if cell_len(word) == len(word) else characters // 2
    yield from (word[start : start + size] for start in range(0, len(word), size))


def _style_of(row: Row) -> str:
    """The style sheet's classes for a row."""
    if row.is_the_end:
        return "end cited" if row.is_cited else "end"
    if row.is_resent or row.is_unacknowledged:
        return "resent" if row.is_resent else "missed"
    return {Kind.BULK: "bulk", Kind.MESSAGES: "messages", Kind.LOSS: "loss"}.get(row.kind, "plain")
