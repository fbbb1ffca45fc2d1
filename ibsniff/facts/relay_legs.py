"""The two legs of a relay: the connection it accepted, and the one it made in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ibsniff.facts.ports import on_relay_port
from ibsniff.facts.related_connections import is_open_at
from ibsniff.facts.server_close import closed_unread
from ibsniff.model import NANOSECONDS, Connection, Conversation, Side

INNER_DELAY = 0.05
"""Seconds within which a relay connects to its inner side: at once, give or take the scheduler."""

LOOKED_BACK = 8
"""How many conversations may have begun between an outer leg and its inner one."""


def legs(conversations: Sequence[Conversation]) -> Iterator[tuple[Conversation, Conversation]]:
    """Pairs of which the first may be a relay's outer leg and the second its inner one: the only one that fits."""
    for place, inner in enumerate(conversations):
        before = conversations[max(0, place - LOOKED_BACK) : place]
        still_open = [one for one in before if is_open_at(one, inner.connection.first)]
        outer = [one for one in still_open if _made_by(inner.connection, one.connection)]
        if len(outer) == 1:
            yield outer[0], inner


def certainly_legs(outer: Conversation) -> bool:
    """Tell whether the server's machine makes few other connections: on one machine any program may have made both.

    Unless the server closed before it can have read a byte, which only relays do.
    """
    return not outer.connection.same_host or on_relay_port(outer.connection) or closed_unread(outer)


def ended_together(inner: Connection, outer: Connection) -> bool:
    """The end of one leg passed on to the other: a refusal or a close outwards, the client's FIN inwards."""
    failed = inner.refusals[-1] if inner.refusals else inner.ended.moment if inner.ended else None
    if failed is None or outer.ended is None:
        return False
    outwards = outer.ended.by is Side.SERVER
    delay = (outer.ended.moment.time_ns - failed.time_ns) / NANOSECONDS
    return 0 <= (delay if outwards else -delay) <= INNER_DELAY


def _made_by(inner: Connection, outer: Connection) -> bool:
    """The outer leg's server made the inner connection, soon after it accepted the outer one.

    Its machine may have more addresses than the one that was connected to: its loopback, a bridge. Then the outer leg
    must have ended because the inner one did, or the other way round.
    """
    delay = (inner.first.time_ns - outer.first.time_ns) / NANOSECONDS
    if delay > INNER_DELAY or inner.server == outer.server:
        return False
    if inner.client.address == outer.server.address:
        return True
    one_machine = outer.same_host or (inner.same_host and on_relay_port(outer))
    return one_machine and ended_together(inner, outer)
