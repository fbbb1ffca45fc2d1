"""Only one direction of the conversation was captured.

Seen: the packets of one side acknowledge packets of the other side that are not in the capture.
Meaning: nothing can be said about the side that was not captured, and certainly not that it was silent.
How sure: the acknowledgments prove that the other side sent something.
What to do: capture on an interface that carries both directions: on the client's machine, or on ``any``. A mirror
port must copy both. In WSL's mirrored mode, replies may arrive on another interface than the one requests leave by.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Find a side of which no packet was captured although the other side answers it."""
    connection = conversation.connection
    client, server = connection.from_client.segments, connection.from_server.segments
    if conversation.outcome is not Outcome.UNPROVEN or (client and server):
        return None
    if not client or client > connection.syn_count:
        missing = "client" if not client else "server"
        return Statement(
            f"It is certain that only one direction was captured: there is no packet from the {missing}. What it did is not "
            "decided; a capture of both directions decides it.",
            Fault.UNDETERMINED,
            Confidence.HIGH,
            packets=(connection.first.packet, connection.last.packet),
            remedy="Capture where both directions pass: on the client's machine, or with `-i any`.",
            explains=conversation.missing,
        )
    return None
