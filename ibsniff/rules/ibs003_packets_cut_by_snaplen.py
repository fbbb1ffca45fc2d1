"""Packets were not captured in full.

Seen: API segments that were longer on the wire than what was stored (the snapshot length, ``-s``).
Meaning: the bytes that matter, a hello or a reply, may be among those that were not stored.
How sure: the capture states both lengths.
What to do: capture with ``-s 0``.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Find API bytes that were sent but not stored."""
    connection = conversation.connection
    cut = connection.from_client.cut_by_snaplen + connection.from_server.cut_by_snaplen
    if not cut:
        return None
    return Statement(
        f"It is certain that the snapshot length cut off the end of {counted(cut, 'segment')} of this conversation. What "
        "was cut off is not decided; a capture of complete packets decides it.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        remedy="Capture again with complete packets: `tcpdump -s 0`.",
        explains=conversation.missing if conversation.dialogue.bytes_after_gap else None,
    )
