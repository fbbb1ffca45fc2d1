"""Who answered, in words, and what that means for the address that TWS sees."""

from __future__ import annotations

from ibsniff.facts.network_path import LINUX_MACOS_TTL, WINDOWS_TTL, Answerer, NetworkPath
from ibsniff.model import Connection


def who_answered(path: NetworkPath, connection: Connection) -> str:
    """Say who probably answered."""
    server = connection.server.ip
    ground = f"(both ends in {path.network}, TTL {LINUX_MACOS_TTL})"
    match path.answerer:
        case Answerer.CONTAINER:
            return f"{server} is probably a container, called over its bridge {ground}"
        case Answerer.CONTAINER_HOST:
            return f"{server} is probably the machine of the client's container {ground}"
        case Answerer.OTHER_CONTAINER:
            return f"{server} is probably another container of the client's network {ground}"
        case Answerer.WSL_HOST:
            return f"{server} is probably the Windows host of this WSL (TTL {WINDOWS_TTL}, first address of {path.network})"
        case Answerer.BEHIND_ROUTERS:
            passed = "1 machine" if path.hops == 1 else f"{path.hops} machines"
            return (
                f"{server} lies behind {passed} (TTL {connection.from_server.ttl}): a router, or the port map of a "
                "container"
            )


def address_tws_sees(path: NetworkPath, connection: Connection) -> str:
    """Say which address TWS sees there, and so which one must be trusted."""
    client = connection.client.ip
    match path.answerer:
        case Answerer.CONTAINER:
            return (
                f"A TWS in there sees {client}, the bridge's address, whoever called the published port. It must be "
                "trusted as it is, or a relay inside must make the call from its own loopback."
            )
        case Answerer.CONTAINER_HOST:
            return f"A TWS there sees {client}, the container's address, which another container may have next time."
        case Answerer.OTHER_CONTAINER:
            return f"A TWS in there sees {client}; if a relay in there makes the call, it sees its own loopback."
        case Answerer.WSL_HOST:
            return (
                f"TWS there sees {client}, WSL's own address, not one of Windows; it changes with a restart. A "
                "netsh portproxy to 127.0.0.1 makes TWS see its own loopback instead."
            )
        case Answerer.BEHIND_ROUTERS:
            return (
                f"On the way the client's address may have been changed from {client}: the one to trust is the one "
                "TWS sees, which a capture on its machine shows."
            )
