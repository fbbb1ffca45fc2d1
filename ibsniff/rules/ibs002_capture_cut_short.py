"""The capture is incomplete: cut short, damaged, or interrupted.

Seen: the file ends inside a packet or block, or a block contradicts itself; or you stopped ibsniff while it read the
file; or an interface was down or disappeared while the capture was made.
Meaning: all complete packets that could be read are analysed. What is missing, at the end or in between, is not known.
While an interface was down anything may have happened: a silence at that time is unproven (IBS009), and a session that
works before it, and does not go on after it, is not called fine. Conversations at other times do not matter.
How sure: the file's own lengths say so, or the capturing program does.
What to do: stop tcpdump with Ctrl-C rather than by killing it, use ``-U``, and copy the file only after the capturing
program has ended. Keep the interface up while it captures.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.masking.sentence import marked
from ibsniff.model import Confidence, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule
from ibsniff.rules.wording.last_packet import last_packet


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Statement | None:
    """Find a capture of which a part is missing."""
    truncated = index.capture.facts.truncated
    if truncated is None:
        return None
    return Statement(
        f"The capture is incomplete ({marked(truncated)}). The part that could be read was analysed{_in_doubt(index)}.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=(last_packet(index),),
        remedy="Let ibsniff read the capture to its end."
        if index.capture.facts.interrupted
        else "Stop the capture with Ctrl-C, copy the file only after the capturing program has ended, and keep the "
        "interface up while it captures.",
    )


def _in_doubt(index: CaptureIndex) -> str:
    """Say how many conversations may have gone on while an interface was down."""
    doubtful = sum(1 for one in index.conversations if any(loss.packets is None for loss in one.lost_in_wait))
    return f"; {counted(doubtful, 'conversation')} may have gone on while the interface was down" if doubtful else ""
