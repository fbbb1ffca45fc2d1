"""A relay's two legs are in the capture: the outer call was taken, the inner one failed.

Seen: one connection that the server ended without a word, and while it was open another one, called from the same
machine, that was refused, not answered, or hung up on.
Meaning: a relay took the client's call and could not reach TWS behind it. The outer end is only the messenger; the
inner leg says why.
How sure: the two fit in time, and the relay's machine makes the inner call: medium; low on one machine, where a program
may have called both ports, unless relays usually listen on the outer one.
Sources: gnzsnz/ib-gateway-docker 83 and 94; measured with socat and ssh -L.
What to do: mend the inner leg: Gateway not up or not logged in, or the relay calls the wrong port.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.relay_legs import certainly_legs, ended_together, legs
from ibsniff.facts.server_close import closed_without_reply
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, capture_rule
from ibsniff.rules.wording.alternatives import NO_RELAY
from ibsniff.rules.wording.commands import on_its_system

FAILED = {Outcome.REFUSED: "was refused", Outcome.UNREACHABLE: "got no answer"}
"""What became of the inner call."""
LOOK_INSIDE = "Look at {}: is Gateway or TWS up and logged in, and is that its port?"


@capture_rule(Severity.ERROR)
def check(index: CaptureIndex) -> Statement | None:
    """An outer leg that was closed because the inner one failed."""
    for outer, inner in legs(index.conversations):
        if closed_without_reply(outer) is None:
            continue
        if inner.outcome in FAILED:
            return _statement(outer, inner, Fault.NETWORK, LOOK_INSIDE.format(inner.connection.server))
        if (
            closed_without_reply(inner) is not None
            and inner.cause
            and ended_together(inner.connection, outer.connection)
        ):
            return _statement(outer, inner, inner.cause.fault, inner.cause.remedy)
    return None


def _statement(outer: Conversation, inner: Conversation, fault: Fault, remedy: str) -> Statement:
    return Statement(
        f"{outer.connection.server} is a relay: it took the call ({outer.id}), called {inner.connection.server} in "
        f"turn, {FAILED.get(inner.outcome, 'was hung up on')} there ({inner.id}), and hung up.",
        fault,
        Confidence.MEDIUM if certainly_legs(outer) else Confidence.LOW,
        packets=(outer.connection.first.packet, inner.connection.first.packet),
        remedy=remedy,
        alternatives=(
            *(() if certainly_legs(outer) else on_its_system((NO_RELAY,), outer.connection)),
            *(inner.cause.alternatives if inner.cause else ()),
        ),
        conversations=(outer.id, inner.id),
    )
