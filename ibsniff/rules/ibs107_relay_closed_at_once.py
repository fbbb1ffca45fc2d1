"""A relay took the call and hung up, because nobody is behind it.

Seen: SYN-ACK, then FIN or RST from the server before it has read a word, on the same machine; or within a second,
before or after the hello, on a port where relays listen.
Meaning: socat, ``ssh -L``, docker-proxy and the like accept first and call the real TWS afterwards; when that is
refused they close. The port is open although no TWS is behind it. TWS itself does not close on loopback unasked.
How sure: measured with socat (0.85 to 29 ms) and ssh -L (0.46 ms); docker-proxy by its source. That it is a relay here
is inferred from what it left unread, or from its port: medium. Undetermined when the machine's own address was called and
not the loopback, as TWS may reject that. Low when it may have read the hello: then somebody may be
behind it, who took the call and hung up.
Sources: gnzsnz/ib-gateway-docker 94; moby, tcp_proxy_linux.go.
What to do: look at the inner port: is Gateway logged in, is the port map right? Capture inside the container.
"""

from __future__ import annotations

from ibsniff.facts.evidence import opening_packets
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.ports import on_relay_port
from ibsniff.facts.server_close import ServerClose, accepted_at, server_close
from ibsniff.formatting import elapsed
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.alternatives import OWN_ADDRESS, SHUTTING_DOWN
from ibsniff.rules.wording.client_symptom import client_symptom
from ibsniff.rules.wording.commands import on_its_system, who_listens

OTHER_SERVICE = Alternative(
    "another program listens on this port and hangs up",
    Fault.NETWORK,
    "`ss -ltnp` names the program that listens; is it java, tws or ibgateway, or socat, docker-proxy, ssh?",
)
INNER_SIDE = Alternative(
    "a relay whose inner side took the call and hung up: there TWS sees another address",
    Fault.UNDETERMINED,
    "capture behind it: is the inner call refused, or accepted and closed?",
)
NOBODY_BEHIND = "before it read a word: most likely it is a relay with nobody behind it, not TWS"
OWN = "before it read a word: a relay with nobody behind it, or a TWS that rejects calls from this address of its own machine"
REFUSED_BEHIND = (
    "without a word: a relay usually listens on this port, and what is behind it refused the call or hung up"
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """The server ends before it can have heard anything, or soon where relays listen."""
    connection, close = conversation.connection, server_close(conversation)
    ended = connection.ended
    if close not in (ServerClose.RELAY_UNREAD, ServerClose.RELAY_EARLY) or connection.syn_ack is None or ended is None:
        return None
    delay = elapsed(accepted_at(connection) or connection.syn_ack, ended.moment)
    unread, gone = close is ServerClose.RELAY_UNREAD, index.server_history.session_ended_with(conversation)
    likely = NOBODY_BEHIND if unread else REFUSED_BEHIND
    own = connection.same_host and not connection.client.is_loopback and not on_relay_port(connection)
    if own:
        likely = OWN
    if gone:
        likely = f"without a word: it ended {gone.id} at that moment too, so it was going down"
    return Statement(
        f"{connection.server} accepted and hung up {delay} later, {likely}.{client_symptom(conversation)}",
        Fault.UNDETERMINED if gone or own else Fault.NETWORK,
        Confidence.MEDIUM if unread and not (gone or own) else Confidence.LOW,
        packets=opening_packets(conversation),
        remedy=f"Find what listens on the port ({who_listens(connection)}), and look behind it: is Gateway up and logged in, and is the "
        "inner port the one the relay calls? Capture there too.",
        alternatives=on_its_system(
            (*((OWN_ADDRESS,) if own else ()), *(() if unread else (INNER_SIDE,)), OTHER_SERVICE, SHUTTING_DOWN),
            connection,
        ),
        explains=conversation.missing,
    )
