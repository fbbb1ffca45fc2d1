"""What the rules about silence have in common: whether it can be blamed on what listens, and what speaks for it."""

from __future__ import annotations

from ibsniff.model import Alternative, Capture, Confidence, Connection, Conversation, Fault, Outcome, Side
from ibsniff.rules.closing import on_relay_port
from ibsniff.rules.words import application, seconds_between

FAIR_CHANCE = 1.0
"""Seconds a client should wait at least: TWS answers in milliseconds, over any network within a second."""


RELAY = Alternative(
    "a relay (socat, ssh -L, docker-proxy, portproxy) took the call, and what is behind it is silent",
    Fault.NETWORK,
    "`ss -ltnp` names what listens on the port: java is TWS or Gateway, anything else a relay; capture behind it",
)
STRANGER = Alternative(
    "another program listens on this port and waits for its own protocol",
    Fault.NETWORK,
    "`ss -ltnp` on the server, or `lsof -i`: which program is it?",
)
STARTING = Alternative(
    "TWS accepts but is still starting, or just restarted",
    Fault.TWS_STATE,
    "try again in a minute or two",
)


def not_the_box(port: int) -> str:
    """Answer the common wrong advice (extrange/ibkr-docker 16 and 48; heshiming/ibga 18: Gateway has no such box)."""
    box = (
        "It is not 'Enable ActiveX and Socket Clients': with that box unticked the port is closed and the call refused."
    )
    return f"{box} Gateway has no such box at all." if application(port) == "Gateway" else box


def gave_up_early(conversation: Conversation) -> bool:
    """The client ended before the server had a fair chance to answer."""
    ended, hello = conversation.connection.ended, conversation.dialogue.hello
    if ended is None or hello is None or not hello.is_valid or ended.by is not Side.CLIENT:
        return False
    return seconds_between(hello.complete, ended.moment) < FAIR_CHANCE


def hello_heard(connection: Connection) -> bool:
    """The server's kernel acknowledged the hello: it arrived.

    A capture may miss that ACK. The client's kernel did not if it sends nothing again: without an ACK it would after a
    second at the latest (RFC 6298, 2.1).
    """
    client = connection.from_client
    return client.ack_of_first_data is not None or not client.retransmissions


def silent_to_a_good_hello(conversation: Conversation) -> bool:
    """The case that matters: a valid hello arrived, nobody gave up early, and nothing came back."""
    hello = conversation.dialogue.hello
    if conversation.outcome is not Outcome.SILENT or hello is None or not hello.is_valid:
        return False
    return hello_heard(conversation.connection) and not gave_up_early(conversation)


def sureness(capture: Capture) -> Confidence:
    """How sure a cause of silence can be: where packets were lost, the answer may be among them."""
    return Confidence.LOW if capture.facts.dropped else Confidence.MEDIUM


def causes_besides(conversation: Conversation) -> tuple[Alternative, ...]:
    """Other causes of silence, a relay first where relays listen."""
    if on_relay_port(conversation.connection):
        return (RELAY, STARTING, STRANGER)
    return (STARTING, RELAY, STRANGER)
