"""The table of a live capture: a row for each conversation, in a defined order, and no more rows than fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.text import Text

from ibsniff.formatting import age, seconds
from ibsniff.model import Conversation, Fault, Outcome, Report, Rung, Severity
from ibsniff.render.screen import ConsoleWriter
from ibsniff.render.terminal import COLOURS


class Cells(NamedTuple):
    """The texts of one row."""

    id: str
    client: str
    server: str
    rung: str
    outcome: str
    idle: str
    rate: str


TITLES = Cells("", "client", "server", "rung", "outcome", "idle", "msg/s")

WIDEST = Cells("", "", "", "connected", "✗ unreachable", "59 min", "99,999")
"""The longest texts these columns can hold: their widths must not change while the user looks at them."""

RIGHT_ALIGNED = frozenset({"idle", "rate"})


def display_order(conversations: Sequence[Conversation]) -> list[Conversation]:
    """Sort the rows.

    The newest conversation comes first, because it is the user's last attempt. Then come those with a problem (errors
    before warnings), those in progress, those that work, and those that have ended well; among equals newer ones first.
    """
    newest = max(conversations, key=start_of, default=None)
    return sorted(
        conversations, key=lambda one: (one is not newest, _rank(one), *(-number for number in start_of(one)))
    )


def start_of(conversation: Conversation) -> tuple[int, int]:
    """Time and number of its first packet: a sort key."""
    return conversation.connection.first.time_ns, conversation.connection.first.packet


def _rank(conversation: Conversation) -> int:
    cause, ended = conversation.cause, conversation.connection.ended is not None
    if cause is not None and conversation.outcome is not Outcome.UNPROVEN:
        return 0 if cause.severity is Severity.ERROR else 1
    if conversation.fault is Fault.NONE:
        return 4 if ended else 3
    return 2


def table_lines(
    report: Report,
    rates: Mapping[str, float],
    selected: Conversation | None,
    writer: ConsoleWriter,
    width: int,
    max_lines: int,
) -> Iterator[Text]:
    """The table in at most so many lines: titles, rows with the selected one among them, and the number of hidden ones.

    ``rates`` are messages per second, by conversation.
    """
    if not report.conversations:
        return
    ordered = display_order(report.conversations)
    rows = max_lines - 1  # the titles
    if len(ordered) > rows or report.omitted:
        rows -= 1  # the line about hidden rows
    position = next((number for number, one in enumerate(ordered) if one is selected), 0)
    top = max(0, position - rows + 1)
    visible = ordered[top : top + rows]
    cells = [_cells(one, rates.get(one.id, 0.0)) for one in visible]
    widths = _widths(cells, width)
    yield Text(_line(TITLES, widths), "dim", no_wrap=True)
    for one, texts in zip(visible, cells, strict=True):
        yield _row(one, texts, widths, one is selected, writer)
    hidden = Counter(one.outcome for one in (*ordered[:top], *ordered[top + rows :]))
    if hidden or report.omitted:
        evicted = [f"{report.omitted:,} older ones were only counted"] if report.omitted else []
        more = [f"{hidden.total():,} more ({counts_of(hidden)})"] if hidden else []
        yield cropped(writer.literal(f"  … {'; '.join((*more, *evicted))}", "dim"), writer, width)


def _cells(conversation: Conversation, rate: float) -> Cells:
    connection = conversation.connection
    idle = age(seconds(conversation.watched_until_ns - connection.last.time_ns))
    return Cells(
        conversation.id,
        str(connection.client),
        str(connection.server),
        conversation.rung,
        f"{_sign(conversation)} {conversation.outcome}",
        "ended" if connection.ended is not None else idle,
        f"{rate:,.0f}" if rate >= 0.5 else "",
    )


def _sign(conversation: Conversation) -> str:
    if conversation.rung is Rung.READY:
        cause = conversation.cause
        return "✗" if cause is not None and cause.severity is Severity.ERROR else "✓"
    if conversation.outcome in (Outcome.UNPROVEN, Outcome.JOINED) or conversation.fault is Fault.NONE:
        return "·"
    return "✗" if conversation.cause is not None else "·"


def _widths(cells: Sequence[Cells], width: int) -> list[int]:
    """The widths of the columns: as wide as needed, but the two addresses no wider than there is room for."""
    widths = [max(map(len, column)) for column in zip(TITLES, WIDEST, *cells, strict=True)]
    gaps = 2 + len(widths) - 1
    spare = width - gaps - sum(widths)
    client, server = Cells._fields.index("client"), Cells._fields.index("server")
    while spare < 0 and max(widths[client], widths[server]) > 6:
        wider = server if widths[server] >= widths[client] else client
        widths[wider] -= 1
        spare += 1
    return widths


def _line(cells: Cells, widths: Sequence[int]) -> str:
    padded = (
        _padded(text, width, name in RIGHT_ALIGNED)
        for text, width, name in zip(cells, widths, Cells._fields, strict=True)
    )
    return "  " + " ".join(padded)


def _padded(text: str, width: int, right: bool) -> str:
    """A text of exactly this width; an address that is too long keeps its end, where the port is."""
    if len(text) > width:
        text = f"…{text[1 - width :]}"
    return text.rjust(width) if right else text.ljust(width)


def _row(
    conversation: Conversation, cells: Cells, widths: Sequence[int], selected: bool, writer: ConsoleWriter
) -> Text:
    ended = conversation.connection.ended is not None
    style = COLOURS[conversation.fault] if conversation.cause is not None or conversation.rung is Rung.READY else ""
    line = writer.literal(_line(cells, widths), "dim" if ended and not selected else "")
    start = 2 + sum(widths[:3]) + 3
    line.stylize(style, start, start + widths[3] + 1 + widths[4])
    if selected:
        line = writer.literal("▸", "bold").append_text(line[1:])
        line.stylize("bold")
    line.no_wrap = True
    return line


def cropped(text: Text, writer: ConsoleWriter, width: int) -> Text:
    """Cut a line to the width, in place."""
    text.truncate(width, overflow="crop" if writer.ascii_only else "ellipsis")
    text.no_wrap = True
    return text


def counts_of(counts: Counter[Outcome]) -> str:
    """``12 silent, 25 replied``."""
    return ", ".join(f"{number:,} {outcome}" for outcome, number in counts.most_common())
