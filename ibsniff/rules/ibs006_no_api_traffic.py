"""The capture contains no conversation with TWS or Gateway.

Seen: no TCP connection to an API port, and no attempt at one.
Meaning: the program did not try to connect while the capture ran, or it used another port, or its packets take another
interface. A program on the same machine as TWS uses the loopback interface, which a capture on ``eth0`` never sees.
How sure: certain for this capture; it says nothing about TWS.
What to do: start the capture first, then the program. On Linux use ``-i lo`` for a TWS on the same machine, from WSL
``-i eth0``; name another API port with ``--port``.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule

SHOWN_REASONS = 3
"""How many reasons for skipped packets the sentence names: the most common ones say enough."""


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Statement | None:
    """Find a capture without any conversation."""
    if index.conversations or index.capture.omitted:
        return None
    facts = index.capture.facts
    seen = ", ".join(f"{count:,} {reason}" for reason, count in facts.skipped.most_common(SHOWN_REASONS))
    return Statement(
        f"No API conversation was found in {counted(facts.packets, 'packet')}" + (f" ({seen})." if seen else "."),
        Fault.UNDETERMINED,
        Confidence.HIGH,
        remedy="Start the capture before the program, on the interface that carries its traffic (lo when TWS is on the "
        "same machine; eth0 from WSL). Name the port with --port if it is not one of the usual ones.",
    )
