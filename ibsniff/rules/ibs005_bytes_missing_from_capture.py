"""Bytes that one side sent are missing from the capture.

Seen: the other side acknowledges bytes that are in no captured packet and were not sent again; or the RST that ends
a stream has a sequence number that counts more bytes than were captured.
Meaning: the bytes were sent, but the capture missed them; or, before a RST, they were lost on the way to where the
capture was made. Messages around the gap were not read. Bytes that the receiver still asks for are no loss of the
capture: they were lost on the way (IBS416).
How sure: TCP acknowledges only what it has received, and a RST carries the number of the next byte (RFC 9293, 3.4,
3.5.2).
What to do: capture again with a filter on the API port and a larger buffer; capture on one of the two machines.
"""

from __future__ import annotations

from ibsniff.facts.delivery import lost_bytes
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.reliability import missing_before_reset
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Conversation, Fault, Half, Moment, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Find gaps in the reassembled streams that the snapshot length did not cause."""
    halves = (conversation.connection.from_client, conversation.connection.from_server)
    whole = [half for half in halves if not half.cut_by_snaplen]
    missing = sum(half.gap_bytes + missing_before_reset(half) for half in whole)
    missing -= sum(lost_bytes(conversation.connection, side) for side in Side)
    one_way = not all(half.segments for half in halves)
    if missing <= 0 or one_way:
        return None
    return Statement(
        f"It is certain that the capture lacks {counted(missing, 'byte')} of this conversation. What these were is not "
        "decided; a capture without losses decides it.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=[moment for half in whole for moment in _noticed(half)],
        remedy="Capture again with a filter on the API port and a larger buffer: `tcpdump -B 65536 'tcp port 7497'`.",
        explains=conversation.missing if conversation.dialogue.bytes_after_gap or _no_byte_captured(halves) else None,
    )


def _no_byte_captured(halves: tuple[Half, ...]) -> bool:
    """No byte of one side was captured, although its RST shows that it sent some."""
    return any(not half.length and missing_before_reset(half) for half in halves)


def _noticed(half: Half) -> list[Moment | None]:
    """The packets that show that bytes of this side are missing: those after gaps, or its RST."""
    return [gap.noticed for gap in half.gaps] or [half.rst if missing_before_reset(half) else None]
