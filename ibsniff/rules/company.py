"""What the other conversations of a capture show about one of them."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from ibsniff.model import (
    NANOSECONDS,
    Alternative,
    Capture,
    Connection,
    Conversation,
    Dialect,
    Endpoint,
    Fault,
    Moment,
    Outcome,
    Rung,
    Side,
)
from ibsniff.rules.closing import closed_unheard, on_relay_port

INNER_DELAY = 0.05
"""Seconds within which a relay calls its inner side: at once, give or take the scheduler."""

LOOKED_BACK = 8
"""How many conversations before an inner leg may have begun between it and its outer one."""

TOGETHER = 1.0
"""Seconds within which a server that goes down ends all its connections."""

STARTING = 120.0
"""Seconds after its port opens for which a TWS may still be starting: 5 to 90 were reported (rust-ibapi 761)."""

STEADY = 0.1
"""How far intervals may lie from their median, as a part of it, to be called a beat."""


@lru_cache(maxsize=2)
def by_server(capture: Capture, *, whole_host: bool = False) -> list[list[Conversation]]:
    """Group the conversations by server (by its port alone with ``whole_host``), each group in order of time."""
    groups: dict[object, list[Conversation]] = defaultdict(list)
    for conversation in capture.conversations:
        server = conversation.connection.server
        groups[server.port if whole_host else server].append(conversation)
    return [sorted(group, key=_began) for group in groups.values()]


def by_client(conversations: list[Conversation]) -> list[list[Conversation]]:
    """Group conversations by the client's address."""
    groups: dict[bytes, list[Conversation]] = defaultdict(list)
    for conversation in conversations:
        groups[conversation.connection.client.address].append(conversation)
    return list(groups.values())


def _began(conversation: Conversation) -> int:
    return conversation.connection.first.time_ns


def times_down(conversations: list[Conversation]) -> list[int]:
    """When the server was seen not to serve, ascending: it refused calls, or ended a session."""
    refused = [one.connection.last for one in conversations if one.outcome is Outcome.REFUSED]
    sessions = [one.connection.ended for one in conversations if one.rung is Rung.READY]
    ended = [end.moment for end in sessions if end is not None and end.by is Side.SERVER]
    return sorted(moment.time_ns for moment in (*refused, *ended))


def is_starting(times_down: list[int], moment: Moment) -> bool:
    """The last of these was a short while before: what listens now has not done so for long."""
    before = bisect_right(times_down, moment.time_ns)
    return before > 0 and moment.time_ns - times_down[before - 1] < STARTING * NANOSECONDS


def open_at(conversation: Conversation, moment: Moment) -> bool:
    """Neither side had ended it by then."""
    ended = conversation.connection.ended
    return _began(conversation) <= moment.time_ns and (ended is None or ended.moment.time_ns > moment.time_ns)


def said_little(conversation: Conversation) -> bool:
    """Connected, and said nothing or nothing that makes sense: what is suspected of making a TWS deaf."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    if connection.established is None or conversation.outcome in (Outcome.REPLIED, Outcome.FOREIGN, Outcome.JOINED):
        return False
    return hello is None or (not hello.is_valid and hello.dialect is not Dialect.NOT_CAPTURED)


def said_what(conversation: Conversation) -> str:
    """Say what such a one sent, as the second half of a sentence."""
    hello = conversation.dialogue.hello
    return "said nothing" if hello is None else f"sent {len(hello.raw)} bytes that are no hello ({hello.dialect})"


def beat(conversations: list[Conversation]) -> float | None:
    """Seconds between calls, if they come at a steady beat."""
    gaps = [(_began(later) - _began(earlier)) / NANOSECONDS for earlier, later in pairwise(conversations)]
    if len(gaps) < 2:
        return None
    from statistics import median  # noqa: PLC0415  (fractions and decimals, and 5 ms)

    usual = median(gaps)
    return usual if usual > 0 and all(abs(gap - usual) <= STEADY * usual for gap in gaps) else None


def legs(capture: Capture) -> Iterator[tuple[Conversation, Conversation]]:
    """Pairs of which the first may be a relay's outer leg and the second its inner one: the only call it may have been."""
    for place, inner in enumerate(capture.conversations):
        before = capture.conversations[max(0, place - LOOKED_BACK) : place]
        calls = [one for one in before if open_at(one, inner.connection.first)]
        outer = [one for one in calls if _called_by(inner.connection, one.connection)]
        if len(outer) == 1:
            yield outer[0], inner


