"""Part of the capture was not analysed: ibsniff does not read its link type.

Seen: packets of an interface with a link type that ibsniff does not know, beside conversations that were read.
Meaning: an answer may have come over that interface, so any silence is in doubt.
How sure: it is certain that these packets were not analysed; what they contain is not known.
What to do: capture on the interface that carries the API traffic, or on Linux with ``-i any``.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Statement | None:
    """Find several link types of which not all are read."""
    unread = index.reliability.packets_not_read
    if not unread or not index.conversations:
        return None
    return Statement(
        f"ibsniff does not read the link type of {counted(unread, 'packet')} of this capture; an answer may be among "
        "them.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        remedy="Capture on the interface that carries the API traffic: lo for a TWS on the same machine, eth0 from "
        "WSL; or use `-i any`.",
    )
