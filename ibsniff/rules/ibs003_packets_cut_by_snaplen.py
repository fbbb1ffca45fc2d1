"""Packets were not captured in full.

Seen: API segments that were longer on the wire than what was stored (the snapshot length, ``-s``).
Meaning: the bytes that matter, a hello or a reply, may be among those that were not stored.
How sure: the capture states both lengths.
What to do: capture with ``-s 0``.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Connection, Conversation, Fault, Half, Severity
from ibsniff.rules.registry import Statement, cited, conversation_rule


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Find API bytes that were sent but not stored."""
    connection = conversation.connection
    cut = sum(half.cut_by_snaplen for half in _halves(connection))
    if not cut:
        return None
    return Statement(
        f"It is certain that the snapshot length cut off the end of {counted(cut, 'segment')} of this conversation. What "
        "was cut off is not decided; a capture of complete packets decides it.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=[cited(conversation, half.first_cut, "its end was not captured") for half in _halves(connection)],
        remedy="Capture again with complete packets: `tcpdump -s 0`.",
        explains=conversation.missing if conversation.dialogue.bytes_after_gap else None,
    )


def _halves(connection: Connection) -> tuple[Half, Half]:
    return connection.from_client, connection.from_server
