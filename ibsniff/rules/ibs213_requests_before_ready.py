"""The client sent requests before the session was ready.

Seen: messages after START_API and before nextValidId, and the session did not become ready.
Meaning: TWS may drop such requests, or end the connection.
How sure: IB documents that requests may be dropped; that TWS closes the connection was seen once.
Sources: IB's API documentation on nextValidId; stoqey/ib 162 (71 and 17 in one millisecond, closed 4 ms later).
What to do: wait for nextValidId (9) before the first request.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.reliability import all_captured
from ibsniff.facts.server_close import ServerClose, server_close
from ibsniff.facts.session import settled_after
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.NOTE)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Find requests in a session that never became ready."""
    dialogue = conversation.dialogue
    start = dialogue.start
    if conversation.outcome is not Outcome.REPLIED or start is None or dialogue.next_valid_id is not None:
        return None
    if server_close(conversation) is ServerClose.AFTER_REPLY:
        return None
    early = [one for one in dialogue.first_messages if one.side is Side.CLIENT and one.name != "START_API"]
    if not early or not all_captured(conversation, Side.SERVER) or not settled_after(conversation, start.moment):
        return None
    return Statement(
        f"The client sent {early[0].name} before nextValidId; TWS may drop it, or close the connection because of it.",
        Fault.CLIENT,
        Confidence.LOW,
        packets=(message.moment.packet for message in early),
        remedy="Wait for nextValidId (9) before the first request.",
    )
