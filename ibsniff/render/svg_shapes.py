"""What a drawn diagram consists of: its columns, its scale, and the shapes that the page's template writes as SVG."""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.formatting import seconds
from ibsniff.render.diagram_rows import MIN_SILENCE_NS, Diagram, Row

LINE, ARROW, SPACE = 17, 9, 9
"""Heights: of a line of text, from the text to its arrow, from one row to the next."""
CHARACTER = 7.2
"""Width of a character at 13 px, generously: a label that is a little too short is better than one that is cut."""
MAX_LABEL = 160
"""Characters of a label: two lines, or four on a phone; the table below the diagram has more."""
TIP = 8
"""Length of an arrow's tip."""

LONGEST, SHORTEST = 240, 34
"""Heights of silences: more than half a screen says no more than half a screen; and its words need some space."""
MAX_RATIO = 20
"""A silence that is longer than the shortest one by this factor is cut."""

ROUND_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800)
"""What the bar that shows the scale may stand for."""
MIN_BAR = 30
"""Its height at least."""


class Layout(NamedTuple):
    """The columns of a drawing: one for wide pages and paper, and one for phones."""

    width: int
    left: int
    """The client's lifeline."""
    right: int
    """The server's lifeline."""
    packets_end: int | None
    times_end: int | None
    """Where packet numbers and times end; None if they stand above their labels."""

    @property
    def characters(self) -> int:
        """How many fit between the lifelines."""
        return int((self.right - self.left - 2 * TIP - 8) / CHARACTER)


WIDE = Layout(width=860, left=190, right=850, packets_end=84, times_end=176)
NARROW = Layout(width=360, left=8, right=352, packets_end=None, times_end=None)


class TextShape(NamedTuple):
    """Words."""

    x: float
    y: float
    text: str
    anchor: str
    style: str


class LineShape(NamedTuple):
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    style: str


class PathShape(NamedTuple):
    """An arrow's tip, a cross, or a break."""

    d: str
    style: str


class BoxShape(NamedTuple):
    """A rectangle behind words."""

    x: float
    y: float
    width: float
    height: float
    style: str


class Svg(NamedTuple):
    """All shapes of one drawing, ready for the template."""

    width: int
    height: int
    boxes: tuple[BoxShape, ...]
    lines: tuple[LineShape, ...]
    paths: tuple[PathShape, ...]
    texts: tuple[TextShape, ...]


class Scale(NamedTuple):
    """How long a silence is drawn."""

    per_second: float
    longest: float
    """Seconds: what is longer is cut."""

    @classmethod
    def of(cls, diagram: Diagram) -> Scale:
        """The scale at which the longest silence that is not cut takes the height it may take."""
        lengths = sorted(seconds(row.length_ns) for row in diagram.rows if row.length_ns >= MIN_SILENCE_NS)
        if not lengths:
            return cls(LONGEST / 10, 10)
        longest = max(length for length in lengths if length <= MAX_RATIO * lengths[0])
        return cls(min(LONGEST / longest, LONGEST / 5), longest)

    def height(self, row: Row) -> float:
        """Pixels for this silence."""
        return max(SHORTEST, min(seconds(row.length_ns), self.longest) * self.per_second)

    def cuts(self, row: Row) -> bool:
        """Tell whether it is drawn shorter than it is."""
        return seconds(row.length_ns) > self.longest
