"""Packets were not captured whole.

Seen: API segments whose length on the wire is greater than what was stored (the snapshot length, ``-s``).
Meaning: the bytes that decide, a hello or a reply, may be among those that were not stored.
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
    """API bytes were sent, and not stored."""
    connection = conversation.connection
    cut = connection.from_client.cut_by_snaplen + connection.from_server.cut_by_snaplen
    if not cut:
        return None
    return Statement(
        f"{counted(cut, 'segment')} of this conversation came into the capture cut short by the snapshot length.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        remedy="Capture again with whole packets: tcpdump -s 0.",
        explains=conversation.missing if conversation.dialogue.bytes_after_gap else None,
    )
