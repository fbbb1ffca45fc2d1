"""A relay accepted the connection, and its own connection to TWS failed.

Seen: a connection that the server ended without sending data; and while it was open, a second connection, made from
the relay's machine, that was refused, not answered, or closed.
Meaning: a relay accepted the client's connection and could not reach TWS behind it. The close of the outer connection
only passes this on; the inner connection, from the relay to TWS, shows the reason.
How sure: the two fit in time, and the relay's machine makes the inner connection: medium; low on one machine, where a
program may have connected to both ports, unless relays usually listen on the outer one.
Sources: gnzsnz/ib-gateway-docker 83 and 94; measured with socat and ssh -L.
What to do: fix the inner connection: Gateway is not running or not logged in, or the relay connects to the wrong
port.
"""

from __future__ import annotations

from collections.abc import Iterator

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.relay_legs import ended_together, legs
from ibsniff.facts.server_close import certainly_legs, closed_without_reply
from ibsniff.model import Confidence, Conversation, Endpoint, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, capture_rule, cited
from ibsniff.rules.wording.alternatives import NO_RELAY
from ibsniff.rules.wording.commands import on_its_system

FAILED = {Outcome.REFUSED: "was refused", Outcome.UNREACHABLE: "got no answer"}
"""How the inner connection attempt ended."""
LOOK_BEHIND = "Look at {}: check that Gateway or TWS is running and logged in, and that this is its port."

WHY_CLOSED = " Why the second one was closed is not decided; the log of the server behind the relay decides it."


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Iterator[Statement]:
    """The outer connection was closed because the inner one failed."""
    told = set[tuple[Endpoint, Endpoint]]()
    for outer, inner in legs(index.conversations):
        relay = outer.connection.server, inner.connection.server
        if closed_without_reply(outer) is None or relay in told:
            continue
        if inner.outcome in FAILED:
            told.add(relay)
            yield _statement(outer, inner, Fault.NETWORK, LOOK_BEHIND.format(inner.connection.server))
        elif (
            closed_without_reply(inner) is not None
            and inner.cause
            and ended_together(inner.connection, outer.connection)
        ):
            told.add(relay)
            yield _statement(outer, inner, inner.cause.fault, inner.cause.remedy)


def _statement(outer: Conversation, inner: Conversation, fault: Fault, remedy: str) -> Statement:
    return Statement(
        f"{outer.connection.server} is a relay. It accepted the connection ({outer.id}) and connected to "
        f"{inner.connection.server}; that connection {FAILED.get(inner.outcome, 'was closed')} ({inner.id}), and so "
        f"the relay closed the first one.{'' if fault is not Fault.UNDETERMINED else WHY_CLOSED}",
        fault,
        Confidence.MEDIUM if certainly_legs(outer) else Confidence.LOW,
        packets=(
            *(cited(leg, leg.connection.first) for leg in (outer, inner)),
            *(cited(inner, refusal) for refusal in inner.connection.refusals[:1]),
            *(cited(leg, leg.connection.ended.moment) for leg in (inner, outer) if leg.connection.ended is not None),
        ),
        remedy=remedy,
        alternatives=(
            *(() if certainly_legs(outer) else on_its_system((NO_RELAY,), outer.connection)),
            *(inner.cause.alternatives if inner.cause else ()),
        ),
        conversations=(outer.id, inner.id),
    )
