"""The rows of a live capture as values: attempts that went the same way share one; each knows how well it goes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from ibsniff.ib.errors import NOTICES, ORDER_CANCELLED, PAPER_TRADING_DISCLAIMER, is_no_data
from ibsniff.model import (
    NANOSECONDS,
    Conversation,
    Endpoint,
    Outcome,
    Report,
    RequestState,
    Rung,
    Severity,
    WatchedBy,
)
from ibsniff.render.grouping import group_key, regular_interval, start_time_ns

LOOP = 4
"""Attempts that went the same way from which on another one is no news: nobody retries so often by hand."""
NEWS_NS = 30 * NANOSECONDS
"""For how long a new conversation is shown before the worst one is shown again."""
WATCHED_TOO_BRIEFLY = "IBS009"
"""Reported of a conversation that is still in progress: true, but useless to somebody who is watching it."""
HARMLESS_ERRORS = NOTICES | {ORDER_CANCELLED, *PAPER_TRADING_DISCLAIMER}
"""Messages of the server that do not show a problem: its notices, and that an order was cancelled as the client asked."""
WRONG = (Severity.ERROR, Severity.WARNING)


class Health(IntEnum):
    """How well a conversation goes, the worst first."""

    FAILED = 0
    TROUBLED = 1
    """It works, but something is wrong: a finding, an error of the server, or a rejected request."""
    UNDECIDED = 2
    """In progress, or not shown by the packets."""
    WELL = 3
    """It works, and nothing is wrong."""
    OVER = 4
    """It worked and has ended, or it failed without a reason to act."""


class Order(StrEnum):
    """How the rows are sorted."""

    WORST = "worst first"
    NEWEST = "newest first"
    SERVER = "by server"


class Shown(StrEnum):
    """Which rows are shown."""

    ALL = "all"
    PROBLEMS = "problems"
    HEALTHY = "healthy"
    SERVER = "one server"


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """Conversations that went the same way, in order of time."""

    conversations: tuple[Conversation, ...]
    health: Health
    interval: float | None
    """Seconds from one start to the next, if they are regular."""
    program: str = ""
    """The program of this machine at the client's end, if it is known."""
    waiting: Conversation | None = None
    """An attempt in progress that repeats these."""

    @property
    def newest(self) -> Conversation:
        """The conversation that stands for all of them."""
        return self.conversations[-1]

    @property
    def is_loop(self) -> bool:
        """A program tries again and again."""
        return len(self.conversations) >= LOOP

    @property
    def is_healthy(self) -> bool:
        """It works or worked, and nothing is wrong."""
        return self.health >= Health.WELL

    @property
    def began_ns(self) -> int:
        """When the latest attempt began."""
        return start_time_ns(self.waiting or self.newest)

    def includes(self, id: str | None) -> bool:
        """Whether this is the row of the conversation with this id."""
        return any(one.id == id for one in self.conversations) or (self.waiting is not None and self.waiting.id == id)


# ---------------------------------------------------------------------------------------------------------------
# Health


def health_of(one: Conversation, troubled: Collection[str] = ()) -> Health:
    """How well a conversation goes; ``troubled`` are the ids of those that share a problem with others."""
    works = one.rung is Rung.READY or one.outcome is Outcome.JOINED
    if one.cause is not None and one.cause.severity is Severity.ERROR and one.outcome is not Outcome.UNPROVEN:
        return Health.FAILED
    if works and (one.id in troubled or is_troubled(one)):
        return Health.TROUBLED
    if one.is_fine:
        return Health.WELL if works and one.connection.ended is None else Health.OVER
    if one.cause is not None and one.outcome is not Outcome.UNPROVEN and one.cause.severity is Severity.WARNING:
        return Health.TROUBLED
    return Health.UNDECIDED


def is_troubled(one: Conversation) -> bool:
    """Whether something is wrong with a session, though it may work."""
    if any(found.severity in WRONG for found in one.findings):
        return True
    return bool(one.dialogue.requests.count(RequestState.REJECTED)) or first_error(one) is not None


def first_error(one: Conversation) -> int | None:
    """The number of the first error that the server sent, other than its notices and that there is no data."""
    troubles = (
        code
        for code, tally in one.dialogue.errors.items()
        if code not in HARMLESS_ERRORS and not (tally.examples and all(map(is_no_data, tally.examples)))
    )
    return next(troubles, None)


def shared_troubles(report: Report) -> frozenset[str]:
    """The ids of the conversations that a warning or an error about several conversations names."""
    return frozenset(id for found in report.findings if found.severity in WRONG for id in found.conversations)


def is_in_progress(one: Conversation) -> bool:
    """Tell whether nothing is proved because the conversation is going on, and not because the capture shows too little."""
    if one.outcome is not Outcome.UNPROVEN or one.watched_by is not WatchedBy.LIVE:
        return False
    return one.cause is None or one.cause.code == WATCHED_TOO_BRIEFLY


