"""How the server's side ended the connection, in one place: when it did, and what it can have read by then."""

from __future__ import annotations

from enum import StrEnum

from ibsniff.facts.ports import on_relay_port
from ibsniff.facts.timing import clock_stepped_back, time_to_server
from ibsniff.formatting import seconds_between
from ibsniff.model import Connection, Conversation, Dialect, Ended, How, Moment, Outcome, Side

RELAY_CONNECTS = 1.0
"""Seconds a relay may need to find that it cannot reach its server. Later than that, the client had to send first."""


class ServerClose(StrEnum):
    """When the server's side ended the connection, as ``server_close`` names it."""

    NOT_ENDED = "not ended"
    NOT_PLACED = "not placed"
    WAITED_FOR_HELLO = "waited for the hello"
    RELAY_UNREAD = "as a relay does, with nothing read"
    RELAY_EARLY = "early on a relay's port"
    BEFORE_HELLO = "before the hello"
    HELLO_UNREAD = "hello unread"
    WITHIN_HELLO = "within the hello"
    AFTER_OTHER_BYTES = "after bytes that are no hello"
    AFTER_HELLO = "after the hello"
    UNKNOWN_MOMENT = "without a byte, at an unknown moment"
    OTHER_SERVICE = "after another protocol's answer"
    WITHIN_REPLY = "within the reply"
    AFTER_REPLY = "after the reply"
    AFTER_START_API = "after START_API"
    WITHIN_SESSION = "within the session"


def server_close(conversation: Conversation) -> ServerClose:
    """Name how the server's side ended the connection; every conversation has one name, and the first that fits counts.

    =================== =============================================================================================
    NOT_ENDED           nobody ended the connection, or the client did first
    NOT_PLACED          the server's side ended it; there was no connection yet, or the capture holds too little of it
    WITHIN_SESSION      the session was ready, or at work already when the capture began
    AFTER_REPLY         the reply was complete, and START_API had not come, or crossed the end on its way
    AFTER_START_API     START_API had come, and the session was not ready
    WITHIN_REPLY        the version reply had begun and was not complete
    OTHER_SERVICE       the server had answered in another protocol
    *without a byte from the server:*
    AFTER_OTHER_BYTES   what the client sent is no hello, or its hello was not captured, and it had time to send one
    WAITED_FOR_HELLO    the client had sent nothing for more than a second
    RELAY_UNREAD        within a second, nothing the client sent was read: on one machine, or on a relay's usual port
    RELAY_EARLY         within a second, on a relay's usual port; the hello may have been read or not
    WITHIN_HELLO        the client was still sending its hello
    BEFORE_HELLO        from another machine, within a second, before the client's first byte
    HELLO_UNREAD        from another machine, within a second, and the client's hello was not read
    UNKNOWN_MOMENT      no hello had come, and the handshake was not captured, or the clock stepped back before the end
    AFTER_HELLO         after a valid hello
    =================== =============================================================================================
    """
    ended = conversation.connection.ended
    if ended is None or ended.by is not Side.SERVER:
        return ServerClose.NOT_ENDED
    if in_session(conversation):
        return ServerClose.WITHIN_SESSION
    match conversation.outcome:
        case Outcome.CLOSED | Outcome.RESET:
            return _without_a_byte(conversation, ended)
        case Outcome.CUT_OFF:
            return ServerClose.WITHIN_REPLY
        case Outcome.FOREIGN:
            return ServerClose.OTHER_SERVICE
        case Outcome.REPLIED if conversation.dialogue.start is None or start_came_too_late(conversation):
            return ServerClose.AFTER_REPLY
        case Outcome.REPLIED:
            return ServerClose.AFTER_START_API
    return ServerClose.NOT_PLACED


def in_session(conversation: Conversation) -> bool:
    """Tell whether it came to a session: it became ready, or was at work already when the capture began.

    One that was joined is at work if the server sends more than errors, as it also does before a session is ready; and both
    directions must be in the capture, since otherwise it is not known who ended it.
    """
    if conversation.outcome is not Outcome.JOINED:
        return conversation.dialogue.ready is not None and conversation.outcome is not Outcome.UNPROVEN
    halves = conversation.connection.from_client, conversation.connection.from_server
    sent = conversation.dialogue.messages[Side.SERVER]
    return all(half.segments for half in halves) and any(name != "ERR_MSG" for name in sent)


def _without_a_byte(conversation: Conversation, ended: Ended) -> ServerClose:
    connection, hello = conversation.connection, conversation.dialogue.hello
    before_hello, within_hello = _before_first_byte(conversation, ended), _within_hello(conversation, ended)
    if hello is not None and not hello.is_valid and not before_hello and not within_hello:
        return ServerClose.AFTER_OTHER_BYTES
    if before_hello and _waited(connection, ended):
        return ServerClose.WAITED_FOR_HELLO
    unread = closed_unread(conversation)
    if unread and (connection.same_host or on_relay_port(connection)):
        return ServerClose.RELAY_UNREAD
    if on_relay_port(connection) and _early(connection, ended) and not fin_not_captured(connection):
        return ServerClose.RELAY_EARLY
    if within_hello:
        return ServerClose.WITHIN_HELLO
    if unread:
        return ServerClose.BEFORE_HELLO if before_hello else ServerClose.HELLO_UNREAD
    return ServerClose.UNKNOWN_MOMENT if before_hello or hello is None else ServerClose.AFTER_HELLO


