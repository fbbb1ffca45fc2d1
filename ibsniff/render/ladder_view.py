"""The ladder as drawn on a console: the rungs in one row if there is room, otherwise in one column."""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from ibsniff.formatting import elapsed
from ibsniff.model import Conversation, Rung
from ibsniff.render.ladder import RungView, Step, ladder
from ibsniff.render.screen import ConsoleWriter, columns

MIN_GAP, MAX_GAP = 2, 8
"""Columns between rungs: enough to separate them, and few enough that the ladder is still seen as one."""

NOT_CAPTURED = "The connection began before the capture: how it began is not known."

STEPS: dict[Step, tuple[str, str]] = {
    Step.REACHED: ("✓", "green"),
    Step.MISSED: ("✗", "bold red"),
    Step.AWAITED: ("·", "bold"),
    Step.AHEAD: ("·", "dim"),
    Step.UNKNOWN: ("?", "dim"),
}
"""Sign and style of a rung."""


class DrawnRung(NamedTuple):
    """A rung, and what is written below its name."""

    view: RungView
    packet: str
    time: str


def draw_ladder(
    conversation: Conversation, writer: ConsoleWriter, width: int, prefix: str = "", *, in_progress: bool = False
) -> RenderableType:
    """Both addresses and the start of a conversation, and below them the ladder."""
    connection = conversation.connection
    addresses = f"{connection.client} → {connection.server}"
    title = Text(f"{prefix}{conversation.id}  ", "bold").append_text(writer.literal(addresses, "bold"))
    title.append(f"  {writer.clock.date_and_time(connection.first.time_ns)}", "dim")
    if conversation.rung is Rung.UNKNOWN:
        return Group(title, Padding(Text(NOT_CAPTURED), (0, 0, 0, 2)))
    rungs = [drawn_rung(conversation, view) for view in ladder(conversation, in_progress=in_progress)]
    body = in_one_row(rungs, writer, width - 2) or in_one_column(rungs, writer)
    return Group(title, Padding(body, (0, 0, 0, 2)))


def drawn_rung(conversation: Conversation, view: RungView) -> DrawnRung:
    """A rung with its packet and the time since the first packet of the conversation."""
    if view.moment is None:
        return DrawnRung(view, "", "")
    return DrawnRung(view, f"#{view.moment.packet}", elapsed(conversation.connection.first, view.moment))


def in_one_row(rungs: list[DrawnRung], writer: ConsoleWriter, width: int) -> RenderableType | None:
    """Six rungs side by side with packet and time below each, on one line or on two; None if there is no room.

    The reason why a rung was missed extends below the rungs that were never reached, or is written on a line of its own.
    """
    indent = max(writer.literal(f"{sign} ").cell_len for sign, _ in STEPS.values())
    on_one_line = [[f"{rung.packet} {rung.time}".strip() for rung in rungs]]
    on_two_lines = [[rung.packet for rung in rungs], [rung.time for rung in rungs]]
    for rows, reserved in ((on_one_line, len(rungs[-1].view.reason)), (on_one_line, 0), (on_two_lines, 0)):
        needed = [indent + max(map(len, cells)) for cells in zip(names_of(rungs), *rows, strict=True)]
        needed[-1] = max(needed[-1], indent + reserved)
        gap = min((width - sum(needed)) // (len(rungs) - 1), MAX_GAP)
        if gap >= MIN_GAP:
            starts = list(accumulate((each + gap for each in needed[:-1]), initial=0))
            below = details(rungs, rows, [start + indent for start in starts], writer, width)
            return Group(name_line(rungs, starts, writer), *below)
    return None


def names_of(rungs: list[DrawnRung]) -> list[str]:
    """The names of the rungs."""
    return [rung.view.rung.value for rung in rungs]


def name_line(rungs: list[DrawnRung], starts: list[int], writer: ConsoleWriter) -> Text:
    """Signs and names, joined by dashes up to the first rung that was not reached."""
    line = Text(no_wrap=True)
    for start, (view, _, _) in zip(starts, rungs, strict=True):
        sign, style = STEPS[view.step]
        if start:
            dash = "─" if view.step in (Step.REACHED, Step.MISSED) else " "
            line.append_text(writer.literal(f" {dash * (start - line.cell_len - 2)} ", "dim"))
        line.append_text(writer.literal(f"{sign} ", style)).append(view.rung.value, style)
    return line


def details(
    rungs: list[DrawnRung], rows: list[list[str]], starts: list[int], writer: ConsoleWriter, width: int
) -> list[Text]:
    """The lines below the names: packets and times, and the reason why a rung was missed."""
    lines = [Text(no_wrap=True) for _ in rows]
    for row, line in zip(rows, lines, strict=True):
        for start, cell in zip(starts, row, strict=True):
            append_at(line, start, writer.literal(cell, "dim"))
    for start, rung in zip(starts, rungs, strict=True):
        reason = writer.text(rung.view.reason, STEPS[rung.view.step][1])
        if start + reason.cell_len <= width:
            append_at(lines[0], start, reason)
        else:
            reason.justify = "right"
            lines.append(reason)
    return [line for line in lines if line]


def append_at(line: Text, start: int, cell: Text) -> None:
    """Append a cell that begins at a column."""
    if cell:
        line.append(" " * (start - line.cell_len)).append_text(cell)


def in_one_column(rungs: list[DrawnRung], writer: ConsoleWriter) -> RenderableType:
    """Six rungs below each other, for narrow consoles."""
    grid = columns("left", "left", "left")
    for view, packet, time in rungs:
        sign, style = STEPS[view.step]
        grid.add_row(
            writer.literal(sign, style), Text(view.rung.value, style), writer.text(view.reason or f"{packet} {time}")
        )
    return grid
