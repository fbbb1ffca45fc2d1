"""The connection was refused by another machine.

Seen: a RST from the server's address answers the SYN.
Meaning: that machine can be reached, but nothing listens there on that port for you: TWS is not running or not logged
in, its socket API is off, it listens on another port, or a firewall answers with a RST in its place.
How sure: it is certain that the connection was rejected; this side does not show by whom and why.
It is only a note, with nothing to fix, when the program then tried the name's address of the other IP version.
Sources: IB's API documentation on error 502; gnzsnz/ib-gateway-docker 94 and 218 (published port not the inner one).
What to do: over IPv6, try the machine's IPv4 address first; on the machine of TWS, check that TWS is running and on which port it listens; with containers, compare the
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
"""Gateway's own port in a container -> the port on which the relay of the usual images offers it to others."""
FIREWALL = Alternative(
    "a firewall rejects the connection with a RST",
    Fault.NETWORK,
    "capture on the server's machine too: if a firewall rejects it, the SYN does not arrive there",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a RST from another machine in answer to the SYN."""
    connection = conversation.connection
    if conversation.outcome is not Outcome.REFUSED or not connection.refusals or connection.same_host:
        return None
    return refused(
        conversation,
        index,
        f"Connection refused: {connection.server.ip} answers, but nothing listens there on port "
        f"{connection.server.port}.",
        f"On {connection.server.ip}, {_checks(connection)}{_in_containers(connection)}",
        (*causes_of_refusal(connection.server.port), FIREWALL),
    )


def _checks(connection: Connection) -> str:
    if on_relay_port(connection):
        return (
            f"check that the relay, or its container, is running, and that this port is published. {RELAY_KEEPS_PORT}"
        )
    return (
        "check that TWS or Gateway is running and logged in, and that its API socket port is "
        f"{connection.server.port}; with a container, check that this port is published to the inner one."
    )


def _in_containers(connection: Connection) -> str:
    """Between containers, Gateway's own port is not the one to connect to (gnzsnz/ib-gateway-docker 83)."""
    answerer, inner = network_path(connection), INNER_PORTS.get(connection.server.port)
    if inner is None or answerer is None or not answerer.through_container:
        return ""
    return f" The usual images offer Gateway to other containers on port {inner}, through a relay inside."
