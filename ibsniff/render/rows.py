"""The table of a live capture: a row a conversation, in a written-down order, no more of them than fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.text import Text

from ibsniff.formatting import age, seconds
from ibsniff.model import Conversation, Fault, Outcome, Report, Rung, Severity
from ibsniff.render.screen import Pen
from ibsniff.render.terminal import COLOURS


class Cells(NamedTuple):
    """One row, in words."""

    id: str
    client: str
    server: str
    rung: str
    outcome: str
    quiet: str
    rate: str


TITLES = Cells("", "client", "server", "rung", "outcome", "quiet", "msg/s")

WIDTHS = Cells("", "", "", "connected", "✗ unreachable", "59 min", "99,999")
"""What stands in these columns at most: they shall not move while one looks at them."""

RIGHT = frozenset({"quiet", "rate"})


def in_order(conversations: Sequence[Conversation]) -> list[Conversation]:
    """Sort the rows.

    The newest stands first, for it is the user's last attempt. Then those in trouble, errors before warnings; those under
    way; those that work; and those that have ended well. Newer ones first among equals.
    """
    newest = max(conversations, key=began, default=None)
    return sorted(conversations, key=lambda one: (one is not newest, _rank(one), *(-number for number in began(one))))


def began(conversation: Conversation) -> tuple[int, int]:
    """Sort key: when its first packet came."""
    return conversation.connection.first.time_ns, conversation.connection.first.packet


def _rank(conversation: Conversation) -> int:
    cause, ended = conversation.cause, conversation.connection.ended is not None
    if cause is not None and conversation.outcome is not Outcome.UNPROVEN:
        return 0 if cause.severity is Severity.ERROR else 1
    if conversation.fault is Fault.NONE:
        return 4 if ended else 3
    return 2


def table_lines(
    seen: Report, rates: Mapping[str, float], chosen: Conversation | None, pen: Pen, width: int, rows: int
) -> Iterator[Text]:
    """The table in so many lines: titles, rows with the chosen one among them, and how many are not shown.

    ``rates`` are messages a second, by conversation.
    """
    if not seen.conversations:
        return
    ordered = in_order(seen.conversations)
    rows -= 1  # the titles
    if len(ordered) > rows or seen.omitted:
        rows -= 1  # how many are not shown
    at = next((number for number, one in enumerate(ordered) if one is chosen), 0)
    top = max(0, at - rows + 1)
    visible = ordered[top : top + rows]
    cells = [_cells(one, rates.get(one.id, 0.0)) for one in visible]
    widths = _widths(cells, width)
    yield Text(_joined(TITLES, widths), "dim", no_wrap=True)
    for one, words in zip(visible, cells, strict=True):
        yield _row(one, words, widths, one is chosen, pen)
    hidden = Counter(one.outcome for one in (*ordered[:top], *ordered[top + rows :]))
    if hidden or seen.omitted:
        folded = [f"{seen.omitted:,} of which only the number was kept"] if seen.omitted else []
        more = [f"{hidden.total():,} more ({counts_of(hidden)})"] if hidden else []
        yield one_line(pen.sign(f"  … and {'; '.join((*more, *folded))}", "dim"), pen, width)


def _cells(conversation: Conversation, rate: float) -> Cells:
    connection = conversation.connection
    quiet = age(seconds(conversation.watched_until_ns - connection.last.time_ns))
    return Cells(
        conversation.id,
        str(connection.client),
        str(connection.server),
        conversation.rung,
        f"{_sign(conversation)} {conversation.outcome}",
        "ended" if connection.ended is not None else quiet,
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
    """Of each column: what it needs, the two addresses no more than there is room for."""
    widths = [max(map(len, column)) for column in zip(TITLES, WIDTHS, *cells, strict=True)]
    gaps = 2 + len(widths) - 1
    spare = width - gaps - sum(widths)
    client, server = Cells._fields.index("client"), Cells._fields.index("server")
    while spare < 0 and max(widths[client], widths[server]) > 6:
        wider = server if widths[server] >= widths[client] else client
        widths[wider] -= 1
        spare += 1
    return widths


def _joined(cells: Cells, widths: Sequence[int]) -> str:
    fitted = (
        _fitted(text, width, name in RIGHT) for text, width, name in zip(cells, widths, Cells._fields, strict=True)
    )
    return "  " + " ".join(fitted)


def _fitted(text: str, width: int, right: bool) -> str:
    """As wide as the column; of an address too long its end is kept, where the port is."""
    if len(text) > width:
        text = f"…{text[1 - width :]}"
    return text.rjust(width) if right else text.ljust(width)


def _row(conversation: Conversation, cells: Cells, widths: Sequence[int], chosen: bool, pen: Pen) -> Text:
    ended = conversation.connection.ended is not None
    style = COLOURS[conversation.fault] if conversation.cause is not None or conversation.rung is Rung.READY else ""
    line = pen.sign(_joined(cells, widths), "dim" if ended and not chosen else "")
    start = 2 + sum(widths[:3]) + 3
    line.stylize(style, start, start + widths[3] + 1 + widths[4])
    if chosen:
        line = pen.sign("▸", "bold").append_text(line[1:])
        line.stylize("bold")
    line.no_wrap = True
    return line


def one_line(text: Text, pen: Pen, width: int) -> Text:
    """Cut to the width, in place."""
    text.truncate(width, overflow="crop" if pen.ascii_only else "ellipsis")
    text.no_wrap = True
    return text


def counts_of(counts: Counter[Outcome]) -> str:
    """``12 silent, 25 replied``."""
    return ", ".join(f"{number:,} {outcome}" for outcome, number in counts.most_common())
