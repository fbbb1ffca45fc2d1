"""The table of a live capture: its columns, as many as fit, and no more rows than fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rich.text import Text

from ibsniff.formatting import age, duration, seconds
from ibsniff.model import Conversation, Outcome, RequestState, Rung
from ibsniff.render.live_rows import WATCHED_TOO_BRIEFLY, Health, Row, first_error, is_in_progress, start_of
from ibsniff.render.screen import ConsoleWriter
from ibsniff.timeline.dialogues import guessed_library

STYLES: dict[Health, tuple[str, str]] = {
    Health.FAILED: ("✗", "red"),
    Health.TROUBLED: ("!", "yellow"),
    Health.UNDECIDED: ("·", ""),
    Health.WELL: ("✓", "green"),
    Health.OVER: ("·", "dim"),
}
"""Sign and style of a row: green is only what works and has nothing wrong with it."""

MAX_PROGRAM, MIN_SHORTENED = 24, 6
"""The widest a program's name gets, and the narrowest an address or a name is shortened to."""

STOPPED_AFTER = 3
"""A loop that has missed so many of its intervals has stopped."""
STOPPED_AFTER_SECONDS = 60.0
"""The same for attempts that came irregularly."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, and the text of each row."""

    title: str
    cells: tuple[str, ...]
    min_width: int = 0
    """Room that is kept even if no cell needs it, so that the columns stay where they are."""

    @property
    def width(self) -> int:
        """As wide as the widest cell."""
        return max(self.min_width, len(self.title), *map(len, self.cells))


Columns = dict[str, Column]
"""By name, from left to right."""


def table_lines(
    rows: Sequence[Row],
    rates: Mapping[str, float],
    selected: Row | None,
    writer: ConsoleWriter,
    width: int,
    max_lines: int,
    about_hidden: str = "",
) -> Iterator[Text]:
    """The table in at most so many lines: titles, rows with the selected one among them, and the number of hidden ones.

    ``rates`` are messages per second, by conversation; ``about_hidden`` is added to the line about hidden rows.
    """
    room = max_lines - 1  # the titles
    if len(rows) > room or about_hidden:
        room -= 1  # the line about hidden rows
    room = max(room, 1)
    top = top_row(rows, selected, room)
    columns = fitted(columns_of(rows, rates, writer), rows, width - 2) if rows else {}
    if rows:
        yield Text("  " + _line([(each.title, each.width) for each in columns.values()]), "dim", no_wrap=True)
    for number, row in enumerate(rows[top : top + room], top):
        yield _drawn(row, number, columns, row is selected, writer)
    hidden = Counter(row.health for row in (*rows[:top], *rows[top + room :]))
    if hidden or about_hidden:
        more = [f"{hidden.total():,} more rows: {health_counts(hidden)}"] if hidden else []
        line = writer.literal(f"  … {' · '.join([*more, *filter(None, [about_hidden])])}", "dim")
        yield cropped(line, writer, width)


def top_row(rows: Sequence[Row], selected: Row | None, room: int) -> int:
    """The first row that is shown, so that the selected one is among them."""
    position = next((number for number, row in enumerate(rows) if row is selected), 0)
    return max(0, position - room + 1)


def health_counts(counts: Counter[Health]) -> str:
    """``2 failed, 3 healthy``."""
    names = {
        Health.FAILED: "failed",
        Health.TROUBLED: "in trouble",
        Health.WELL: "healthy",
        Health.UNDECIDED: "undecided",
        Health.OVER: "over",
    }
    return ", ".join(f"{counts[health]:,} {name}" for health, name in names.items() if counts[health])


# ---------------------------------------------------------------------------------------------------------------
# Columns


def columns_of(rows: Sequence[Row], rates: Mapping[str, float], writer: ConsoleWriter) -> Columns:
    """All columns that have something to say of these rows."""

    def column(title: str, text: Callable[[Row], str], min_width: int = 0) -> Column:
        return Column(title, tuple(writer.literal(text(row)).plain for row in rows), min_width)

    columns = {
        "id": column("", lambda row: row.newest.id),
        "program": column("program", lambda row: writer.masker.visible_line(row.program, MAX_PROGRAM)),
        "library": column("library", lambda row: library_of(row.newest)),
        "client id": column("id", lambda row: client_id_of(row.newest)),
        "client": column("client", client_of),
        "server": column("server", lambda row: str(row.newest.connection.server)),
        "state": column("state", state_of),
        "activity": column("activity", lambda row: activity_of(row, rates), len("x 312, every 5.1 s")),
    }
    return {name: each for name, each in columns.items() if name in ("id", "activity") or any(each.cells)}


def fitted(columns: Columns, rows: Sequence[Row], width: int) -> Columns:
    """The columns changed step by step until they fit: what says least is dropped or shortened first."""
    for step in (
        _without_common_client,
        _with_short_servers,
        _with_short_states,
        _without_library_of_programs,
        _without_spare_room,
    ):
        if _total(columns) <= width:
            return columns
        columns = step(columns, rows)
    for name in ("client", "client id", "library"):
        if _total(columns) > width:
            columns.pop(name, None)
    for name in ("program", "server", "state", "activity"):
        if name in columns and (excess := _total(columns) - width) > 0:
            least = min(MIN_SHORTENED, columns[name].width)
            columns[name] = _shortened(columns[name], max(least, columns[name].width - excess))
    return columns


def _total(columns: Columns) -> int:
    return sum(each.width for each in columns.values()) + len(columns) - 1


