"""How long things took in one conversation: waits, the time packets travel, and how patient the client was.

A capture's clock may step back between two packets. Then the time between them is negative, which says nothing about
how long it really was: whatever asks for "less than so many seconds" is answered with no.
"""

from __future__ import annotations

from ibsniff.formatting import seconds_between
from ibsniff.model import Connection, Conversation, Moment, Side

MINIMUM_WAIT = 1.0
"""Seconds a client should wait at least: TWS answers within milliseconds, and over any network within a second."""


def clock_stepped_back(earlier: Moment, later: Moment) -> bool:
    """Tell whether the later packet bears the earlier time: how long it was between them is not known."""
    return earlier.packet < later.packet and later.time_ns < earlier.time_ns


def is_within(earlier: Moment, later: Moment, seconds: float) -> bool:
    """Tell whether less than so many seconds passed; no when the clock stepped back, as it is not known then.

    A packet that stands before the "earlier" one in the capture, as packets may after losses, did not come later.
    """
    return seconds_between(earlier, later) < seconds and not clock_stepped_back(earlier, later)


def time_to_server(connection: Connection) -> float:
    """Seconds from where the capture was made to the server and back; 0 when the handshake is not in it.

    On one machine a SYN that is sent again was ignored, not slow. Elsewhere it is not known which SYN was answered, and
    the longest time counts.
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


def client_finished(conversation: Conversation) -> Moment:
    """When the client had sent what it had to send; a retransmission does not count."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    sent = hello.complete if hello is not None else connection.from_client.first_data
    return sent or connection.established or connection.first


def end_of_wait_ns(conversation: Conversation) -> int:
    """When waiting for an answer was over: at the end of the connection, else at the end of the capture."""
    ended = conversation.connection.ended
    return ended.moment.time_ns if ended is not None else conversation.watched_until_ns


def wait_of_client(conversation: Conversation) -> float | None:
    """Seconds from the client's valid hello until the client ended the connection; None when it was not that way.

    Negative when the clock stepped back meanwhile.
    """
    ended, hello = conversation.connection.ended, conversation.dialogue.hello
    if ended is None or hello is None or not hello.is_valid or ended.by is not Side.CLIENT:
        return None
    if ended.moment.packet < hello.complete.packet:  # a part of the hello was late, and nobody waited
        return 0.0
    return seconds_between(hello.complete, ended.moment)


def waited_long_enough(conversation: Conversation) -> bool:
    """Tell whether the client, if it ended the connection, gave the server a fair chance to answer; travel time not counted.

    It is not known, and so not said, when the clock stepped back meanwhile.
    """
    wait = wait_of_client(conversation)
    return wait is None or wait >= MINIMUM_WAIT + round_trip(conversation.connection)


def packets_were_lost(connection: Connection) -> bool:
    """Tell whether packets were lost on the way and sent again: what came, and when, says less."""
    repeated = connection.from_client.retransmissions + connection.from_server.retransmissions
    return not connection.same_host and (repeated > 0 or connection.syn_count > 1)
