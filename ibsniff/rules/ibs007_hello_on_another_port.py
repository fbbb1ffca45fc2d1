"""A program sends an IB hello to a port that was not analysed.

Seen: a segment that begins with ``API`` NUL, on a port that is neither a usual API port nor named with ``--port``.
Meaning: the program is an IB API client, and TWS or a relay was configured to use that port.
How sure: no other protocol is known to begin with these four bytes.
What to do: read the capture again with ``--port``, or with ``--port any``.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Evidence, Fault, Severity, Side
from ibsniff.rules.registry import Statement, capture_rule

SHOWN_PORTS = 5
"""How many ports the sentence names: a program connects to one, or tries the four usual ones."""


@capture_rule(Severity.NOTE)
def check(index: CaptureIndex) -> Statement | None:
    """Find IB hellos on other ports."""
    if not index.capture.stray_hellos:
        return None
    ports = sorted({hello.destination.port for hello in index.capture.stray_hellos})
    named = ", ".join(str(port) for port in ports[:SHOWN_PORTS])
    more = f" and {len(ports) - SHOWN_PORTS} more" if len(ports) > SHOWN_PORTS else ""
    noun = "port" if len(ports) == 1 else "ports"
    options = " ".join(f"--port {port}" for port in ports[:SHOWN_PORTS]) if not more else "--port any"
    return Statement(
        f"An IB client also sends a hello to {noun} {named}{more}, outside the analysed ports.",
        Fault.NONE,
        Confidence.HIGH,
        packets=[
            Evidence(hello.packet, hello.time_ns, Side.CLIENT, f"an IB hello to {hello.destination}")
            for hello in index.capture.stray_hellos
        ],
        remedy=f"Read the capture again with `{options}`.",
    )
