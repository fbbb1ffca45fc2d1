"""The two legs of a relay: the outer connection, which it accepted, and the inner one, which it then made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ibsniff.facts.ports import on_relay_port
from ibsniff.facts.related_connections import is_open_at
from ibsniff.facts.server_close import closed_unread
from ibsniff.model import NANOSECONDS, Connection, Conversation, Side

INNER_DELAY = 0.05
"""Seconds within which a relay makes its inner connection: at once, plus what the scheduler adds."""

LOOKED_BACK = 8
"""How many conversations before an inner leg are searched for its outer one."""


def legs(conversations: Sequence[Conversation]) -> Iterator[tuple[Conversation, Conversation]]:
    """Pairs of a relay's possible outer leg and its inner leg, where only one conversation can be the outer leg."""
    for place, inner in enumerate(conversations):
        before = conversations[max(0, place - LOOKED_BACK) : place]
        still_open = [one for one in before if is_open_at(one, inner.connection.first)]
        outer = [one for one in still_open if _made_by(inner.connection, one.connection)]
        if len(outer) == 1:
            yield outer[0], inner


def certainly_legs(outer: Conversation) -> bool:
    """Tell whether the pair is surely a relay's: on one machine, any program may have made both connections.

    There it is sure on a port where relays listen, or when the server closed before it can have read a byte, which only
    relays do.
    """
    return not outer.connection.same_host or on_relay_port(outer.connection) or closed_unread(outer)


def ended_together(inner: Connection, outer: Connection) -> bool:
    """Tell whether the end of one leg ended the other: a refusal or close outwards, or the client's FIN inwards."""
    failed = inner.refusals[-1] if inner.refusals else inner.ended.moment if inner.ended else None
    if failed is None or outer.ended is None:
        return False
    outwards = outer.ended.by is Side.SERVER
    delay = (outer.ended.moment.time_ns - failed.time_ns) / NANOSECONDS
    return 0 <= (delay if outwards else -delay) <= INNER_DELAY


def _made_by(inner: Connection, outer: Connection) -> bool:
    """Tell whether the outer leg's server made the inner connection, soon after it accepted the outer one.

    Its machine may have more addresses than the one the client connected to: the loopback address, a bridge's. Then one
    leg must also have ended because the other did.
    """
    delay = (inner.first.time_ns - outer.first.time_ns) / NANOSECONDS
    if delay > INNER_DELAY or inner.server == outer.server:
        return False
    if inner.client.address == outer.server.address:
        return True
    one_machine = outer.same_host or (inner.same_host and on_relay_port(outer))
    return one_machine and ended_together(inner, outer)
