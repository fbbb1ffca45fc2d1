"""Every packet is in the capture twice.

Seen: a second copy of nearly every API packet, with the same IP identification, within milliseconds.
Meaning: the capture was made where each packet passes twice: on a bridge and its port, with ``-i any`` on a router, or
on a mirror port that copies both directions of one switch. The copies were recognised and are not counted as
retransmissions.
How sure: certain; the copies carry the IP identification of the first packet.
What to do: nothing is required; naming one interface makes the file half as long.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule

ENOUGH_COPIES = 0.8
"""Copies per packet: a few may be chance, and one packet of a pair may be lost."""
MIN_COPIES = 3
"""Packets with a copy: as many as a TCP handshake has."""


@capture_rule(Severity.NOTE)
def check(index: CaptureIndex) -> Statement | None:
    """Find about as many copies as packets."""
    copies = sum(map(_copies, index.conversations))
    packets = sum(map(_packets, index.conversations))
    if copies < MIN_COPIES or copies < ENOUGH_COPIES * packets:
        return None
    return Statement(
        "Every packet is in this capture twice, because it passes two of the captured interfaces. Copies are not "
        "counted.",
        Fault.NONE,
        Confidence.HIGH,
    )


def _copies(conversation: Conversation) -> int:
    connection = conversation.connection
    return connection.from_client.duplicates + connection.from_server.duplicates


def _packets(conversation: Conversation) -> int:
    connection = conversation.connection
    return connection.from_client.segments + connection.from_server.segments
