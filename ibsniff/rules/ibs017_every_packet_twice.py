"""Every packet is in the capture twice.

Seen: of nearly every API packet a second copy, the same to the identification, within milliseconds.
Meaning: the capture sat where packets pass twice: a bridge and its port, ``-i any`` on a router, a mirror of both
directions of one switch. The copies were recognised and are not counted as retransmissions.
How sure: certain; the copies carry the IP identification of the first.
What to do: nothing; naming one interface makes the file half as long.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule

MOST = 0.8
"""Copies for each packet: some of a few are chance, and of a pair one may be lost."""
FEWEST = 3
"""Packets with a copy: a handshake."""


@capture_rule(Severity.NOTE)
def check(index: CaptureIndex) -> Statement | None:
    """Copies, as many as packets."""
    copies = sum(map(_copies, index.conversations))
    packets = sum(map(_packets, index.conversations))
    if copies < FEWEST or copies < MOST * packets:
        return None
    return Statement(
        "Every packet is in this capture twice: it passes two of the interfaces that were captured. Copies are not counted.",
        Fault.NONE,
        Confidence.HIGH,
    )


def _copies(conversation: Conversation) -> int:
    connection = conversation.connection
    return connection.from_client.duplicates + connection.from_server.duplicates


def _packets(conversation: Conversation) -> int:
    connection = conversation.connection
    return connection.from_client.segments + connection.from_server.segments
