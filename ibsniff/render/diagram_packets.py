"""The rows of a sequence diagram of which every packet is known: cited ones, events, requests, messages, gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from ibsniff.formatting import counted
from ibsniff.masking.sentence import marked
from ibsniff.model import (
    Connection,
    Conversation,
    Evidence,
    Message,
    Request,
    RequestState,
    Side,
)
from ibsniff.render.diagram_rows import Kind, Row, named
from ibsniff.timeline.delivery import halves
from ibsniff.timeline.event import DETAIL, NOTHING
from ibsniff.timeline.events import events

MAX_REQUESTS, MAX_REQUESTS_VERBOSE = 5, 500
"""Requests with a row of their own, of those that were rejected or not answered; with ``verbose`` of all that are kept."""


def known_rows(conversation: Conversation, cited: Mapping[int, Evidence], verbose: bool) -> Iterator[Row]:
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
    lost = {gap.noticed.packet for _, half in halves(conversation.connection) for gap in half.gaps}
    for source in rows:
        added = [row for row in source if (row.packets[0], row.side) not in taken]
        taken |= {(row.packets[0], row.side) for row in added}
        for row in added:
            is_loss = row.side is None and row.packets[0] in lost
            yield row._replace(kind=Kind.LOSS) if is_loss else row


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
        yield Row(Kind.MESSAGES, moment.time_ns, side, named(Counter(names)), (moment.packet,), messages=names)


def _gaps(connection: Connection) -> Iterator[Row]:
    for side, half in halves(connection):
        for gap in half.gaps:
            what = f"{counted(gap.length, 'byte')} of the {side} before this packet were not captured"
            yield Row(Kind.LOSS, gap.noticed.time_ns, None, what, (gap.noticed.packet,))
