"""What the rules about a server that hangs up have in common: when it closed, and what it can have heard."""

from __future__ import annotations

from ibsniff.ib.names import RELAY_PORTS
from ibsniff.model import Connection, Conversation, Ended, Outcome
from ibsniff.rules.words import seconds_between

UNHEARD = 0.002
"""Seconds within which a close comes too early to be an answer to the hello: relays whose backend refuses took 0.5 to
0.9 ms (measured), a TWS that rejects an address several (4 ms in ib_insync 386)."""


def hung_up(conversation: Conversation) -> Ended | None:
    """The server's end of a connection on which it never said a byte."""
    return conversation.connection.ended if conversation.outcome in (Outcome.CLOSED, Outcome.RESET) else None


def closed_before_a_word(conversation: Conversation) -> bool:
    """The server ended before the client's first data."""
    ended, spoke = hung_up(conversation), conversation.connection.from_client.first_data
    return ended is not None and (spoke is None or ended.moment.packet < spoke.packet)


def closed_unheard(conversation: Conversation) -> Ended | None:
    """The server's end, if it came before it can have read what the client said.

    A FIN behind the acknowledgment of the hello, and no RST after it, means that it was read: a kernel that closes
    with unread bytes sends a RST (RFC 2525, 2.17; measured with socat, whose FIN is followed by one).
    """
    ended = hung_up(conversation)
    connection = conversation.connection
    accepted = connection.established or connection.syn_ack
    if ended is None or accepted is None:
        return None
    if closed_before_a_word(conversation):
        return ended
    was_read = connection.from_client.ack_of_first_data is not None and connection.from_server.rst is None
    return ended if not was_read and seconds_between(accepted, ended.moment) <= UNHEARD else None


def on_relay_port(connection: Connection) -> bool:
    """The server's port is one where relays listen, and TWS does not."""
    return connection.server.port in RELAY_PORTS