def _called_by(inner: Connection, outer: Connection) -> bool:
    """The outer leg's server called the inner one, soon after it was called itself.

    Its machine may have more addresses than the one that was called: its loopback, a bridge. Then the outer leg must
    have ended because the inner one did, or the other way round.
    """
    delay = (inner.first.time_ns - outer.first.time_ns) / NANOSECONDS
    if delay > INNER_DELAY or inner.server == outer.server:
        return False
    if inner.client.address == outer.server.address:
        return True
    one_machine = outer.same_host or (inner.same_host and on_relay_port(outer))
    return one_machine and ended_together(inner, outer)


def ended_together(inner: Connection, outer: Connection) -> bool:
    """One leg's end passed on to the other: a refusal or a hang-up outwards, the client's goodbye inwards."""
    failed = inner.refusals[-1] if inner.refusals else inner.ended.moment if inner.ended else None
    if failed is None or outer.ended is None:
        return False
    outwards = outer.ended.by is Side.SERVER
    delay = (outer.ended.moment.time_ns - failed.time_ns) / NANOSECONDS
    return 0 <= (delay if outwards else -delay) <= INNER_DELAY


@lru_cache(maxsize=1)
def _accepted(capture: Capture) -> dict[tuple[bytes, Endpoint], Conversation]:
    """By client's address and server, the first conversation the server's machine accepted."""
    found: dict[tuple[bytes, Endpoint], Conversation] = {}
    for conversation in capture.conversations:
        if conversation.connection.syn_ack is not None:
            found.setdefault(_pair(conversation.connection), conversation)
    return found


def _pair(connection: Connection) -> tuple[bytes, Endpoint]:
    return connection.client.address, connection.server


@lru_cache(maxsize=1)
def _unanswered(capture: Capture) -> dict[int, Conversation]:
    """By port, the first conversation that no firewall explains: a silence to a good hello, or on TWS's own machine."""
    found: dict[int, Conversation] = {}
    for one in capture.conversations:
        hello = one.dialogue.hello
        silent = one.outcome is Outcome.SILENT and hello is not None and hello.is_valid
        if silent or (one.outcome is Outcome.UNREACHABLE and one.connection.same_host):
            found.setdefault(one.connection.server.port, one)
    return found


def unanswered_besides(conversation: Conversation, capture: Capture) -> Conversation | None:
    """Another conversation with that port in which no firewall was the reason that nobody answered."""
    return _unanswered(capture).get(conversation.connection.server.port)


def accepted_before(conversation: Conversation, capture: Capture) -> Conversation | None:
    """An earlier call between the same two machines, to the same port, that was accepted."""
    found = _accepted(capture).get(_pair(conversation.connection))
    return found if found is not None and _began(found) < _began(conversation) else None


def certainly_legs(outer: Conversation) -> bool:
    """Whether its server's own machine makes few other calls: on one machine any program may have called both.

    Unless it closed before it can have heard a word, which only relays do.
    """
    return not outer.connection.same_host or on_relay_port(outer.connection) or closed_unheard(outer) is not None


BOTH_CALLED = Alternative(
    "one program called both ports at once, and there is no relay",
    Fault.UNDETERMINED,
    "`ss -ltnp` names what listens on the first port: socat, ssh and docker-proxy are relays; java, tws and ibgateway are not",
)
