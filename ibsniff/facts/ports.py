"""Which program usually listens on a port."""

from __future__ import annotations

from ibsniff.ib.names import DEFAULT_PORTS, RELAY_PORTS
from ibsniff.model import Connection

API_PORTS = frozenset(DEFAULT_PORTS) | frozenset(RELAY_PORTS)
"""Ports on which TWS, Gateway, or a relay to one of them is likely."""


def on_relay_port(connection: Connection) -> bool:
    """Tell whether the server's port is one where relays listen, and TWS does not."""
    return connection.server.port in RELAY_PORTS


def application(port: int) -> str:
    """The application that usually listens on a port, or behind the relay there: TWS and Gateway have other menus."""
    usual = DEFAULT_PORTS.get(port) or RELAY_PORTS.get(port, "")
    named = [name for name in ("TWS", "Gateway") if name in usual]
    return named[0] if len(named) == 1 else "TWS or Gateway"
