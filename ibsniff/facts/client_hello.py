"""Whether the server received the client's hello, and whether the client sent a hello at all."""

from __future__ import annotations

from ibsniff.facts.timing import client_finished, end_of_wait_ns, round_trip
from ibsniff.model import NANOSECONDS, Conversation, Dialect, Outcome

RETRANSMITTED_AFTER, AFTER_LOST_SYN = 1.0, 3.0
"""Seconds after which a kernel retransmits data that was not acknowledged; the second number applies when its SYN was
lost before (RFC 6298, 2.1 and 5.7)."""


def hello_acknowledged(conversation: Conversation) -> bool:
    """Tell whether the server's kernel acknowledged the hello: it arrived.

    A capture may miss that ACK. The client's kernel received it if it retransmits nothing: without an ACK it would
    retransmit after a second or three round trips (RFC 6298, 2.1 to 2.3), or after three seconds if its SYN was lost
    before.
    """
    connection = conversation.connection
    client = connection.from_client
    if client.ack_of_first_data is not None or client.retransmissions:
        return client.ack_of_first_data is not None
    due = (AFTER_LOST_SYN if connection.syn_count > 1 else RETRANSMITTED_AFTER) + 3 * round_trip(connection)
    waited_ns = end_of_wait_ns(conversation) - client_finished(conversation).time_ns
    return connection.same_host or waited_ns >= due * NANOSECONDS


def sent_no_hello(conversation: Conversation) -> bool:
    """Tell whether the client connected without sending a hello: suspected of making TWS stop answering."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    if connection.established is None or conversation.outcome in (Outcome.REPLIED, Outcome.FOREIGN, Outcome.JOINED):
        return False
    return hello is None or (not hello.is_valid and hello.dialect is not Dialect.NOT_CAPTURED)
