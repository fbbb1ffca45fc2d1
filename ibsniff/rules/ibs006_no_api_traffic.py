"""No conversation with a TWS or Gateway is in the capture.

Seen: no TCP connection, and no attempt at one, to an API port.
Meaning: the program did not call while the capture ran, or it called another port, or its packets pass another
interface. A program on the same machine as TWS talks over loopback, which a capture on ``eth0`` never sees.
How sure: certain for this capture; it says nothing about TWS.
What to do: start the capture, then the program. On Linux ``-i lo`` for a TWS on the same machine, from WSL ``-i eth0``;
name another API port with ``--port``.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule

SHOWN_REASONS = 3
"""Reasons for skipped packets named in the sentence: the commonest tell enough."""


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Statement | None:
    """Nothing to judge."""
    if index.conversations or index.capture.omitted:
        return None
    facts = index.capture.facts
    seen = ", ".join(f"{count:,} {reason}" for reason, count in facts.skipped.most_common(SHOWN_REASONS))
    return Statement(
        f"No API conversation in {counted(facts.packets, 'packet')}" + (f" ({seen})." if seen else "."),
        Fault.UNDETERMINED,
        Confidence.HIGH,
        remedy="Start the capture before the program, on the interface that carries its traffic (lo when TWS is on the "
        "same machine; eth0 from WSL), and name the port with --port if it is not a usual one.",
    )
