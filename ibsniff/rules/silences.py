"""What the rules about silence have in common: whether it can be blamed on what listens, and what speaks for it."""

from __future__ import annotations

from collections.abc import Iterable

from ibsniff.formatting import seconds_between
from ibsniff.ib.names import DEFAULT_PORTS, RELAY_PORTS
from ibsniff.model import NANOSECONDS, Alternative, Capture, Confidence, Connection, Conversation, Fault, Outcome, Side
from ibsniff.rules.closing import on_relay_port
from ibsniff.rules.path import path, there_and_back, who_listens
from ibsniff.rules.words import application, spoke_last

FAIR_CHANCE = 1.0
"""Seconds a client should wait at least: TWS answers in milliseconds, over any network within a second."""


GOODBYE = 2.0
"""Seconds within which a program that lives answers its client's end: socat takes half a second (measured)."""

API_PORTS = frozenset(DEFAULT_PORTS) | frozenset(RELAY_PORTS)
"""Where a TWS, a Gateway or a relay to one is likely."""
STRANGER = Alternative(
    "another program listens on this port and waits for its own protocol",
    Fault.NETWORK,
    "`ss -ltnp` on the server, or `lsof -i`: which program is it?",
)
OWN_ADDRESS = Alternative(
    "TWS was called by an address of its own machine that is not the loopback, and may treat it as any other: it asks, or "
    "rejects it",
    Fault.TWS_CONFIG,
    "call 127.0.0.1 instead; look for a dialog on its screen",
)
TOO_NEW = Alternative(
    "TWS or Gateway is older than this client accepts; what it does then is not known",
    Fault.UNDETERMINED,
    "its version stands in Help > About; or try a client that offers older versions too (ib_async, IB's own)",
)
RECENT = 201
"""Lowest server version of a hello that not every TWS in use can meet: 10.30 offers at most 187."""
STARTING = Alternative(
    "TWS accepts but is still starting, or just restarted",
    Fault.TWS_STATE,
    "try again in a minute or two",
)


def too_new(conversation: Conversation) -> tuple[Alternative, ...]:
    """One more cause when the client accepts none but recent versions (rust-ibapi 3: 213)."""
    hello = conversation.dialogue.hello
    return (TOO_NEW,) if hello is not None and hello.min_version is not None and hello.min_version >= RECENT else ()


def look_into_its_log(connection: Connection) -> str:
    """Say what to collect next: the line stands in the logs ib-ruby and tws_async quote; AutoRevOption's hung one was mute."""
    capture = "" if connection.same_host else "capture on its machine too, and "
    return (
        f"If that does not settle it: {capture}see whether its log says 'Starting new conversation with client on' at that "
        "time; a TWS that hangs is said to log nothing."
    )


def not_the_box(port: int) -> str:
    """Answer the common wrong advice (extrange/ibkr-docker 16 and 48; heshiming/ibga 18: Gateway has no such box)."""
    box = (
        "It is not 'Enable ActiveX and Socket Clients': with that box unticked the port is closed and the call refused."
    )
    return f"{box} Gateway has no such box at all." if application(port) == "Gateway" else box


def round_trip(connection: Connection) -> float:
    """Seconds from the one end to the other and back, as the handshake shows; 0 when it was not captured."""
    accepted, established = connection.syn_ack, connection.established
    if accepted is None or established is None:
        return there_and_back(connection)
    return there_and_back(connection) + max(0.0, seconds_between(accepted, established))


def gave_up_early(conversation: Conversation) -> bool:
    """The client ended before the server had a fair chance to answer, the way there and back not counted."""
    ended, hello = conversation.connection.ended, conversation.dialogue.hello
    if ended is None or hello is None or not hello.is_valid or ended.by is not Side.CLIENT:
        return False
    return seconds_between(hello.complete, ended.moment) < FAIR_CHANCE + round_trip(conversation.connection)


