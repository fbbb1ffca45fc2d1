"""A relay took the call and hung up, because nobody is behind it.

Seen: SYN-ACK, then FIN or RST from the server within about a millisecond of the connection or before the client has
said a word, on the same machine or on a port where relays listen.
Meaning: socat, ``ssh -L``, docker-proxy and the like accept first and call the real TWS afterwards; when that is
refused they close. The port is open although no TWS is behind it. TWS itself does not close on loopback unasked.
How sure: measured with socat (0.85 ms) and ssh -L (0.46 ms); docker-proxy by its source. That it is a relay here is
inferred from time and address.
Sources: gnzsnz/ib-gateway-docker 94; moby, tcp_proxy_linux.go.
What to do: look at the inner port: is Gateway logged in, is the port map right? Capture inside the container.
"""

from __future__ import annotations

from ibsniff.model import Alternative, Capture, Confidence, Conversation, Fault, How, Severity
from ibsniff.rules.closing import accepted, closed_before_a_word, closed_unheard, heard_nonsense, on_relay_port
from ibsniff.rules.company import gone_with
from ibsniff.rules.felt import felt
from ibsniff.rules.path import who_listens
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.words import between, packets_of

OTHER_SERVICE = Alternative(
    "another program listens on this port and hangs up",
    Fault.NETWORK,
    "`ss -ltnp` names the program that listens; is it java (TWS, Gateway), or socat, docker-proxy, ssh?",
)
GOING_DOWN = Alternative(
    "TWS or Gateway was just going down", Fault.TWS_STATE, "calls are refused then; try again in a minute or two"
)
RELAY = "most likely it is a relay with nobody behind it, not TWS"


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, capture: Capture) -> Statement | None:
    """The server ends before it can have heard anything."""
    connection = conversation.connection
    ended = closed_unheard(conversation)
    if ended is None or connection.syn_ack is None or not (connection.same_host or on_relay_port(connection)):
        return None
    if heard_nonsense(conversation):
        return None
    delay = between(accepted(connection) or connection.syn_ack, ended.moment)
    unheard = ended.how is How.FIN or closed_before_a_word(conversation)
    gone = gone_with(conversation, capture)
    likely = f"it ended {gone.id} at that moment too, so it was going down" if gone else RELAY
    early = "before it read a word" if unheard else "sooner than TWS decides anything"
    return Statement(
        f"{connection.server} accepted and hung up {delay} later, {early}: {likely}.{felt(conversation)}",
        Fault.UNDETERMINED if gone else Fault.NETWORK,
        Confidence.LOW if gone else Confidence.MEDIUM,
        packets=packets_of(conversation),
        remedy=f"Find what listens on the port ({who_listens(connection)}), and look behind it: is Gateway up and logged in, and is the "
        "inner port the one the relay calls? Capture there too.",
        alternatives=(OTHER_SERVICE, GOING_DOWN),
        explains=conversation.missing,
    )
