"""The ladder drawn: side by side where it fits, upright where it does not."""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from ibsniff.formatting import date_and_time, elapsed
from ibsniff.model import Conversation
from ibsniff.render.ladder import RungView, Step, ladder
from ibsniff.render.screen import Pen, columns

NARROWEST_GAP, WIDEST_GAP = 2, 8
"""Columns between rungs: kept apart, and not so far apart that the ladder is no longer seen as one."""

STEPS: dict[Step, tuple[str, str]] = {
    Step.REACHED: ("✓", "green"),
    Step.MISSED: ("✗", "bold red"),
    Step.AWAITED: ("·", "bold"),
    Step.AHEAD: ("·", "dim"),
    Step.UNKNOWN: ("?", "dim"),
}
"""Sign and style of a rung."""


class Drawn(NamedTuple):
    """A rung and what is written below it."""

    view: RungView
    packet: str
    when: str


def climb(
    conversation: Conversation, pen: Pen, width: int, which: str = "", *, is_under_way: bool = False
) -> RenderableType:
    """Who spoke to whom and when, and how far it got."""
    connection = conversation.connection
    ends = f"{connection.client} → {connection.server}"
    title = Text(f"{which}{conversation.id}  ", "bold").append_text(pen.sign(ends, "bold"))
    title.append(f"  {date_and_time(connection.first.time_ns)}", "dim")
    rungs = [drawn(conversation, view) for view in ladder(conversation, is_under_way=is_under_way)]
    return Group(title, Padding(across(rungs, pen, width - 2) or upright(rungs, pen), (0, 0, 0, 2)))


def drawn(conversation: Conversation, view: RungView) -> Drawn:
    """A rung with its packet and the time since the conversation's first."""
    if view.moment is None:
        return Drawn(view, "", "")
    return Drawn(view, f"#{view.moment.packet}", elapsed(conversation.connection.first, view.moment))


def across(rungs: list[Drawn], pen: Pen, width: int) -> RenderableType | None:
    """Six rungs side by side, packet and time below each, on one line or on two; None where they find no room.

    What happened instead stretches below the rungs never reached, or else stands on a line of its own.
    """
    indent = max(pen.sign(f"{sign} ").cell_len for sign, _ in STEPS.values())
    together = [[f"{rung.packet} {rung.when}".strip() for rung in rungs]]
    apart = [[rung.packet for rung in rungs], [rung.when for rung in rungs]]
    for rows, reserved in ((together, len(rungs[-1].view.why)), (together, 0), (apart, 0)):
        needed = [indent + max(map(len, cells)) for cells in zip(names_of(rungs), *rows, strict=True)]
        needed[-1] = max(needed[-1], indent + reserved)
        gap = min((width - sum(needed)) // (len(rungs) - 1), WIDEST_GAP)
        if gap >= NARROWEST_GAP:
            starts = list(accumulate((each + gap for each in needed[:-1]), initial=0))
            return Group(
                headline(rungs, starts, pen), *details(rungs, rows, [at + indent for at in starts], pen, width)
            )
    return None


def names_of(rungs: list[Drawn]) -> list[str]:
    """The rungs' names."""
    return [rung.view.rung.value for rung in rungs]


def headline(rungs: list[Drawn], starts: list[int], pen: Pen) -> Text:
    """Signs and names, joined by dashes as far as the climb went."""
    line = Text(no_wrap=True)
    for start, (view, _, _) in zip(starts, rungs, strict=True):
        sign, style = STEPS[view.step]
        if start:
            dash = "─" if view.step in (Step.REACHED, Step.MISSED) else " "
            line.append_text(pen.sign(f" {dash * (start - line.cell_len - 2)} ", "dim"))
        line.append_text(pen.sign(f"{sign} ", style)).append(view.rung.value, style)
    return line


def details(rungs: list[Drawn], rows: list[list[str]], starts: list[int], pen: Pen, width: int) -> list[Text]:
    """What stands below the names: the rows, and why the climb ended."""
    lines = [Text(no_wrap=True) for _ in rows]
    for row, line in zip(rows, lines, strict=True):
        for start, cell in zip(starts, row, strict=True):
            place(line, start, pen.sign(cell, "dim"))
    for start, rung in zip(starts, rungs, strict=True):
        why = pen.words(rung.view.why, STEPS[rung.view.step][1])
        if start + why.cell_len <= width:
            place(lines[0], start, why)
        else:
            why.justify = "right"
            lines.append(why)
    return [line for line in lines if line]


def place(line: Text, start: int, cell: Text) -> None:
    """Write a cell at its column."""
    if cell:
        line.append(" " * (start - line.cell_len)).append_text(cell)


def upright(rungs: list[Drawn], pen: Pen) -> RenderableType:
    """Six rungs below each other, for narrow consoles."""
    grid = columns("left", "left", "left")
    for view, packet, when in rungs:
        sign, style = STEPS[view.step]
        grid.add_row(pen.sign(sign, style), Text(view.rung.value, style), pen.words(view.why or f"{packet} {when}"))
    return grid
