"""How long things took in one conversation: waits, round trips, and how long the client waited.

A capture's clock may step back between two packets. Then the time between them is negative, which says nothing about
how long it really was, so the answer to "less than so many seconds?" is no.
"""

from __future__ import annotations

from ibsniff.formatting import seconds_between
from ibsniff.model import NANOSECONDS, Connection, Conversation, Moment, Side

MINIMUM_WAIT = 1.0
"""Seconds a client should wait at least: TWS answers within milliseconds, and over any network within a second."""

ENDS_TOGETHER_NS = NANOSECONDS
"""Within a second, a server that shuts down ends all its connections."""

CLOSES_AFTER = 2.0
"""Seconds within which a running program closes after its client has: socat takes half a second (measured)."""


def clock_stepped_back(earlier: Moment, later: Moment) -> bool:
    """Tell whether the later packet has the earlier timestamp: the time between them is not known."""
    return earlier.packet < later.packet and later.time_ns < earlier.time_ns


def is_within(earlier: Moment, later: Moment, seconds: float) -> bool:
    """Tell whether less than so many seconds passed; False when the clock stepped back, as it is not known then.

    A packet that stands before the "earlier" one in the capture, as packets may after losses, did not come later.
    """
    return seconds_between(earlier, later) < seconds and not clock_stepped_back(earlier, later)


def time_to_server(connection: Connection) -> float:
    """Seconds from the place of the capture to the server and back; 0 when the handshake was not captured.

    On one machine, a SYN that was repeated had been ignored, not delayed. Elsewhere it is not known which SYN was
    answered, and the longest time counts.
    """
    syns = [syn for syn in connection.syns if connection.syn_ack and syn.packet < connection.syn_ack.packet]
    if not syns or connection.syn_ack is None:
        return 0.0
    return max(0.0, seconds_between(syns[-1 if connection.same_host else 0], connection.syn_ack))


def round_trip(connection: Connection) -> float:
    """Seconds from one end to the other and back, as the handshake shows; 0 when it was not captured."""
    accepted, established = connection.syn_ack, connection.established
    if accepted is None or established is None:
        return time_to_server(connection)
    return time_to_server(connection) + max(0.0, seconds_between(accepted, established))


def time_to_acknowledge(connection: Connection) -> float:
    """Seconds until the server's kernel had acknowledged the client's first data; 0 when it had to be sent again.

    A kernel acknowledges within half a second, whatever the program that listens does (RFC 9293, 3.8.6.3), perhaps together
    with its answer: the rest of this time is the way there and back, also where the handshake was not captured.
    """
    client = connection.from_client
    if client.first_data is None or client.ack_of_first_data is None or client.retransmissions:
        return 0.0
    return max(0.0, seconds_between(client.first_data, client.ack_of_first_data))


def client_finished(conversation: Conversation) -> Moment:
    """When the client had sent all it had to send; retransmissions do not count."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    sent = hello.complete if hello is not None else connection.from_client.first_data
    return sent or connection.established or connection.first


def end_of_wait_ns(conversation: Conversation) -> int:
    """When the wait for an answer was over: at the end of the connection, else at the end of the capture."""
    ended = conversation.connection.ended
    return ended.moment.time_ns if ended is not None else conversation.watched_until_ns


def wait_of_client(conversation: Conversation) -> float | None:
    """Seconds from the client's valid hello until the client ended the connection; None if it did not happen like that.

    Negative when the clock stepped back in between.
    """
    ended, hello = conversation.connection.ended, conversation.dialogue.hello
    if ended is None or hello is None or not hello.is_valid or ended.by is not Side.CLIENT:
        return None
    if ended.moment.packet < hello.complete.packet:  # a part of the hello came late, and nobody waited
        return 0.0
    return seconds_between(hello.complete, ended.moment)


def waited_long_enough(conversation: Conversation) -> bool:
    """Tell whether a client that ended the connection gave the server enough time to answer, besides the round trip.

    False when the clock stepped back in between, as it is not known then.
    """
    wait = wait_of_client(conversation)
    return wait is None or wait >= MINIMUM_WAIT + round_trip(conversation.connection)


def packets_were_lost(connection: Connection) -> bool:
    """Tell whether packets were lost on the way and sent again: then missing or late packets prove less."""
    repeated = connection.from_client.retransmissions + connection.from_server.retransmissions
    return not connection.same_host and (repeated > 0 or connection.syn_count > 1)


def is_open_at(conversation: Conversation, moment: Moment) -> bool:
    """Tell whether it had begun and neither side had ended it."""
    connection = conversation.connection
    ended = connection.ended
    return connection.first.time_ns <= moment.time_ns and (ended is None or ended.moment.time_ns > moment.time_ns)


def closed_after_client(connection: Connection) -> bool:
    """Tell whether the server closed its side soon after the client: a program that reads did that, and does not hang.

    A kernel alone only acknowledges a FIN; for a program that closes or dies with bytes unread, it sends a RST
    (RFC 2525, 2.17).
    """
    ended, server = connection.ended, connection.from_server
    if ended is None or ended.by is not Side.CLIENT or server.fin is None or server.rst is not None:
        return False
    return seconds_between(ended.moment, server.fin) <= CLOSES_AFTER + round_trip(connection)
