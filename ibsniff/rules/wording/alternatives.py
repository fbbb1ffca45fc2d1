"""Other possible causes that several rules name."""

from __future__ import annotations

from ibsniff.facts.network_path import network_path
from ibsniff.facts.ports import API_PORTS, application, on_relay_port
from ibsniff.ib.names import RELAY_PORTS
from ibsniff.model import Alternative, Conversation, Fault
from ibsniff.rules.wording.commands import who_listens

OTHER_PROGRAM = Alternative(
    "another program listens on this port and waits for its own protocol",
    Fault.NETWORK,
    "on the server, `ss -ltnp`: which program is it?",
)
OWN_ADDRESS = Alternative(
    "the program connected to an address of TWS's own machine that is not the loopback address, and TWS may treat it "
    "like any other: it asks, or rejects it",
    Fault.TWS_CONFIG,
    "connect to 127.0.0.1 instead; look for a dialog on the TWS screen",
)
TOO_NEW = Alternative(
    "TWS or Gateway is older than this client accepts; what it does then is not known",
    Fault.UNDETERMINED,
    "Help > About shows its version; or try a client that also offers older versions (ib_async, IB's own)",
)
RECENT = 201
"""Lowest server version of a hello that not every TWS in use can meet: 10.30 offers at most 187."""
STARTING = Alternative(
    "TWS accepts connections but is still starting, or has just restarted",
    Fault.TWS_STATE,
    "try again in a minute or two",
)
SHUTTING_DOWN = Alternative(
    "TWS or Gateway was just shutting down",
    Fault.TWS_STATE,
    "connections are refused then; try again in a minute or two",
)
ASLEEP = Alternative(
    "its machine sleeps, is off, or has lost its network since then", Fault.NETWORK, "ping it, or look at it"
)
NO_INTERNET = Alternative(
    "the machine on which TWS runs has lost its Internet connection",
    Fault.NETWORK,
    "web pages do not open there either; IB's system status page reports IB's own problems",
)
NO_RELAY = Alternative(
    "one program connected to both ports at once, and there is no relay",
    Fault.UNDETERMINED,
    "`ss -ltnp` names what listens on the first port: socat, ssh and docker-proxy are relays; java, tws and ibgateway "
    "are not",
)

NOT_UP = Alternative(
    "TWS or Gateway is not running, not logged in yet, or restarting",
    Fault.TWS_STATE,
    "look at its window; its log says 'API server listening on port' once it is ready",
)
BOX_UNTICKED = Alternative(
    "TWS runs with its socket API off (TWS only: Gateway has no such checkbox)",
    Fault.TWS_CONFIG,
    "TWS: Global Configuration > API > Settings > Enable ActiveX and Socket Clients",
)
WRONG_PORT = Alternative(
    "the program connects to another port than TWS listens on (7497/7496 TWS paper/live, 4002/4001 Gateway paper/live)",
    Fault.CLIENT,
    "compare with API > Settings > Socket port; `netstat -an` there lists what listens",
)
RELAY_DOWN = Alternative(
    "the relay that usually listens there is not running: its container is down or just starting, or does not publish "
    "the port",
    Fault.NETWORK,
    "`docker ps` shows the container and its ports; inside it the relay listens on another port than TWS",
)


def causes_of_refusal(port: int) -> tuple[Alternative, ...]:
    """Causes of a refusal; Gateway has no checkbox for the API, and a relay's port is usually open even without TWS."""
    if port in RELAY_PORTS:
        return (RELAY_DOWN, WRONG_PORT, NOT_UP)
    return (NOT_UP, WRONG_PORT) if application(port) == "Gateway" else (NOT_UP, BOX_UNTICKED, WRONG_PORT)


def too_new(conversation: Conversation) -> tuple[Alternative, ...]:
    """One more cause when the client accepts only recent versions (rust-ibapi 3: 213)."""
    hello = conversation.dialogue.hello
    return (TOO_NEW,) if hello is not None and hello.min_version is not None and hello.min_version >= RECENT else ()


def causes_of_silence(conversation: Conversation) -> tuple[Alternative, ...]:
    """Other causes of silence, a relay first where relays are usual: on their ports, and over a container's bridge."""
    connection, path = conversation.connection, network_path(conversation.connection)
    relay = Alternative(
        "a relay (socat, ssh -L, docker-proxy, portproxy) accepted the connection, and the server behind it is silent",
        Fault.NETWORK,
        f"{who_listens(connection)} names what listens on the port: java (or tws, ibgateway) is TWS itself, anything "
        "else is a relay; capture behind it",
    )
    own = () if connection.client.is_loopback or not connection.same_host else (OWN_ADDRESS,)
    other = OTHER_PROGRAM._replace(how_to_tell=f"on the server, {who_listens(connection)}: which program is it?")
    if connection.server.port not in API_PORTS:
        return (other, STARTING, relay, *own, *too_new(conversation))
    if on_relay_port(connection) or (path is not None and path.through_container):
        return (relay, STARTING, other, *own, *too_new(conversation))
    return (*own, STARTING, relay, other, *too_new(conversation))
