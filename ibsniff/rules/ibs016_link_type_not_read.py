"""Part of the capture was not looked at: its link type is not read.

Seen: packets of an interface whose link layer is none of those known here, beside conversations that were read.
Meaning: an answer may have come that way; a silence is in doubt.
How sure: certain that they were not looked at; what is in them is not known.
What to do: capture on the interface that carries the API traffic, or on Linux with ``-i any``.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Statement | None:
    """Mixed link types, of which not all are read."""
    unread = index.reliability.packets_not_read
    if not unread or not index.conversations:
        return None
    return Statement(
        f"{counted(unread, 'packet')} of this capture came over a kind of link that is not read; an answer may be among "
        "them.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        remedy="Capture on the interface that carries the API traffic: lo for a TWS on the same machine, eth0 from WSL; or "
        "-i any.",
    )
