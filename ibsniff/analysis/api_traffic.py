"""Which conversations belong to the IB API: decided by what the server is, not by its port number alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ibsniff.ib.names import DEFAULT_PORTS, RELAY_PORTS
from ibsniff.model import Connection, Dialect, Dialogue, ExitCode, Side, UserError

API_PORTS = frozenset(DEFAULT_PORTS) | frozenset(RELAY_PORTS)
"""Ports looked at unless the user says otherwise."""

HIGHEST_PORT = 65_535

IB_LINK_PORTS = frozenset({4000, 4001})
"""TWS and Gateway themselves connect to these ports of IB's public hosts: the same number, another protocol."""

OTHER_SERVICES = (Dialect.HTTP, Dialect.TLS, Dialect.SSH)
"""Protocols whose servers are found on ports where relays listen too."""


class Ports(NamedTuple):
    """Which ports are looked at."""

    api: frozenset[int] = API_PORTS
    any: bool = False
    """Look at every TCP conversation that speaks IB, whatever its port."""

    @property
    def filter(self) -> frozenset[int] | None:
        """The only ports whose packets are looked at; None for all."""
        return None if self.any else self.api

    def include(self, connection: Connection, dialogue: Dialogue) -> bool:
        """Whether this is a conversation with a TWS, or an attempt at one."""
        port = connection.server.port
        if port not in self.api:
            return _speaks_ib(dialogue)
        if port in RELAY_PORTS and _is_another_service(dialogue):
            return False
        if port not in IB_LINK_PORTS or not _speaks_another_protocol(dialogue):
            return True
        return not connection.server.is_public


def parse_ports(given: Iterable[str]) -> Ports:
    """Add the ports a user named to the usual ones; ``any`` looks everywhere.

    Raises UserError for what is no port.
    """
    api, everywhere = set(API_PORTS), False
    for text in given:
        if text == "any":
            everywhere = True
        elif text.isascii() and text.isdigit() and 1 <= int(text) <= HIGHEST_PORT:
            api.add(int(text))
        else:
            raise UserError(f"--port {text}: not a port", "Give a number from 1 to 65535, or 'any'", ExitCode.USAGE)
    return Ports(frozenset(api), everywhere)


def _speaks_ib(dialogue: Dialogue) -> bool:
    hello, reply = dialogue.hello, dialogue.reply
    if hello is not None and (b"API" in hello.raw.beginning(8) or hello.dialect is Dialect.UNFRAMED):
        return True
    return reply is not None and reply.is_whole and hello is not None and hello.is_valid


def _is_another_service(dialogue: Dialogue) -> bool:
    """Both sides speak the same other known protocol: a web server on 8888 is no relay."""
    hello, reply = dialogue.hello, dialogue.reply
    return hello is not None and hello.dialect in OTHER_SERVICES and reply is not None and reply.service is not None


def _speaks_another_protocol(dialogue: Dialogue) -> bool:
    """Something was sent, and nothing of it belongs to the API."""
    if dialogue.first_speaker is None:
        return False
    return not _speaks_ib(dialogue) and not dialogue.ready and not dialogue.messages[Side.SERVER]
