"""Bytes that one side sent are not in the capture.

Seen: the other side acknowledges bytes that no captured packet holds, and they were not sent again.
Meaning: they arrived; the capture missed them. Messages around the hole were not read.
How sure: TCP acknowledges only what it has received (RFC 9293, 3.4).
What to do: capture again with a filter on the API port and a larger buffer; capture on one of the two machines.
"""

from __future__ import annotations

from ibsniff.model import Capture, Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.words import counted


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _capture: Capture) -> Statement | None:
    """The reassembled streams have holes that are not the snapshot length's."""
    halves = (conversation.connection.from_client, conversation.connection.from_server)
    whole = [half for half in halves if not half.cut_by_snaplen]
    missing = sum(half.gap_bytes for half in whole)
    one_way = not all(half.segments for half in halves)
    if not missing or one_way:
        return None
    return Statement(
        f"{counted(missing, 'byte')} of this conversation did not get into the capture; what they said is not known.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=(gap.noticed.packet for half in whole for gap in half.gaps),
        remedy="Capture again with a filter on the API port and a larger buffer: tcpdump -B 65536 'tcp port 7497'.",
        explains=conversation.missing if conversation.dialogue.bytes_after_gap else None,
    )
