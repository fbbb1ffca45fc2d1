"""Whether the program that listens can be blamed for a silence."""

from __future__ import annotations

from collections.abc import Iterable

from ibsniff.facts.opening import hello_acknowledged
from ibsniff.facts.timing import round_trip, waited_long_enough
from ibsniff.formatting import seconds_between
from ibsniff.model import Connection, Conversation, Outcome, Side

CLOSES_AFTER = 2.0
"""Seconds within which a running program closes after its client has: socat takes half a second (measured)."""


def silent_to_valid_hello(conversation: Conversation) -> bool:
    """Tell whether a valid hello arrived, the client waited long enough, and nothing came back."""
    hello = conversation.dialogue.hello
    if conversation.outcome is not Outcome.SILENT or hello is None or not hello.is_valid:
        return False
    if conversation.connection.from_client.zero_windows:  # no answer may be sent into a zero window
        return False
    return waited_long_enough(conversation) and hello_acknowledged(conversation)


def closed_after_client(connection: Connection) -> bool:
    """Tell whether the server closed its side soon after the client: a program that reads did that, and does not hang.

    A kernel alone only acknowledges a FIN; for a program that closes or dies with bytes unread, it sends a RST
    (RFC 2525, 2.17).
    """
    ended, server = connection.ended, connection.from_server
    if ended is None or ended.by is not Side.CLIENT or server.fin is None or server.rst is not None:
        return False
    return seconds_between(ended.moment, server.fin) <= CLOSES_AFTER + round_trip(connection)


def latest_silent(conversations: Iterable[Conversation]) -> Iterable[Conversation]:
    """The last unanswered conversation of each client address: thousands may come from few addresses."""
    silent = (one for one in conversations if silent_to_valid_hello(one))
    return {one.connection.client.address: one for one in silent}.values()
