"""The connection was refused by another machine.

Seen: the SYN is answered by a RST from the server's address.
Meaning: that machine is reachable and nothing listens there on that port for you: TWS is not up or not logged in, its
socket API is off, it is another port, or a firewall answers with a RST in its place.
How sure: that the call was rejected is certain; by whom and why is not to be seen on this side. A note, and nobody's turn,
when the program went on to the name's address of the other IP version.
Sources: IB's API documentation on error 502; gnzsnz/ib-gateway-docker 94 and 218 (published port not the inner one).
What to do: on the machine of TWS see that it is up and on which port it listens; with containers compare the
published port with the inner one.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.network_path import network_path
from ibsniff.facts.ports import on_relay_port
from ibsniff.model import Alternative, Connection, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import causes_of_refusal
from ibsniff.rules.wording.refusal import refused
from ibsniff.rules.wording.remedies import RELAY_KEEPS_PORT

INNER_PORTS = {4001: 4003, 4002: 4004}
"""What a Gateway listens on in a container -> where the usual images' relay offers it to other containers."""
FIREWALL = Alternative(
    "a firewall rejects the call with a RST",
    Fault.NETWORK,
    "capture on the server's machine too: the SYN does not arrive there",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """A RST from another machine answers the SYN."""
    connection = conversation.connection
    if conversation.outcome is not Outcome.REFUSED or not connection.refusals or connection.same_host:
        return None
    return refused(
        conversation,
        index,
        f"Refused: {connection.server.ip} answers, but nothing listens there on port {connection.server.port}.",
        f"On {connection.server.ip}: {_look(connection)}{_in_containers(connection)}",
        (*causes_of_refusal(connection.server.port), FIREWALL),
    )


def _look(connection: Connection) -> str:
    if on_relay_port(connection):
        return f"see that the relay, or its container, is up, and that this port is published. {RELAY_KEEPS_PORT}"
    return (
        f"see that TWS or Gateway is up, logged in, and that its API socket port is {connection.server.port}; with a "
        "container, that this port is published to the inner one."
    )


def _in_containers(connection: Connection) -> str:
    """Between containers Gateway's own port is not the one to call (gnzsnz/ib-gateway-docker 83)."""
    answerer, inner = network_path(connection), INNER_PORTS.get(connection.server.port)
    if inner is None or answerer is None or not answerer.through_container:
        return ""
    return f" The usual images offer it to other containers on port {inner}, through a relay inside."
