"""The sequence diagram of one conversation as a value: what stands in each row, before anybody draws it.

A conversation knows some of its packets one by one, and of the others how many messages they brought and until when. So a
row is a packet, many messages folded into one row, or a time in which nothing came. A silence is a row only where it is
certain: among packets that are not known one by one there may be any pause, and no pause is claimed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from enum import Enum
from itertools import groupby
from typing import NamedTuple

from ibsniff.formatting import counted, duration, seconds
from ibsniff.masking.sentence import marked
from ibsniff.model import (
    NANOSECONDS,
    Connection,
    Conversation,
    Endpoint,
    Evidence,
    Message,
    Moment,
    Outcome,
    Report,
    Request,
    RequestState,
    Side,
    WireBytes,
)
from ibsniff.render.report_view import state_at_end
from ibsniff.timeline.event import DETAIL, NOTHING
from ibsniff.timeline.events import events

MIN_SILENCE_NS = NANOSECONDS
"""Shorter pauses are not drawn: programs compute, and TWS asks IB's servers."""

MAX_NAMES = 3
"""Kinds of messages that a folded row names; the others are counted."""

MAX_REQUESTS, MAX_REQUESTS_VERBOSE = 5, 500
"""Requests with a row of their own, of those that were rejected or not answered; with ``verbose`` of all that are kept."""


class Kind(Enum):
    """What a row stands for."""

    PACKET = "packet"
    MESSAGES = "messages"
    """One packet, or several in a row, of which only the names of the messages are known."""
    BULK = "bulk"
    """All messages after the first ones: their number is known, and when the last one came."""
    SILENCE = "silence"
    LOSS = "loss"
    """Bytes that the capture does not have."""
    END = "end"
    """The capture ends before the conversation does."""


class Row(NamedTuple):
    """One row of the diagram."""

    kind: Kind
    time_ns: int | None
    """None if the time of a packet is not known."""
    side: Side | None
    """Who sent it; None if both did, or neither."""
    what: str
    """In words; what it quotes of the wire stands between marks."""
    packets: tuple[int, ...] = ()
    """Of a row that stands for many: the first and the last."""
    raw: WireBytes = NOTHING
    until_ns: int | None = None
    """When a silence, or the last of many messages, ended."""
    messages: tuple[str, ...] = ()
    """The names of the messages that it stands for, as far as they are kept one by one."""
    is_resent: bool = False
    is_unacknowledged: bool = False
    """The other side never acknowledged it."""
    is_the_end: bool = False
    """It ended the conversation."""
    is_cited: bool = False
    """A finding names it as its proof."""

    @property
    def length_ns(self) -> int:
        """How long a silence, or many messages, lasted."""
        return max(0, self.until_ns - self.time_ns) if self.time_ns is not None and self.until_ns is not None else 0


