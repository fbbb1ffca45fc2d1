"""Which machine answered, and what that means for the address that TWS sees."""

from __future__ import annotations

from ibsniff.facts.network_path import LINUX_MACOS_TTL, WINDOWS_TTL, Answerer, NetworkPath
from ibsniff.formatting import counted
from ibsniff.model import Connection


def who_answered(path: NetworkPath, connection: Connection) -> str:
    """Which machine probably answered, as a sentence without its full stop."""
    server = connection.server.ip
    ground = f"(both ends in {path.network}, TTL {LINUX_MACOS_TTL})"
    match path.answerer:
        case Answerer.CONTAINER:
            return f"{server} is probably a container, reached over its bridge {ground}"
        case Answerer.CONTAINER_HOST:
            return f"{server} is probably the machine of the client's container {ground}"
        case Answerer.OTHER_CONTAINER:
            return f"{server} is probably another container in the client's network {ground}"
        case Answerer.WSL_HOST:
            where = f"(TTL {WINDOWS_TTL}, first address of {path.network})"
            return f"{server} is probably the Windows host of this WSL {where}"
        case Answerer.BEHIND_ROUTERS:
            return (
                f"{server} is behind {counted(path.hops, 'machine')} (TTL {connection.from_server.ttl}), for example "
                "a router or the port mapping of a container"
            )


def address_tws_sees(path: NetworkPath, connection: Connection) -> str:
    """Which address TWS sees there, and so which one must be trusted."""
    client = connection.client.ip
    match path.answerer:
        case Answerer.CONTAINER:
            return (
                f"A TWS inside the container sees {client}, the bridge's address, for every client of the published "
                "port. Trust this address, or let a relay inside the container connect to TWS from its own loopback "
                "address."
            )
        case Answerer.CONTAINER_HOST:
            return (
                f"A TWS on that machine sees {client}, the container's address, which another container may have next "
                "time."
            )
        case Answerer.OTHER_CONTAINER:
            return (
                f"A TWS inside that container sees {client}; if a relay inside makes the connection, TWS sees its own "
                "loopback address."
            )
        case Answerer.WSL_HOST:
            return (
                f"A TWS on Windows sees {client}, which is WSL's own address, not one of Windows; it changes with a "
                "restart. With a netsh portproxy to 127.0.0.1, TWS sees its own loopback address instead."
            )
        case Answerer.BEHIND_ROUTERS:
            return (
                f"The client's address may have been changed from {client} on the way. Trust the address that TWS "
                "sees; a capture on its machine shows it."
            )
