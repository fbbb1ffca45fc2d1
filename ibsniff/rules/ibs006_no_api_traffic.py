"""The capture contains no conversation with TWS or Gateway.

Seen: no TCP connection to an API port, and no attempt at one.
Meaning: the program did not try to connect while the capture ran, or it used another port, or its packets take another
interface. A program on the same machine as TWS uses the loopback interface, which a capture on ``eth0`` never sees.
How sure: certain for this capture; it says nothing about TWS. It is only a note when nobody answers ARP for an address
that may be TWS's (IBS109): that is the reason then.
What to do: start the capture first, then the program. On Linux use ``-i lo`` for a TWS on the same machine, from WSL
``-i eth0``; name another API port with ``--port``. Packets inside an encrypted tunnel cannot be read: capture on the
tunnel's own interface (``wg0``, ``tun0``), or where it ends.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import addresses_nobody_has
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Fault, InputFacts, Severity
from ibsniff.rules.registry import Statement, capture_rule

SHOWN_REASONS = 3
"""How many reasons for skipped packets the sentence names: the most common ones say enough."""

TUNNEL = "inside a tunnel"
"""How the reasons begin for which packets in a tunnel are skipped."""


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Statement | None:
    """Find a capture without any conversation."""
    if index.conversations or index.capture.omitted:
        return None
    facts = index.capture.facts
    seen = ", ".join(f"{count:,} {reason}" for reason, count in facts.skipped.most_common(SHOWN_REASONS))
    return Statement(
        f"No API conversation was found in {counted(facts.packets, 'packet')}{f' ({seen})' if seen else ''}. That is "
        "certain. Whether the program connected elsewhere or not at all is not decided; a capture where its traffic passes "
        "decides it.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        remedy="Start the capture before the program, on the interface that carries its traffic (lo when TWS is on the "
        "same machine; eth0 from WSL). Name the port with `--port` if it is not one of the usual ones."
        f"{_outside_of_tunnels(facts)}",
        severity=Severity.NOTE if addresses_nobody_has(index.capture) else None,
    )


def _outside_of_tunnels(facts: InputFacts) -> str:
    """What to do when the traffic may be in the tunnels that were not read; empty when there is none."""
    tunnels = [reason.removeprefix(TUNNEL).strip(" ()") for reason in facts.skipped if reason.startswith(TUNNEL)]
    if not tunnels:
        return ""
    return (
        f" The traffic may be in a tunnel that ibsniff does not read ({', '.join(tunnels)}): capture on the tunnel's "
        "own interface (such as wg0 or tun0), or on the machine where it ends."
    )
