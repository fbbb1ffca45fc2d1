"""The connection was refused on the same machine.

Seen: the SYN is answered by a RST at once, and both ends are one machine.
Meaning: nothing listens on that port. TWS or Gateway is not running, or has not finished logging in, or is just
restarting; or TWS does run and its socket API is off; or it listens on another port. In a container or in WSL,
``localhost`` is the container or WSL itself, not the machine TWS runs on.
How sure: that nothing listens is certain (RFC 9293, 3.10.7.1); why is not to be seen in the packets. Medium of a Windows
that took calls before and left them unanswered, as it may refuse when its queue is full. A note, and nobody's turn, when
the program went on to the other address of the name: ``localhost`` is ::1 first, and a published port often 127.0.0.1 only.
Sources: extrange/ibkr-docker 16 and 48 (box unticked: refused); gnzsnz/ib-gateway-docker 83 (before login); IB's API
documentation on error 502.
What to do: see that TWS is up and logged in; compare the port with its API settings; in TWS only, tick "Enable
ActiveX and Socket Clients" (Gateway has no such box).
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.ports import application
from ibsniff.formatting import elapsed
from ibsniff.ib.names import DEFAULT_PORTS, RELAY_PORTS
from ibsniff.model import Conversation, Outcome, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import causes_of_refusal
from ibsniff.rules.wording.refusal import refused
from ibsniff.rules.wording.remedies import RELAY_KEEPS_PORT


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """A RST answers the SYN on one machine."""
    connection = conversation.connection
    if conversation.outcome is not Outcome.REFUSED or not connection.refusals or not connection.same_host:
        return None
    last = connection.refusals[-1]
    tries = connection.syn_count
    felt = f" (the client tried {tries} times, {elapsed(connection.first, last)} in all)" if tries > 1 else ""
    known = DEFAULT_PORTS.get(connection.server.port)
    usual = f", the usual port of {known}" if known else ""
    port = connection.server.port
    box = "" if application(port) == "Gateway" else "If so, tick Enable ActiveX and Socket Clients (TWS only). "
    look = f"See that {application(port)} is up and logged in, and that its API socket port is {port}. {box}"
    if port in RELAY_PORTS:
        look = f"{RELAY_KEEPS_PORT} See that the relay, or its container, is up. "
    return refused(
        conversation,
        index,
        f"Refused: nothing listens on {connection.server}{usual}{felt}.",
        f"{look}In a container or WSL, localhost is not the machine it runs on.",
        causes_of_refusal(port),
    )