def hello_heard(conversation: Conversation) -> bool:
    """The server's kernel acknowledged the hello: it arrived.

    A capture may miss that ACK. The client's kernel did not if it sends nothing again: without an ACK it would after a
    second or three times the round trip (RFC 6298, 2.1 to 2.3), after three seconds if its SYN was lost already (5.7).
    """
    connection = conversation.connection
    client = connection.from_client
    if client.ack_of_first_data is not None or client.retransmissions:
        return client.ack_of_first_data is not None
    due = (3.0 if connection.syn_count > 1 else 1.0) + 3 * round_trip(connection)
    until_ns = connection.ended.moment.time_ns if connection.ended is not None else conversation.watched_until_ns
    return connection.same_host or until_ns - spoke_last(conversation).time_ns >= due * NANOSECONDS


def said_goodbye(connection: Connection) -> bool:
    """The server closed its side soon after the client had: a program did that, which reads what comes. It does not hang.

    A kernel alone only acknowledges a FIN; and for a program that closes, or dies, with bytes unread it sends a RST
    (RFC 2525, 2.17).
    """
    ended, server = connection.ended, connection.from_server
    if ended is None or ended.by is not Side.CLIENT or server.fin is None or server.rst is not None:
        return False
    return seconds_between(ended.moment, server.fin) <= GOODBYE + round_trip(connection)


def silent_to_a_good_hello(conversation: Conversation) -> bool:
    """The case that matters: a valid hello arrived, nobody gave up early, and nothing came back."""
    hello = conversation.dialogue.hello
    if conversation.outcome is not Outcome.SILENT or hello is None or not hello.is_valid:
        return False
    if conversation.connection.from_client.zero_windows:  # whoever lets nobody speak is not told anything
        return False
    return hello_heard(conversation) and not gave_up_early(conversation)


def latest_silent(conversations: Iterable[Conversation]) -> Iterable[Conversation]:
    """The last one of each address, of those that were met with silence: thousands may be of few addresses."""
    silent = (one for one in conversations if silent_to_a_good_hello(one))
    return {one.connection.client.address: one for one in silent}.values()


def sureness(conversation: Conversation, capture: Capture) -> Confidence:
    """How sure a cause of silence can be: where packets were lost, on the way too, the answer may be among them."""
    connection = conversation.connection
    unseen = connection.from_server.acked > connection.from_server.length  # a byte, or a FIN, that was not captured
    doubtful = capture.facts.dropped or lossy(connection) or unseen or _spoken_to_afterwards(connection)
    return Confidence.LOW if doubtful else Confidence.MEDIUM


def _spoken_to_afterwards(connection: Connection) -> bool:
    """A kernel rejects what comes after its program has closed: something came, though it was not captured."""
    client = connection.from_client
    return client.fin is not None and client.rst is not None and connection.from_server.fin is None


def lossy(connection: Connection) -> bool:
    """Packets were lost on the way and sent again: what came, and when, says less."""
    repeated = connection.from_client.retransmissions + connection.from_server.retransmissions
    return not connection.same_host and (repeated > 0 or connection.syn_count > 1)


def causes_besides(conversation: Conversation) -> tuple[Alternative, ...]:
    """Other causes of silence, a relay first where relays are usual: on their ports, and over a container's bridge."""
    connection, answerer = conversation.connection, path(conversation.connection)
    relay = Alternative(
        "a relay (socat, ssh -L, docker-proxy, portproxy) took the call, and what is behind it is silent",
        Fault.NETWORK,
        f"{who_listens(connection)} names what listens on the port: java (or tws, ibgateway) is the real one, anything else "
        "a relay; capture behind it",
    )
    own = () if connection.client.is_loopback or not connection.same_host else (OWN_ADDRESS,)
    stranger = STRANGER._replace(how_to_tell=f"{who_listens(connection)} on the server: which program is it?")
    if connection.server.port not in API_PORTS:
        return (stranger, STARTING, relay, *own, *too_new(conversation))
    if on_relay_port(connection) or (answerer is not None and answerer.through_container):
        return (relay, STARTING, stranger, *own, *too_new(conversation))
    return (*own, STARTING, relay, stranger, *too_new(conversation))
