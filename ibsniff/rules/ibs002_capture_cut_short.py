"""The capture file is cut short or damaged.

Seen: the file ends inside a packet or block, or a block contradicts itself; or you stopped ibsniff while it read.
Meaning: all whole packets before that place are analysed; what came after is not known.
How sure: the file's own lengths say so.
What to do: stop tcpdump with Ctrl-C rather than by killing it, use ``-U``, and copy the file after it has ended.
"""

from __future__ import annotations

from ibsniff.model import Capture, Confidence, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.WARNING)
def check(capture: Capture) -> Statement | None:
    """The file says less than it promises."""
    if capture.facts.truncated is None:
        return None
    return Statement(
        f"The capture is not whole: {capture.facts.truncated}. What is before that was analysed.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        remedy="Let ibsniff read it to its end."
        if capture.facts.interrupted
        else "Stop the capture with Ctrl-C, and copy the file only after the capturing program has ended.",
    )
