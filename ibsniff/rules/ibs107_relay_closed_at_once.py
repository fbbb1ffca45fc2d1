"""A relay accepted the connection and closed it at once, because it cannot reach the server behind it.

Seen: SYN-ACK, then FIN or RST from the server before it has read a byte, on the same machine; or within a second,
before or after the hello, on a port where relays listen.
Meaning: socat, ``ssh -L``, docker-proxy and similar relays first accept a connection and then connect to the real TWS;
when that is refused, they close. The port is open although there is no TWS behind it. TWS itself does not close a
loopback connection without a cause.
How sure: measured with socat (0.85 to 29 ms) and ssh -L (0.46 ms); docker-proxy by its source. That it is a relay here
is inferred from what it left unread, or from its port: medium. Undetermined when the program connected to the machine's
own address and not to the loopback address, as TWS may reject that. Low when the relay may have read the hello: then
there may be a server behind it that accepted the connection and closed it.
Sources: gnzsnz/ib-gateway-docker 94; moby, tcp_proxy_linux.go.
What to do: check the inner port: is Gateway logged in, is the port mapping right? Capture inside the container.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.ports import on_relay_port
from ibsniff.facts.server_close import ServerClose, accepted_at, server_close
from ibsniff.formatting import elapsed
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import OWN_ADDRESS, SHUTTING_DOWN
from ibsniff.rules.wording.client_symptom import client_symptom
from ibsniff.rules.wording.commands import on_its_system, who_listens
from ibsniff.rules.wording.endings import closed_or_reset

OTHER_SERVICE = Alternative(
    "another program listens on this port and closes the connection",
    Fault.NETWORK,
    "`ss -ltnp` names the program that listens: is it java, tws or ibgateway, or is it socat, docker-proxy or ssh?",
)
INNER_SIDE = Alternative(
    "a relay whose inner connection was accepted and closed: there TWS sees another address",
    Fault.UNDETERMINED,
    "capture behind the relay: is the inner connection refused, or accepted and closed?",
)
NO_SERVER_BEHIND = "before it read a byte. Most likely it is not TWS but a relay that has no server behind it"
OWN_MACHINE = (
    "before it read a byte. It may be a relay that has no server behind it, or a TWS that rejects connections from "
    "this address of its own machine"
)
REFUSED_BEHIND = (
    "without sending a byte. A relay usually listens on this port; the server behind it refused the relay's connection "
    "or closed it"
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a server that ended before it can have read anything, or soon on a port where relays listen."""
    connection, close = conversation.connection, server_close(conversation)
    ended = connection.ended
    if close not in (ServerClose.RELAY_UNREAD, ServerClose.RELAY_EARLY) or connection.syn_ack is None or ended is None:
        return None
    delay = elapsed(accepted_at(connection) or connection.syn_ack, ended.moment)
    unread = close is ServerClose.RELAY_UNREAD
    other_ended = index.server_history.session_ended_with(conversation)
    likely = NO_SERVER_BEHIND if unread else REFUSED_BEHIND
    own = connection.same_host and not connection.client.is_loopback and not on_relay_port(connection)
    if own:
        likely = OWN_MACHINE
    if other_ended:
        likely = f"without sending a byte. It ended {other_ended.id} at that moment too, so it was shutting down"
    return Statement(
        f"{connection.server} accepted the connection and {closed_or_reset(ended)} it {delay} later, "
        f"{likely}.{client_symptom(conversation)}",
        Fault.UNDETERMINED if other_ended or own else Fault.NETWORK,
        Confidence.MEDIUM if unread and not (other_ended or own) else Confidence.LOW,
        packets=opening_packets(conversation),
        remedy=f"Find out what listens on the port ({who_listens(connection)}), and check what is behind it: is "
        "Gateway running and logged in, and is the inner port the one that the relay connects to? Capture there too.",
        alternatives=on_its_system(
            (*((OWN_ADDRESS,) if own else ()), *(() if unread else (INNER_SIDE,)), OTHER_SERVICE, SHUTTING_DOWN),
            connection,
        ),
        explains=conversation.missing,
    )
