"""What the rules about a server that hangs up have in common: when it closed, and what it can have heard."""

from __future__ import annotations

from ibsniff.ib.names import RELAY_PORTS
from ibsniff.model import Connection, Conversation, Ended, How, Outcome
from ibsniff.rules.path import there_and_back
from ibsniff.rules.words import seconds_between

AT_ONCE = 0.002
"""Seconds within which a RST comes too early to be an answer to the hello: relays whose backend refuses took 0.5 to
0.9 ms (measured), a TWS that rejects an address several (4 ms in ib_insync 386)."""

DIALLING = 1.0
"""Seconds a relay may take to learn that nobody is behind it; when nobody speaks for longer, it is the client's turn."""


def hung_up(conversation: Conversation) -> Ended | None:
    """The server's end of a connection on which it never said a byte."""
    return conversation.connection.ended if conversation.outcome in (Outcome.CLOSED, Outcome.RESET) else None


def closed_before_a_word(conversation: Conversation) -> bool:
    """The server ended before the client's first data, and none of that is missing in the capture."""
    ended, client = hung_up(conversation), conversation.connection.from_client
    if ended is None or client.captured < client.length:
        return False
    return client.first_data is None or ended.moment.packet < client.first_data.packet


def closed_unheard(conversation: Conversation) -> Ended | None:
    """The server's end, if it came before it can have read what the client said."""
    ended = hung_up(conversation)
    connection = conversation.connection
    accepted = connection.established or connection.syn_ack
    if ended is None or accepted is None:
        return None
    delay = seconds_between(accepted, ended.moment) - there_and_back(connection)
    if closed_before_a_word(conversation) or _left_unread(connection, ended) or _crossed(connection, ended):
        return ended if delay <= DIALLING else None
    spoke = connection.from_client.first_data
    if connection.established is not None and spoke is not None and spoke.packet <= connection.established.packet:
        return None  # the ACK that completed the handshake was not captured: when that was is not known
    return ended if ended.how is How.RST and delay <= AT_ONCE else None


def waited_in_vain(conversation: Conversation) -> Ended | None:
    """The server's end, if the client had let it wait for a first word."""
    ended, accepted = hung_up(conversation), conversation.connection.established
    if ended is None or accepted is None or not closed_before_a_word(conversation):
        return None
    delay = seconds_between(accepted, ended.moment) - there_and_back(conversation.connection)
    return ended if delay > DIALLING else None


def _crossed(connection: Connection, ended: Ended) -> bool:
    """A FIN that met the client's first word on the way: it does not acknowledge it, nor did anything before it."""
    spoke, heard = connection.from_client.first_data, connection.from_client.ack_of_first_data
    if ended.how is not How.FIN or spoke is None:
        return False
    return heard is None or heard.packet > ended.moment.packet


def _left_unread(connection: Connection, ended: Ended) -> bool:
    """A FIN, and a RST after it that no data provoked: the sender closed with the client's bytes unread.

    A kernel does that when a program closes before it has read everything (RFC 2525, 2.17; measured with socat).
    """
    reset, spoke = connection.from_server.rst, connection.from_client.last_data
    if ended.how is not How.FIN or reset is None or connection.from_client.fin is not None:
        return False
    return spoke is None or spoke.packet < ended.moment.packet


def on_relay_port(connection: Connection) -> bool:
    """The server's port is one where relays listen, and TWS does not."""
    return connection.server.port in RELAY_PORTS