# ---------------------------------------------------------------------------------------------------------------
# Rows


def rows_of(report: Report, programs: Mapping[str, str]) -> list[Row]:
    """One row for the conversations that went the same way, in the order of their first ones.

    ``programs`` names the programs of this machine at the clients' ends, by conversation. An attempt in progress is part of
    the row that it repeats; how it ends decides which row it joins.
    """
    troubled = shared_troubles(report)
    groups: dict[tuple[object, Health], dict[str, list[Conversation]]] = {}
    in_progress = []
    for one in sorted(report.conversations, key=start_of):
        if is_in_progress(one):
            in_progress.append(one)
            continue
        health = health_of(one, troubled)
        by_program = groups.setdefault((row_key(one), health), {})
        by_program.setdefault(programs.get(one.id, ""), []).append(one)
    rows = [row for (_, health), by_program in groups.items() for row in _rows(by_program, health)]
    for one in in_progress:
        _add_attempt(rows, one, programs.get(one.id, ""))
    return rows


def _rows(by_program: dict[str, list[Conversation]], health: Health) -> Iterable[Row]:
    """One row for each program; attempts too short for their program to be seen belong to the only one that was."""
    if "" in by_program and len(by_program) == 2:
        unseen = by_program.pop("")
        by_program = {name: sorted([*group, *unseen], key=start_of) for name, group in by_program.items()}
    for program, group in by_program.items():
        yield Row(tuple(group), health, regular_interval(map(start_time_ns, group)), program)


def row_key(one: Conversation) -> object:
    """Equal for conversations that share a row: identical ones with the same hello and client id.

    A session that works is alone on its row until it ends.
    """
    hello, start = one.dialogue.hello, one.dialogue.start
    is_open = one.connection.ended is None and (one.rung is Rung.READY or one.outcome is Outcome.JOINED)
    return (
        group_key(one),
        hello and (hello.min_version, hello.max_version),
        start and start.client_id,
        one.id if is_open else None,
    )


def start_of(conversation: Conversation) -> tuple[int, int]:
    """Time and number of its first packet: a sort key."""
    return conversation.connection.first.time_ns, conversation.connection.first.packet


def _add_attempt(rows: list[Row], one: Conversation, program: str) -> None:
    """Add an attempt in progress to the latest row that it repeats; without one it gets its own."""
    repeated = [number for number, row in enumerate(rows) if row.waiting is None and _repeats(one, row, program)]
    if repeated:
        number = max(repeated, key=lambda number: start_of(rows[number].newest))
        rows[number] = replace(rows[number], waiting=one)
    else:
        rows.append(Row((one,), Health.UNDECIDED, None, program))


def _repeats(one: Conversation, row: Row, program: str) -> bool:
    """Whether this attempt is the next of a loop, as far as it has come."""
    before, hello = row.newest, one.dialogue.hello
    if not row.is_loop or row.health > Health.TROUBLED or start_of(one) < start_of(before):
        return False
    if program and row.program and program != row.program:
        return False
    ends, ends_before = one.connection, before.connection
    if (ends.client.address, ends.server) != (ends_before.client.address, ends_before.server):
        return False
    told = before.dialogue.hello
    return (
        hello is None or told is None or (hello.min_version, hello.max_version) == (told.min_version, told.max_version)
    )


# ---------------------------------------------------------------------------------------------------------------
# Order, choice and selection


def in_order(rows: Iterable[Row], order: Order) -> list[Row]:
    """Sort the rows. Except for the newest first, they stay where they are while a loop goes on."""
    if order is Order.NEWEST:
        return sorted(rows, key=lambda row: -row.began_ns)
    if order is Order.SERVER:
        return sorted(rows, key=lambda row: (row.newest.connection.server, *_worst_first(row)))
    return sorted(rows, key=_worst_first)


def _worst_first(row: Row) -> tuple[int, int, int]:
    time_ns, packet = start_of(row.conversations[0])
    return row.health, -time_ns, -packet


def chosen(rows: Iterable[Row], shown: Shown, server: Endpoint | None = None) -> list[Row]:
    """The rows that are to be shown; ``server`` is the one whose rows ``Shown.SERVER`` means."""
    match shown:
        case Shown.PROBLEMS:
            return [row for row in rows if row.health <= Health.TROUBLED]
        case Shown.HEALTHY:
            return [row for row in rows if row.is_healthy]
        case Shown.SERVER:
            return [row for row in rows if row.newest.connection.server == server]
        case _:
            return list(rows)


def followed(rows: Sequence[Row], now_ns: int) -> Row | None:
    """The row shown in full unless the user selects one: what is new, otherwise the worst.

    The next attempt of a loop is not new, so that two programs that retry do not take the screen from each other.
    """
    new = [row for row in rows if not row.is_loop and now_ns - row.began_ns <= NEWS_NS]
    if new:
        return max(new, key=lambda row: start_of(row.newest))
    return min(rows, key=_worst_first, default=None)
