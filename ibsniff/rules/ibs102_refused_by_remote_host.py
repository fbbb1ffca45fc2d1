"""The connection was refused by another machine.

Seen: the SYN is answered by a RST from the server's address.
Meaning: that machine is reachable and nothing listens there on that port for you: TWS is not up or not logged in, its
socket API is off, it is another port, or a firewall answers with a RST in its place.
How sure: that the call was rejected is certain; by whom and why is not to be seen on this side.
Sources: IB's API documentation on error 502; gnzsnz/ib-gateway-docker 94 and 218 (published port not the inner one).
What to do: on the machine of TWS see that it is up and on which port it listens; with containers compare the
published port with the inner one.
"""

from __future__ import annotations

from ibsniff.model import Alternative, Capture, Conversation, Fault, Outcome, Severity
from ibsniff.rules.company import refused
from ibsniff.rules.ibs101_refused_on_this_host import causes_at
from ibsniff.rules.registry import Statement, conversation_rule

FIREWALL = Alternative(
    "a firewall rejects the call with a RST",
    Fault.NETWORK,
    "capture on the server's machine too: the SYN does not arrive there",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, capture: Capture) -> Statement | None:
    """A RST from another machine answers the SYN."""
    connection = conversation.connection
    if conversation.outcome is not Outcome.REFUSED or not connection.refusals or connection.same_host:
        return None
    return refused(
        conversation,
        capture,
        f"Refused: {connection.server.ip} answers, but nothing listens there on port {connection.server.port}.",
        f"On {connection.server.ip}: see that TWS or Gateway is up, logged in, and that its API socket port is "
        f"{connection.server.port}; with a container, that this port is published to the inner one.",
        (*causes_at(connection.server.port), FIREWALL),
    )
