"""The rows of a sequence diagram that stand for many messages: folded ones, and those that are only counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from ibsniff.formatting import counted, duration, seconds
from ibsniff.model import (
    Conversation,
    Moment,
    Side,
)
from ibsniff.render.diagram_rows import MIN_SILENCE_NS, Kind, Row, named
from ibsniff.render.grouping import regular_interval

MIN_REPETITIONS = 3
"""Fewer are told one by one."""


def folded(rows: list[Row]) -> Iterator[Row]:
    """Messages that follow each other without a silence, joined to one row."""
    waiting: list[Row] = []
    for row in rows:
        if waiting and (row.kind is not Kind.MESSAGES or _pause_ns(waiting[-1], row) >= MIN_SILENCE_NS):
            yield _joined(waiting)
            waiting = []
        if row.kind is Kind.MESSAGES:
            waiting.append(row)
        else:
            yield row
    if waiting:
        yield _joined(waiting)


def without_repetitions(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, with one for the same messages again and again: a client that asks for the time each second."""
    for key, group in groupby(rows, key=_what_is_repeated):
        alike = list(group)
        if key is None or len(alike) < MIN_REPETITIONS:
            yield from alike
        else:
            times_ns = [row.time_ns for row in alike if row.time_ns is not None]
            interval = regular_interval(times_ns) or 0
            pace = (
                f", every {duration(interval)}" if interval else f" in {duration(seconds(times_ns[-1] - times_ns[0]))}"
            )
            last = alike[-1]
            yield alike[0]._replace(
                what=f"{len(alike):,} times{pace}: {named(Counter(alike[0].messages))}",
                packets=(alike[0].packets[0], last.packets[-1]),
                until_ns=last.until_ns or last.time_ns,
            )


def _what_is_repeated(row: Row) -> object:
    """A value that rows with the same messages have in common; None for other rows."""
    if row.kind is not Kind.MESSAGES or not row.messages or row.time_ns is None:
        return None
    return row.side, tuple(sorted(row.messages))


def _pause_ns(earlier: Row, later: Row) -> int:
    ended = earlier.time_ns if earlier.until_ns is None else earlier.until_ns
    return 0 if ended is None or later.time_ns is None else later.time_ns - ended


def _joined(rows: list[Row]) -> Row:
    first, last = rows[0], rows[-1]
    if len(rows) == 1:
        return first
    names = tuple(name for row in rows for name in row.messages)
    sides = {row.side for row in rows}
    both = "" if len(sides) == 1 else " both ways"
    return first._replace(
        what=f"{counted(len(names), 'message')}{both}: {named(Counter(names))}",
        side=first.side if len(sides) == 1 else None,
        packets=(first.packets[0], last.packets[0]),
        until_ns=last.time_ns,
        messages=names,
    )


def rest_of(conversation: Conversation) -> Row | None:
    """What came after the messages that are kept one by one; None if nothing did."""
    dialogue, connection = conversation.dialogue, conversation.connection
    halves = {Side.CLIENT: connection.from_client, Side.SERVER: connection.from_server}
    kept = {side: Counter(one.name for one in dialogue.first_messages if one.side is side) for side in Side}
    later = {side: dialogue.messages[side] - kept[side] for side in Side}
    since = _begin_of_rest(conversation)
    until = max((half.last_data for half in halves.values() if half.last_data), default=None)
    if since is None or until is None or until.packet <= since.packet:
        return None
    if count := sum(counts.total() for counts in later.values()):
        sides = [side for side in Side if later[side]]
        names = named(later[Side.CLIENT] + later[Side.SERVER])
        both = "" if len(sides) == 1 else " both ways"
        what = f"{counted(count, 'message')}{both}{_in(since, until)}: {names}"
    else:
        sides = [side for side in Side if (last := halves[side].last_data) and last.packet > since.packet]
        what = f"more data{_in(since, until)}, not shown packet by packet"
    side, counted_names = sides[0] if len(sides) == 1 else None, tuple(later[Side.CLIENT] | later[Side.SERVER])
    packets = (since.packet, until.packet)
    return Row(Kind.BULK, since.time_ns, side, what, packets, until_ns=until.time_ns, messages=counted_names)


def with_rest(rows: list[Row], rest: Row | None) -> list[Row]:
    """The rows with that of the later messages, which goes on between packets that are known among them."""
    if rest is None or rest.until_ns is None:
        return rows
    since, until = rest.packets
    if not rest.messages and rest.length_ns < MIN_SILENCE_NS and any(row.packets[0] == until for row in rows):
        return rows  # nothing is known of it but its last packet, which has a row
    inside = [row for row in rows if since < row.packets[0] <= until]
    while inside and _pause_ns(rest._replace(until_ns=None), inside[0]) < MIN_SILENCE_NS:
        since = inside.pop(0).packets[0]
    before = [row for row in rows if row.packets[0] <= since]
    after = [row for row in rows if row.packets[0] > until]
    if not inside:
        return [*before, rest, *after]
    parts = [rest._replace(what=f"{rest.what} (up to #{until})", until_ns=_time_of(inside[0], rest.until_ns))]
    for row, following in zip(inside, [*inside[1:], None], strict=True):
        until_ns = rest.until_ns if following is None else _time_of(following, rest.until_ns)
        parts += [row, *_going_on(rest, row, until_ns, is_last=following is None)]
    return [*before, *parts, *after]


def _time_of(row: Row, otherwise_ns: int) -> int:
    return otherwise_ns if row.time_ns is None else row.time_ns


def _going_on(rest: Row, after: Row, until_ns: int, *, is_last: bool) -> Iterator[Row]:
    """The time between two packets that are known among many others: how many of these came then is not known."""
    length = until_ns - _time_of(after, until_ns)
    if is_last and after.packets[0] < rest.packets[1]:
        what = f"the last of the messages up to #{rest.packets[1]}, within {duration(seconds(length))}"
    elif length >= MIN_SILENCE_NS:
        what = f"{duration(seconds(length))}, perhaps with more of the messages up to #{rest.packets[1]}"
    else:
        return
    yield Row(Kind.BULK, after.time_ns, None, what, until_ns=until_ns)


def _in(since: Moment, until: Moment) -> str:
    length = until.time_ns - since.time_ns
    return f" in {duration(seconds(length))}" if length > 0 else ""


def _begin_of_rest(conversation: Conversation) -> Moment | None:
    """The last packet with data up to which every packet with data is known."""
    dialogue, connection = conversation.dialogue, conversation.connection
    known = [one.moment for one in dialogue.first_messages[-1:]]
    known += [message.complete for message in (dialogue.hello, dialogue.reply) if message is not None]
    known += [dialogue.start.moment] if dialogue.start else []
    known += [half.first_data for half in (connection.from_client, connection.from_server) if half.first_data]
    return max(known, default=None)
