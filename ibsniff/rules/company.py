"""What the other conversations of a capture show about one of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from ibsniff.model import (
    NANOSECONDS,
    Alternative,
    Capture,
    Confidence,
    Connection,
    Conversation,
    Dialect,
    Fault,
    Moment,
    Outcome,
    Rung,
)
from ibsniff.rules.registry import Statement

INNER_DELAY = 0.05
"""Seconds within which a relay calls its inner side: at once, give or take the scheduler."""

STEADY = 0.1
"""How far intervals may lie from their median, as a part of it, to be called a beat."""


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


def begun_before(conversation: Conversation, capture: Capture) -> Iterator[Conversation]:
    """Conversations with the same server that began earlier."""
    server, began = conversation.connection.server, _began(conversation)
    return (one for one in capture.conversations if one.connection.server == server and _began(one) < began)


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
    usual = median(gaps) if len(gaps) > 1 else 0.0
    return usual if usual > 0 and all(abs(gap - usual) <= STEADY * usual for gap in gaps) else None


def legs(capture: Capture) -> Iterator[tuple[Conversation, Conversation]]:
    """Neighbours of which the first may be a relay's outer leg and the second its inner one."""
    for outer, inner in pairwise(capture.conversations):
        if _called_by(inner.connection, outer.connection) and open_at(outer, inner.connection.first):
            yield outer, inner


def _called_by(inner: Connection, outer: Connection) -> bool:
    """The outer leg's server called the inner one, soon after it was called itself."""
    delay = (inner.first.time_ns - outer.first.time_ns) / NANOSECONDS
    return inner.client.address == outer.server.address and inner.server != outer.server and delay <= INNER_DELAY


def served_besides(conversation: Conversation, capture: Capture) -> Conversation | None:
    """A session of the same server and port that was ready at another time of this capture."""
    server = conversation.connection.server
    others = (one for one in capture.conversations if one.id != conversation.id and one.connection.server == server)
    return next((one for one in others if one.rung is Rung.READY), None)


def refused(
    conversation: Conversation, capture: Capture, summary: str, remedy: str, causes: tuple[Alternative, ...]
) -> Statement:
    """State a refusal: nobody's turn is known, unless TWS served that very port at another time of the capture."""
    connection = conversation.connection
    served = served_besides(conversation, capture)
    calls = zip(connection.syns, connection.refusals, strict=False)
    if served is not None:
        summary = f"{summary} TWS served this port at another time ({served.id}): it was down or restarting."
        remedy = "Let the program call again with growing pauses; see TWS's auto restart time."
        causes = ()
    return Statement(
        summary,
        Fault.TWS_STATE if served is not None else Fault.UNDETERMINED,
        Confidence.MEDIUM if served is not None else Confidence.HIGH,
        packets=[moment.packet for call in calls for moment in call],
        remedy=remedy,
        alternatives=causes,
        explains=Rung.CONNECTED,
    )
