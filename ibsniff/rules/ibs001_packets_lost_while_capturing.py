"""Packets were lost while capturing.

Seen: the capture itself reports drops (pcapng interface statistics, or the kernel's counter of a live capture).
Meaning: what is missing may be the answer that seems not to have come; every "no reply" in it is in doubt.
How sure: the capturing side counted them. Not every tool writes the number: its absence proves nothing.
What to do: capture again with a filter on the API port and a larger buffer (``tcpdump -B 65536 'tcp port 7497'``).
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Statement | None:
    """The capturing side reports lost packets."""
    if not index.capture.facts.dropped:
        return None
    return Statement(
        f"The capture lost {counted(index.capture.facts.dropped, 'packet')}; a missing answer may be among them.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        remedy="Capture again with a filter on the API port and a larger buffer: tcpdump -B 65536 'tcp port 7497'.",
    )