class Diagram(NamedTuple):
    """The rows of one conversation, in the order of its packets."""

    id: str
    client: Endpoint
    server: Endpoint
    began_ns: int
    rows: tuple[Row, ...]
    packets: int
    """How many packets the conversation has; many of them may be folded."""
    retransmissions: int

    def within(self, takes_time: Callable[[int], bool]) -> Diagram:
        """The same without rows that lie outside a chosen time; one that lasts belongs to it with its begin or its end."""
        times = ((row, (row.time_ns, row.until_ns)) for row in self.rows)
        kept = (row for row, both in times if any(takes_time(time_ns) for time_ns in both if time_ns is not None))
        return self._replace(rows=tuple(kept))

    def shortened(self, limit: int) -> Diagram:
        """The same with the first and the last rows only, if there are more; one row says how many are not drawn."""
        beyond = len(self.rows) - limit
        if beyond <= 0:
            return self
        head, tail = self.rows[: limit // 2], self.rows[len(self.rows) - limit // 2 :]
        folded = Row(Kind.MESSAGES, head[-1].time_ns, None, f"… {counted(beyond, 'more row')}, not drawn")
        return self._replace(rows=(*head, folded, *tail))


def diagram(conversation: Conversation, proof: Iterable[Evidence] = (), *, verbose: bool = False) -> Diagram:
    """What is known of single packets of a conversation, and the rest of them folded.

    ``proof`` are the packets that findings cite; ``verbose`` gives each packet that is known a row of its own.
    """
    connection, rest = conversation.connection, _rest(conversation)
    cited = {one.packet: one for one in proof if one.conversation in (conversation.id, "")}
    known = sorted(_known_rows(conversation, cited, verbose), key=_first_packet)
    rows = _with_rest(list(known if verbose else _folded(known)), rest)
    drawn = [_with_marks(row, conversation, cited) for row in rows]
    return Diagram(
        id=conversation.id,
        client=connection.client,
        server=connection.server,
        began_ns=connection.first.time_ns,
        rows=tuple(_with_silences([*drawn, *_end(conversation)], _is_itemised(drawn, connection))),
        packets=_packets_of(connection),
        retransmissions=connection.from_client.retransmissions + connection.from_server.retransmissions,
    )


def proof_of(report: Report, conversation: Conversation) -> list[Evidence]:
    """The packets that findings cite: those about this conversation, and those across several with this one."""
    across = (found for found in report.findings if conversation.id in found.conversations)
    return [one for finding in (*conversation.findings, *across) for one in finding.evidence]


def _packets_of(connection: Connection) -> int:
    return connection.from_client.segments + connection.from_server.segments


def _first_packet(row: Row) -> int:
    return row.packets[0] if row.packets else 0


def _is_itemised(rows: list[Row], connection: Connection) -> bool:
    """Tell whether every packet of the connection has a row, so that a pause between rows is one without any packet."""
    numbers = {row.packets[0] for row in rows if row.kind is Kind.PACKET}
    return 0 < _packets_of(connection) <= len(numbers)


# ---------------------------------------------------------------------------------------------------------------
# What is known packet by packet


def _known_rows(conversation: Conversation, cited: Mapping[int, Evidence], verbose: bool) -> Iterator[Row]:
    """What is cited; then events, requests, messages and gaps in other packets; with ``verbose`` all that is known."""
    taken: set[tuple[int, Side | None]] = set()
    told = events(conversation)
    raw = {(one.packet, one.side): one.raw for one in told}
    rows = (
        (
            Row(Kind.PACKET, one.time_ns, one.side, marked(one.what), (number,), raw.get((number, one.side), NOTHING))
            for number, one in cited.items()
            if one.what
        ),
        (
            Row(Kind.PACKET, one.time_ns, one.side, one.what, (one.packet,), one.raw)
            for one in told
            if one.weight >= DETAIL
        ),
        _requests(conversation, verbose),
        _messages(conversation.dialogue.first_messages),
        _gaps(conversation.connection),
        (
            Row(Kind.PACKET, one.time_ns, one.side, one.what, (one.packet,), one.raw)
            for one in told
            if verbose and one.weight < DETAIL
        ),
    )
    for source in rows:
        added = [row for row in source if (row.packets[0], row.side) not in taken]
        taken |= {(row.packets[0], row.side) for row in added}
        yield from added


def _requests(conversation: Conversation, verbose: bool) -> Iterator[Row]:
    """Requests that were rejected or not answered; with ``verbose`` all that are kept."""
    known = conversation.dialogue.requests
    rejected, unanswered = known.rejected.values(), [one for one in known.open.values() if one.is_unanswered]
    most = MAX_REQUESTS_VERBOSE if verbose else MAX_REQUESTS
    chosen = known.listed() if verbose else [*list(rejected)[:most], *unanswered]
    for (moment, name), group in groupby(chosen[:most], key=lambda one: (one.asked, one.name)):
        asked = list(group)
        number = f" {asked[0].number}" if len(asked) == 1 and asked[0].number is not None else ""
        many = f" ({len(asked)} times)" if len(asked) > 1 else ""
        yield Row(
            Kind.PACKET, moment.time_ns, Side.CLIENT, f"{name}{number}{many}{_became(asked[0])}", (moment.packet,)
        )


def _became(request: Request) -> str:
    if request.state is RequestState.REJECTED:
        return f": rejected, error {request.error.code}" if request.error else ": rejected"
    if request.is_unanswered:
        return ": no answer captured" if request.may_have_missed else ": never answered"
    return f": {request.state}" if request.state is RequestState.CANCELLED else ""


def _messages(listed: Iterable[Message]) -> Iterator[Row]:
    """One row for all messages of one packet."""
    for (moment, side), group in groupby(listed, key=lambda message: (message.moment, message.side)):
        names = tuple(message.name for message in group)
        yield Row(Kind.MESSAGES, moment.time_ns, side, _named(Counter(names)), (moment.packet,), messages=names)


def _gaps(connection: Connection) -> Iterator[Row]:
    for side, half in ((Side.CLIENT, connection.from_client), (Side.SERVER, connection.from_server)):
        for gap in half.gaps:
            what = f"{counted(gap.length, 'byte')} of the {side} before this packet not captured"
            yield Row(Kind.LOSS, gap.noticed.time_ns, side, what, (gap.noticed.packet,))


def _named(names: Counter[str]) -> str:
    """``3 TICK_PRICE, TICK_SIZE and 5 others``."""
    named = names.most_common(MAX_NAMES)
    told = ", ".join(name if count == 1 else f"{count:,} {name}" for name, count in named)
    others = names.total() - sum(count for _, count in named)
    return f"{told} and {counted(others, 'other')}" if others else told


# ---------------------------------------------------------------------------------------------------------------
# What is folded


def _folded(rows: list[Row]) -> Iterator[Row]:
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
        what=f"{counted(len(names), 'message')}{both}: {_named(Counter(names))}",
        side=first.side if len(sides) == 1 else None,
        packets=(first.packets[0], last.packets[0]),
        until_ns=last.time_ns,
        messages=names,
    )


