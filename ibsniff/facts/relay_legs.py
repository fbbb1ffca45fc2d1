"""The two legs of a relay: the outer connection, which it accepted, and the inner one, which it then made."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator, Sequence

from ibsniff.facts.ports import on_relay_port
from ibsniff.facts.timing import is_open_at
from ibsniff.formatting import seconds_between
from ibsniff.model import NANOSECONDS, Connection, Conversation, Endpoint, Side

INNER_DELAY = 0.05
"""Seconds within which a relay makes its inner connection: at once, plus what the scheduler adds."""

RELAY_ENDS_BOTH = 1.0
"""Seconds within which a relay that ends a session closes both of its connections."""
SAME_QUIET = 0.05
"""How far two times without data may differ, as a fraction, and still come from one idle limit; a second at least."""

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


class SessionsOverRelays:
    """The sessions of a capture that a relay passed on, by the connection between its client and the relay."""

    def __init__(self, conversations: Sequence[Conversation]) -> None:
        self._inner = {outer.id: inner for outer, inner in legs(conversations) if _pass_on_the_same(outer, inner)}
        self._quiet: dict[Endpoint, list[float]] = defaultdict(list)
        for one in conversations:
            if self.ended_by_relay(one) is not None:
                insort(self._quiet[one.connection.server], quiet_before_end(one))

    def ended_by_relay(self, outer: Conversation) -> Conversation | None:
        """The relay's connection to TWS, if the relay itself ended both: neither its client nor TWS had closed before."""
        inner, ended = self._inner.get(outer.id), outer.connection.ended
        inner_ended = inner.connection.ended if inner is not None else None
        if inner_ended is None or ended is None or ended.by is not Side.SERVER or inner_ended.by is not Side.CLIENT:
            return None
        apart = abs(seconds_between(inner_ended.moment, ended.moment))
        return inner if apart <= RELAY_ENDS_BOTH else None

    def times_after_the_same_quiet(self, outer: Conversation) -> int:
        """How many sessions this relay ended after as long a time without data: several show its idle limit."""
        quiet, known = quiet_before_end(outer), self._quiet.get(outer.connection.server, [])
        differs = max(SAME_QUIET * quiet, 1.0)
        return bisect_right(known, quiet + differs) - bisect_left(known, quiet - differs)


def quiet_before_end(conversation: Conversation) -> float:
    """Seconds without data of either side before the connection was ended; 0 when it was not."""
    connection = conversation.connection
    last = [half.last_data for half in (connection.from_client, connection.from_server) if half.last_data is not None]
    if connection.ended is None or not last:
        return 0.0
    return max(0.0, min(seconds_between(moment, connection.ended.moment) for moment in last))


def _pass_on_the_same(outer: Conversation, inner: Conversation) -> bool:
    """Both carry the same hello and START_API, which a relay passes on unchanged."""
    one, two = outer.dialogue, inner.dialogue
    if one.hello is None or two.hello is None or one.start is None or two.start is None:
        return False
    return one.hello.raw == two.hello.raw and one.start.raw == two.start.raw
