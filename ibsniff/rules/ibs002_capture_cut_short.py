"""The capture is not whole: cut short, damaged, or interrupted.

Seen: the file ends inside a packet or block, or a block contradicts itself; or you stopped ibsniff while it read; or an
interface was down or gone while the capture was made.
Meaning: all whole packets that were read are analysed; what is missing, at the end or in between, is not known.
How sure: the file's own lengths say so, or the capturing program does.
What to do: stop tcpdump with Ctrl-C rather than by killing it, use ``-U``, and copy the file after it has ended; keep
the interface up meanwhile.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Statement | None:
    """The capture says less than it promises."""
    if index.capture.facts.truncated is None:
        return None
    return Statement(
        f"The capture is not whole: {index.capture.facts.truncated}. What was read of it was analysed.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        remedy="Let ibsniff read it to its end."
        if index.capture.facts.interrupted
        else "Stop the capture with Ctrl-C, copy the file only after the capturing program has ended, and keep the "
        "interface up meanwhile.",
    )
