"""What the rules about a server that hangs up have in common: when it closed, and what it can have heard."""

from __future__ import annotations

from ibsniff.formatting import seconds_between
from ibsniff.ib.names import RELAY_PORTS
from ibsniff.model import Connection, Conversation, Dialect, Ended, How, Moment, Outcome
from ibsniff.rules.path import there_and_back

DIALLING = 1.0
"""Seconds a relay may take to learn that nobody is behind it; when nobody speaks for longer, it is the client's turn."""


def accepted(connection: Connection) -> Moment | None:
    """When the connection stood: by the client's ACK, or by the server's if that came only after the end."""
    stood, ended = connection.established, connection.ended
    late = stood is not None and ended is not None and stood.packet > ended.moment.packet
    return connection.syn_ack if late else stood or connection.syn_ack


def hung_up(conversation: Conversation) -> Ended | None:
    """The server's end of a connection on which it never said a byte."""
    return conversation.connection.ended if conversation.outcome in (Outcome.CLOSED, Outcome.RESET) else None


def closed_before_a_word(conversation: Conversation) -> bool:
    """The server ended before the client's first data, and none of that is missing in the capture."""
    ended, client = hung_up(conversation), conversation.connection.from_client
    if ended is None or client.captured < client.length:
        return False
    if client.first_data is None:
        return True
    heard = client.ack_of_first_data  # its ACK may stand before it in the capture
    return ended.moment.packet < client.first_data.packet and (heard is None or heard.packet > ended.moment.packet)


def closed_unheard(conversation: Conversation) -> Ended | None:
    """The server's end, if it came before it can have read what the client said."""
    ended = hung_up(conversation)
    connection = conversation.connection
    stood = accepted(connection)
    if ended is None or stood is None:
        return None
    if not (closed_before_a_word(conversation) or _left_unread(connection, ended) or _crossed(connection, ended)):
        return None
    return ended if seconds_between(stood, ended.moment) - there_and_back(connection) <= DIALLING else None


def closed_by_relay(conversation: Conversation) -> Ended | None:
    """The server's end, if it is a relay's: nothing was read on one machine, or a relay listens there and hung up soon.

    Whether the hello arrived before that is chance on a relay's port: who speaks first, client or refused backend.
    """
    connection, ended = conversation.connection, closed_unheard(conversation)
    if not on_relay_port(connection):
        return ended if connection.same_host else None
    soon, stood = hung_up(conversation), accepted(connection)
    if ended is not None or soon is None or stood is None or goodbye_unseen(connection):
        return ended
    return soon if seconds_between(stood, soon.moment) - there_and_back(connection) <= DIALLING else None


def waited_in_vain(conversation: Conversation) -> Ended | None:
    """The server's end, if the client had let it wait for a first word."""
    ended, stood = hung_up(conversation), conversation.connection.established
    if ended is None or stood is None or not closed_before_a_word(conversation):
        return None
    delay = seconds_between(stood, ended.moment) - there_and_back(conversation.connection)
    return ended if delay > DIALLING else None


def _crossed(connection: Connection, ended: Ended) -> bool:
    """A FIN that met the client's first word on the way: it does not acknowledge it, nor did anything before it."""
    spoke, heard = connection.from_client.first_data, connection.from_client.ack_of_first_data
    if ended.how is not How.FIN or spoke is None or goodbye_unseen(connection):
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


def goodbye_unseen(connection: Connection) -> bool:
    """The server's FIN is not in the capture, and known by the client's ACK alone: when it came does not show."""
    ended = connection.ended
    return ended is not None and ended.how is How.FIN and connection.from_server.fin is None


def cut_short(conversation: Conversation) -> bool:
    """The server hung up while the client was saying its hello: that it is not whole is no mistake of the client."""
    ended, hello = hung_up(conversation), conversation.dialogue.hello
    if ended is None or hello is None or hello.dialect is not Dialect.INCOMPLETE:
        return False
    return seconds_between(hello.complete, ended.moment) < DIALLING


def heard_nonsense(conversation: Conversation) -> bool:
    """What the client said before the server's end is no hello, and it had its time to say one."""
    hello = conversation.dialogue.hello
    if hello is None or hello.is_valid or closed_before_a_word(conversation):
        return False
    return not cut_short(conversation)


def on_relay_port(connection: Connection) -> bool:
    """The server's port is one where relays listen, and TWS does not."""
    return connection.server.port in RELAY_PORTS
