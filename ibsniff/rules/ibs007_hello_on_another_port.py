"""A program says an IB hello on a port that was not looked at.

Seen: a segment that begins with ``API`` NUL, on a port that is neither a usual API port nor named with ``--port``.
Meaning: that is an IB API client, and TWS or a relay was set to that port.
How sure: no other protocol is known to open with these four bytes.
What to do: read again with ``--port``, or with ``--port any``.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule

SHOWN_PORTS = 5
"""Ports named in the sentence: a program calls one, or tries the usual four."""


@capture_rule(Severity.NOTE)
def check(index: CaptureIndex) -> Statement | None:
    """An IB hello was noticed elsewhere."""
    if not index.capture.stray_hellos:
        return None
    ports = sorted({hello.destination.port for hello in index.capture.stray_hellos})
    named = ", ".join(str(port) for port in ports[:SHOWN_PORTS])
    more = f" and {len(ports) - SHOWN_PORTS} more" if len(ports) > SHOWN_PORTS else ""
    options = " ".join(f"--port {port}" for port in ports[:SHOWN_PORTS]) if not more else "--port any"
    return Statement(
        f"An IB client also says hello on port {named}{more}, which was not looked at.",
        Fault.NONE,
        Confidence.HIGH,
        packets=(hello.packet for hello in index.capture.stray_hellos),
        remedy=f"Read again with {options}.",
    )
