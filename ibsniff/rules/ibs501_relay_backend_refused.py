"""A relay's two legs are in the capture: the outer call was taken, the inner one failed.

Seen: one connection that the server ended without a word, and while it was open another one, called from the same
machine, that was refused or not answered.
Meaning: a relay took the client's call and could not reach TWS behind it. The outer end is only the messenger; the
inner leg says why.
How sure: the two fit in time, and the relay's machine makes the inner call: medium.
Sources: gnzsnz/ib-gateway-docker 83 and 94; measured with socat and ssh -L.
What to do: mend the inner leg: Gateway not up or not logged in, or the relay calls the wrong port.
"""

from __future__ import annotations

from ibsniff.model import Capture, Confidence, Fault, Outcome, Severity
from ibsniff.rules.closing import hung_up
from ibsniff.rules.company import legs
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.ERROR)
def check(capture: Capture) -> Statement | None:
    """An outer leg that was closed because the inner one failed."""
    for outer, inner in legs(capture):
        if hung_up(outer) is None or inner.outcome not in (Outcome.REFUSED, Outcome.UNREACHABLE):
            continue
        return Statement(
            f"{outer.connection.server} is a relay: it took the call ({outer.id}), called {inner.connection.server} in "
            f"turn, was {inner.outcome} there ({inner.id}), and hung up.",
            Fault.NETWORK,
            Confidence.MEDIUM,
            packets=(outer.connection.first.packet, inner.connection.first.packet),
            remedy=f"Look at {inner.connection.server}: is Gateway or TWS up and logged in, and is that its port?",
            conversations=(outer.id, inner.id),
        )
    return None
