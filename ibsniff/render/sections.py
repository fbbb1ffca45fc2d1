"""What the report says of the whole capture, on a console: who is who, what TWS said, and what happened when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType

from ibsniff.formatting import counted
from ibsniff.model import Report
from ibsniff.render import participant_rows, server_messages, story
from ibsniff.render.participants import Participants
from ibsniff.render.screen import ConsoleWriter, columns


def who_is_who_rows(who: Participants, writer: ConsoleWriter) -> Iterator[RenderableType]:
    """For a screen: a line for each."""
    grid = columns("left", "left", gap=2)
    for row in participant_rows.rows(who, writer.clock):
        grid.add_row(writer.literal(row.label, "dim"), writer.text(row.text))
    if grid.row_count:
        yield grid


def server_message_rows(
    said: server_messages.ServerMessages,
    writer: ConsoleWriter,
    *,
    with_conversations: bool = False,
    rows: int = server_messages.MAX_ROWS,
) -> Iterator[RenderableType]:
    """For a screen: a block for each error, and a line with the notices."""
    grid = columns("left", "left", gap=2)
    for one in said.messages[:rows]:
        about = server_messages.headline(one, with_conversations=with_conversations)
        first = ": ".join(part for part in (about, server_messages.text_of(one)) if part)
        lines = [
            writer.text(line, style, limit=server_messages.MAX_TEXT)
            for line, style in ((first, ""), (one.meaning, "dim"))
            if line
        ]
        grid.add_row(writer.literal(server_messages.label(one), "bold" if one.is_serious else ""), Group(*lines))
    if more := max(0, len(said.messages) - rows) + said.omitted:
        grid.add_row("", writer.literal(f"… {counted(more, 'more error number')}", "dim"))
    if notices := server_messages.notices_line(said):
        grid.add_row(writer.literal("advisory", "dim"), writer.literal(notices, "dim"))
    if grid.row_count:
        yield grid


def story_rows(entries: Iterable[story.Entry], report: Report, writer: ConsoleWriter) -> Iterator[RenderableType]:
    """For a screen: a line for each entry, below its day."""
    listed = list(story.rows(entries, report, writer.clock))
    width = max((len(row.when) for row in listed), default=0)
    for row in listed:
        if row.heading:
            yield writer.text(row.heading, "dim")
        else:
            grid = columns("left", "left", gap=2)
            grid.add_row(writer.literal(row.when.ljust(width), "dim"), writer.text(row.text))
            yield grid
