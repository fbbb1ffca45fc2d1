"""START_API does not have the form that the negotiated version requires.

Seen: message 71 as text where a raw id or protobuf is required, or the other way round, or with a field missing; and
the session did not start.
Meaning: TWS reads another message, or none. From server version 201 on, every id is a raw 4-byte number; from 213 on,
START_API is protobuf.
How sure: certain for the form (EClient.startApi); what TWS does with a wrong one is not known.
Sources: client.py and comm.py of the official Python client 10.46; wboayue/rust-ibapi 410.
What to do: send the form of the *negotiated* version, or offer a lower maximum in the hello.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.reliability import all_captured
from ibsniff.facts.server_close import ServerClose, server_close
from ibsniff.facts.session import settled_after, version_not_offered
from ibsniff.model import (
    Confidence,
    Conversation,
    Fault,
    Outcome,
    ReplyKind,
    Severity,
    Side,
)
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a START_API whose form does not fit the version."""
    hello, start, reply = conversation.dialogue.hello, conversation.dialogue.start, conversation.dialogue.reply
    if conversation.outcome is not Outcome.REPLIED or conversation.dialogue.ready or start is None or reply is None:
        return None
    if start.fits or start.expected is None or not settled_after(conversation, start.moment):
        return None
    if reply.kind is ReplyKind.REDIRECT or server_close(conversation) is ServerClose.AFTER_REPLY:
        return None
    if not all_captured(conversation, Side.SERVER):
        return None
    if hello is not None and version_not_offered(hello, reply):  # IBS308 reports it
        return None
    if index.server_history.start_api_accepted(conversation):  # so these bytes are not the reason
        return None
    return Statement(
        f"The client's START_API is '{start.form}'; server version {reply.server_version} requires '{start.expected}'.",
        Fault.CLIENT,
        Confidence.HIGH,
        packets=(*reply.packets, start.moment.packet),
        remedy="Send START_API in the form of the negotiated version, or offer a lower maximum version in the hello.",
        explains=conversation.missing,
    )