def _without_common_client(columns: Columns, rows: Sequence[Row]) -> Columns:
    """Drop the clients' addresses if all have the same one, as on loopback: the selected one's is below the table."""
    is_common = len({row.newest.connection.client.address for row in rows}) <= 1
    return {name: each for name, each in columns.items() if name != "client" or not is_common}


def _with_short_servers(columns: Columns, rows: Sequence[Row]) -> Columns:
    """Keep only the servers' ports if all have the same address."""
    servers = [row.newest.connection.server for row in rows]
    if len({server.address for server in servers}) > 1:
        return columns
    return columns | {"server": Column("server", tuple(f":{server.port}" for server in servers))}


def _with_short_states(columns: Columns, _rows: Sequence[Row]) -> Columns:
    """Leave out the codes: they are below the table."""
    return columns | {"state": Column("state", tuple(cell.partition(",")[0] for cell in columns["state"].cells))}


def _without_library_of_programs(columns: Columns, _rows: Sequence[Row]) -> Columns:
    """A program's name says more than its library."""
    return {name: each for name, each in columns.items() if name != "library" or "program" not in columns}


def _without_spare_room(columns: Columns, _rows: Sequence[Row]) -> Columns:
    return {name: replace(each, min_width=0) for name, each in columns.items()}


def _shortened(column: Column, width: int) -> Column:
    """An address that is too long keeps its end, where the port is; anything else its beginning."""
    keeps_end = column.title == "server"

    def short(text: str) -> str:
        if len(text) <= width:
            return text
        return f"…{text[1 - width :]}" if keeps_end else f"{text[: width - 1]}…"

    return Column(short(column.title), tuple(map(short, column.cells)))


# ---------------------------------------------------------------------------------------------------------------
# Cells


def library_of(one: Conversation) -> str:
    """The client library that sends this hello, as far as its versions tell."""
    hello = one.dialogue.hello
    library = guessed_library(hello) if hello is not None else None
    return (library or "").partition(" (")[0].partition(",")[0].replace("official client", "official")


def client_id_of(one: Conversation) -> str:
    """The client id of START_API."""
    start = one.dialogue.start
    return "" if start is None or start.client_id is None else str(start.client_id)


def client_of(row: Row) -> str:
    """The client's address; its port only if it is a single conversation's, because each attempt has another one."""
    client = row.newest.connection.client
    return str(client) if len(row.conversations) == 1 else client.ip


def state_of(row: Row) -> str:
    """What became of it, and the code of what is wrong: ``✗ silent, IBS301``."""
    one, (sign, _) = row.newest, STYLES[row.health]
    if row.health is Health.UNDECIDED:
        return f"{sign} {one.rung if is_in_progress(one) else one.outcome}"
    name = one.rung.value if one.rung is Rung.READY else one.outcome.value
    if row.health is Health.OVER and one.rung is Rung.READY:
        return f"{sign} ended"
    return f"{sign} {name}" + (f", {reason}" if (reason := _reason(one, row.health)) else "")


def _reason(one: Conversation, health: Health) -> str:
    if health > Health.TROUBLED:
        return ""
    wrong = next((found for found in one.findings if found.severity.value != "note"), None)
    found = one.cause or wrong
    if found is not None and found.code != WATCHED_TOO_BRIEFLY:
        return found.code
    if rejected := one.dialogue.requests.count(RequestState.REJECTED):
        return f"{rejected:,} rejected"
    code = first_error(one)
    return "" if code is None else f"error {code}"


def activity_of(row: Row, rates: Mapping[str, float]) -> str:
    """How often it was tried and at what pace, or what a single conversation does now."""
    one = row.newest
    if len(row.conversations) > 1:
        return _pace(row)
    idle = age(seconds(one.watched_until_ns - one.connection.last.time_ns))
    if one.connection.ended is not None or one.outcome is Outcome.REFUSED:
        return f"ended {idle} ago"
    rate = rates.get(one.id, 0.0)
    return f"{rate:,.0f} msg/s" if rate >= 0.5 else f"idle {idle}"


def _pace(row: Row) -> str:
    count, times = len(row.conversations), [start_of(one)[0] for one in row.conversations]
    since = seconds(row.newest.watched_until_ns - row.began_ns)
    limit = STOPPED_AFTER * row.interval if row.interval is not None else STOPPED_AFTER_SECONDS
    if since > limit:
        return f"x {count:,}, last {age(since)} ago"
    if row.interval is not None:
        return f"x {count:,}, every {duration(row.interval)}"
    return f"x {count:,} in {age(seconds(row.newest.watched_until_ns - times[0]))}"


# ---------------------------------------------------------------------------------------------------------------
# Lines


def _drawn(row: Row, number: int, columns: Columns, selected: bool, writer: ConsoleWriter) -> Text:
    style = STYLES[row.health][1]
    line = writer.literal("▸ " if selected else "  ", "bold" if selected else "")
    for name, each in columns.items():
        cell_style = style if name == "state" or row.health is Health.OVER else ""
        line.append_text(writer.literal(each.cells[number].ljust(each.width), cell_style)).append(" ")
    line.rstrip()
    if selected:
        line.stylize("bold")
    line.no_wrap = True
    return line


def _line(texts: Sequence[tuple[str, int]]) -> str:
    return " ".join(text.ljust(width) for text, width in texts).rstrip()


def cropped(text: Text, writer: ConsoleWriter, width: int) -> Text:
    """Cut a line to the width, in place."""
    text.truncate(width, overflow="crop" if writer.ascii_only else "ellipsis")
    text.no_wrap = True
    return text