def _rest(conversation: Conversation) -> Row | None:
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
        names = _named(later[Side.CLIENT] + later[Side.SERVER])
        both = "" if len(sides) == 1 else " both ways"
        what = f"{counted(count, 'message')}{both}{_in(since, until)}: {names}"
    else:
        sides = [side for side in Side if (last := halves[side].last_data) and last.packet > since.packet]
        what = f"more data{_in(since, until)}, not shown packet by packet"
    side = sides[0] if len(sides) == 1 else None
    return Row(Kind.BULK, since.time_ns, side, what, (since.packet, until.packet), until_ns=until.time_ns)


def _with_rest(rows: list[Row], rest: Row | None) -> list[Row]:
    """The rows with that of the later messages, which goes on between packets that are known among them."""
    if rest is None or rest.until_ns is None:
        return rows
    since, until = rest.packets
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


# ---------------------------------------------------------------------------------------------------------------
# Marks, silences, and the end


def _with_marks(row: Row, conversation: Conversation, cited: Collection[int]) -> Row:
    connection, number = conversation.connection, _first_packet(row)
    half = connection.from_client if row.side is Side.CLIENT else connection.from_server
    is_packet = row.kind is Kind.PACKET
    repeats = {moment.packet for moment in (*connection.syns[1:], *connection.repeated_syn_acks)}
    stalled = [half.stall] if half.stall and half.stall.repeats and row.side else []
    return row._replace(
        is_resent=is_packet and (number in repeats or any(number == stall.last.packet for stall in stalled)),
        is_unacknowledged=is_packet
        and (
            any(number in (stall.since.packet, stall.last.packet) for stall in stalled)
            or _is_unanswered_attempt(number, conversation)
        ),
        is_the_end=is_packet and number == _end_packet(connection),
        is_cited=any(each in cited for each in row.packets) if is_packet else False,
    )


def _is_unanswered_attempt(number: int, conversation: Conversation) -> bool:
    """Tell whether it is a SYN or an ARP request to which nothing came back at all."""
    if conversation.outcome is not Outcome.UNREACHABLE or conversation.connection.unreachable is not None:
        return False
    return any(number == each.packet for each in (*conversation.connection.syns, *conversation.arp_unanswered))


def _end_packet(connection: Connection) -> int | None:
    if connection.ended is not None:
        return connection.ended.moment.packet
    return connection.refusals[-1].packet if connection.refusals else None


def _end(conversation: Conversation) -> Iterator[Row]:
    """What is known of the time after the last packet, if the conversation was still open."""
    if state := state_at_end(conversation):
        yield Row(Kind.END, conversation.watched_until_ns, None, state)


def _with_silences(rows: list[Row], is_itemised: bool) -> Iterator[Row]:
    """The rows, with one for each time of a second or more in which certainly no new data came."""
    quiet_since_ns, last_packet = None, 0
    for row in rows:
        if quiet_since_ns is not None and row.time_ns is not None and row.time_ns - quiet_since_ns >= MIN_SILENCE_NS:
            length = duration(seconds(row.time_ns - quiet_since_ns))
            is_next = row.packets[:1] == (last_packet + 1,)
            what = f"nothing for {length}" if is_itemised or is_next else f"no new data for {length}"
            yield Row(Kind.SILENCE, quiet_since_ns, None, what, until_ns=row.time_ns)
        yield row
        last_packet = max(last_packet, *row.packets) if row.packets else last_packet
        ended = row.time_ns if row.until_ns is None else row.until_ns
        if ended is not None:
            quiet_since_ns = ended if quiet_since_ns is None else max(quiet_since_ns, ended)