def closed_without_reply(conversation: Conversation) -> Ended | None:
    """The server's end of a connection on which it never sent a byte."""
    return conversation.connection.ended if conversation.outcome in (Outcome.CLOSED, Outcome.RESET) else None


def closed_unread(conversation: Conversation) -> bool:
    """Tell whether the server ended within a second, before it can have read what the client sent."""
    connection, ended = conversation.connection, closed_without_reply(conversation)
    if ended is None or not _early(connection, ended):
        return False
    unread = _left_unread(connection, ended) or _fin_crossed_data(connection, ended)
    return unread or _before_first_byte(conversation, ended)


def certainly_legs(outer: Conversation) -> bool:
    """Tell whether the pair is surely a relay's: on one machine, any program may have made both connections.

    There it is sure on a port where relays listen, or when the server closed before it can have read a byte, which only
    relays do.
    """
    return not outer.connection.same_host or on_relay_port(outer.connection) or closed_unread(outer)


def accepted_at(connection: Connection) -> Moment | None:
    """When the connection was established: the client's ACK, or the SYN-ACK if that ACK came only after the end."""
    established, ended = connection.established, connection.ended
    late = established is not None and ended is not None and established.packet > ended.moment.packet
    return connection.syn_ack if late else established or connection.syn_ack


def fin_not_captured(connection: Connection) -> bool:
    """Tell whether the server's FIN is known only by the client's ACK of it: when it came is not known."""
    ended = connection.ended
    return ended is not None and ended.how is How.FIN and connection.from_server.fin is None


def start_came_too_late(conversation: Conversation) -> bool:
    """Tell whether the server ended before START_API arrived, so that START_API is not the reason."""
    connection, start = conversation.connection, conversation.dialogue.start
    ended = connection.ended
    if start is None or ended is None or ended.by is not Side.SERVER:
        return False
    if ended.moment.packet < start.moment.packet:
        return True
    return seconds_between(start.moment, ended.moment) < _quickest_answer(conversation)


def _quickest_answer(conversation: Conversation) -> float:
    """Seconds an answer takes at least at the place of the capture, by the handshake or, if quicker, the hello."""
    hello, reply = conversation.dialogue.hello, conversation.dialogue.reply
    if hello is None or reply is None:
        return 0.0
    times = (time_to_server(conversation.connection), seconds_between(hello.complete, reply.began))
    return min(time for time in times if time >= 0)


def _before_first_byte(conversation: Conversation, ended: Ended) -> bool:
    """Tell whether the end came before the client's first data, of which none is missing in the capture."""
    client = conversation.connection.from_client
    if client.captured < client.length:
        return False
    if client.first_data is None:
        return True
    acknowledged = client.ack_of_first_data  # which may stand before the data in the capture
    before = acknowledged is None or acknowledged.packet > ended.moment.packet
    return before and ended.moment.packet < client.first_data.packet


def _within_hello(conversation: Conversation, ended: Ended) -> bool:
    """Tell whether the end came while the client was sending its hello, which is then incomplete without its fault."""
    hello = conversation.dialogue.hello
    if hello is None or hello.dialect is not Dialect.INCOMPLETE:
        return False
    return seconds_between(hello.complete, ended.moment) < RELAY_CONNECTS  # also when negative, as it may have been


def _early(connection: Connection, ended: Ended) -> bool:
    """Tell whether the end came within a second after the connection was accepted, without the travel time."""
    established = accepted_at(connection)
    if established is None or clock_stepped_back(established, ended.moment):
        return False
    return seconds_between(established, ended.moment) - time_to_server(connection) <= RELAY_CONNECTS


def _waited(connection: Connection, ended: Ended) -> bool:
    """Tell whether the end came later than that."""
    established = connection.established
    return (
        established is not None
        and seconds_between(established, ended.moment) - time_to_server(connection) > RELAY_CONNECTS
    )


def _fin_crossed_data(connection: Connection, ended: Ended) -> bool:
    """Tell whether the FIN crossed the client's first data on the way: nothing up to the FIN acknowledges that data."""
    sent, acknowledged = connection.from_client.first_data, connection.from_client.ack_of_first_data
    if ended.how is not How.FIN or sent is None or fin_not_captured(connection):
        return False
    return acknowledged is None or acknowledged.packet > ended.moment.packet


def _left_unread(connection: Connection, ended: Ended) -> bool:
    """Tell whether a FIN is followed by a RST that no data caused: the server closed with the client's bytes unread.

    A kernel does that when a program closes before it has read everything (RFC 2525, 2.17; measured with socat).
    """
    reset, sent = connection.from_server.rst, connection.from_client.last_data
    if ended.how is not How.FIN or reset is None or connection.from_client.fin is not None:
        return False
    return sent is None or sent.packet < ended.moment.packet
