"""START_API has not the form the negotiated version asks for.

Seen: message 71 as text where a raw id or protobuf is due, or the other way round, or with a field too few; and no
session came of it.
Meaning: TWS reads another message, or none. From server version 201 on every id is a raw 4-byte number, from 213 on
START_API is protobuf.
How sure: certain for the form (EClient.startApi); what TWS does with a wrong one is not known.
Sources: client.py and comm.py of the official Python client 10.46; wboayue/rust-ibapi 410.
What to do: send the form of the *negotiated* version, or offer a lower maximum in the hello.
"""

from __future__ import annotations

from functools import lru_cache

from ibsniff.model import (
    Capture,
    Confidence,
    Conversation,
    Endpoint,
    Fault,
    Outcome,
    ReplyKind,
    Rung,
    Severity,
    Side,
)
from ibsniff.rules.ibs308_server_version_too_low import out_of_range
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.session import all_captured, settled_after, started_too_late
from ibsniff.rules.words import hexed


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, capture: Capture) -> Statement | None:
    """Form and version disagree."""
    hello, start, reply = conversation.dialogue.hello, conversation.dialogue.start, conversation.dialogue.reply
    if conversation.outcome is not Outcome.REPLIED or conversation.dialogue.ready or start is None or reply is None:
        return None
    if start.fits or start.expected is None or not settled_after(conversation, start.moment):
        return None
    if (
        reply.kind is ReplyKind.REDIRECT
        or started_too_late(conversation)
        or not all_captured(conversation, Side.SERVER)
    ):
        return None
    if hello is not None and out_of_range(hello, reply):  # then IBS308 speaks
        return None
    if (conversation.connection.server, start.raw, reply.server_version) in _served(capture):
        return None
    return Statement(
        f"The client's START_API is '{start.form}'; server version {reply.server_version} asks for '{start.expected}'. "
        f"The bytes: {hexed(start.raw)}",
        Fault.CLIENT,
        Confidence.HIGH,
        packets=(*reply.packets, start.moment.packet),
        remedy="Send START_API in the form of the negotiated version, or offer a lower maximum version in the hello.",
        explains=conversation.missing,
    )


@lru_cache(maxsize=1)
def _served(capture: Capture) -> frozenset[tuple[Endpoint, bytes, int | None]]:
    """What servers took: the same bytes, for the same version, are not the reason at another time."""
    ready = ((one.connection.server, one.dialogue) for one in capture.conversations if one.rung is Rung.READY)
    return frozenset(
        (server, dialogue.start.raw, dialogue.reply.server_version)
        for server, dialogue in ready
        if dialogue.start is not None and dialogue.reply is not None
    )
