"""TWS took the call from another machine and hung up without a word.

Seen: a complete connection between two machines, and the server's FIN or RST without a byte, before or after the hello.
Meaning: most often TWS rejects the client's address: "Allow connections from localhost only" is ticked, or the address
is not in Trusted IPs (Gateway asks nobody, it hangs up). The address that counts is the one TWS sees: WSL's own, a
container's, an IPv6 one.
How sure: several confirmed cases; a relay with nobody behind it looks alike when it is quick: medium, low when the
close came at once. FIN or RST is no difference.
Sources: sparkstartconsulting/IBKR-API-Rust 28, lbilli/Jib.jl 43, ib-controller 197, clifton/docker-ib-gateway 1.
What to do: untick "Allow connections from localhost only", and add the address to Trusted IPs: this single address.
"""

from __future__ import annotations

from ibsniff.model import Alternative, Capture, Confidence, Conversation, Fault, Severity
from ibsniff.rules.closing import closed_unheard, hung_up, on_relay_port, waited_in_vain
from ibsniff.rules.felt import felt
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.words import address_to_trust, between, packets_of, settings_path

QUICK_RELAY = Alternative(
    "a relay or a container's port map with nobody behind it",
    Fault.NETWORK,
    "capture behind it: the inner call is refused; on the server `ss -ltnp` shows no java on this port",
)
SOMEBODY_CLICKED_NO = Alternative(
    "TWS or Gateway is shutting down or restarting, or someone answered its dialog",
    Fault.TWS_STATE,
    "look at its window; try again in a minute or two",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _capture: Capture) -> Statement | None:
    """Hung up between two machines, without a word."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    ended = hung_up(conversation)
    if ended is None or connection.same_host or (hello is not None and not hello.is_valid):
        return None
    if waited_in_vain(conversation) is not None:
        return None
    at_once = closed_unheard(conversation) is not None
    if at_once and on_relay_port(connection):
        return None
    address = address_to_trust(connection)
    accepted = connection.established or connection.syn_ack or connection.first
    return Statement(
        f"{connection.server} accepted and hung up {between(accepted, ended.moment)} later without a word: probably it "
        f"does not take connections from {address}.{felt(conversation)}",
        Fault.TWS_CONFIG,
        Confidence.LOW if at_once else Confidence.MEDIUM,
        packets=packets_of(conversation),
        remedy=f"{settings_path(connection.server.port)}: untick Allow connections from localhost only, and add "
        f"{address} (this one address, no range) to Trusted IPs.",
        alternatives=(QUICK_RELAY, SOMEBODY_CLICKED_NO),
        explains=conversation.missing,
    )
