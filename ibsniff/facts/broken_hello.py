"""Whether what the client sent in place of a hello is the reason for the failure."""

from __future__ import annotations

from ibsniff.facts.opening import hello_acknowledged
from ibsniff.facts.reliability import all_captured
from ibsniff.facts.server_close import ServerClose, closed_without_reply, server_close
from ibsniff.model import Conversation, Dialect, Hello, Outcome, Side

UNJUDGED = (Outcome.UNPROVEN, Outcome.REPLIED, Outcome.FOREIGN)
"""Outcomes that a wrong hello does not explain: it is too early to say, the server answered, or it is not a TWS."""

NEEDS_THE_END = (Dialect.INCOMPLETE, Dialect.BAD_LENGTH)
"""Only certain when everything the client sent was captured: in a live capture the rest may still come."""


def broken_hello(conversation: Conversation, *dialects: Dialect) -> Hello | None:
    """The client's hello, if it has one of these dialects and the server did not understand it."""
    hello = conversation.dialogue.hello
    if hello is None or hello.dialect not in dialects or conversation.outcome in UNJUDGED:
        return None
    closed = closed_without_reply(conversation) is not None
    if closed and server_close(conversation) is not ServerClose.AFTER_OTHER_BYTES:
        return None
    if hello.dialect in NEEDS_THE_END and not _sent_all(conversation):
        return None
    return hello if hello_acknowledged(conversation) or conversation.outcome is not Outcome.SILENT else None


def _sent_all(conversation: Conversation) -> bool:
    """Nothing is missing or held back: a kernel sends no more small packets while earlier ones are unacknowledged."""
    client = conversation.connection.from_client
    stuck = client.retransmissions > 0 and client.acked < client.length
    return all_captured(conversation, Side.CLIENT) and not stuck
