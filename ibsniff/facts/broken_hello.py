"""Whether what the client sent in place of a hello is the reason for the failure."""

from __future__ import annotations

from ibsniff.facts.captured_bytes import all_captured
from ibsniff.facts.client_hello import hello_acknowledged
from ibsniff.facts.server_close import ServerClose, closed_without_reply, server_close
from ibsniff.model import Conversation, Dialect, Hello, Outcome, Side

UNJUDGED = (Outcome.UNPROVEN, Outcome.REPLIED, Outcome.FOREIGN)
"""Outcomes under which an odd hello explains nothing: too early to say, or the server did answer, or it is no TWS."""

NEEDS_THE_END = (Dialect.INCOMPLETE, Dialect.BAD_LENGTH)
"""Only certain when all the client sent was captured: while a live capture runs, the rest may still come."""


def broken_hello(conversation: Conversation, *dialects: Dialect) -> Hello | None:
    """The client's hello, if it is one of these and the server did not understand it."""
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
    """Nothing of it is missing, nor held back: a kernel whose packets are not acknowledged sends no further small ones."""
    client = conversation.connection.from_client
    stuck = client.retransmissions > 0 and client.acked < client.length
    return all_captured(conversation, Side.CLIENT) and not stuck
