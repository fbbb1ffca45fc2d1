"""The clock of the capturing machine stepped back during the capture.

Seen: packets with a timestamp that is more than a second earlier than that of the packets before them.
Meaning: the durations around the step are wrong; a silence may be longer or shorter than it seems.
How sure: certain for the timestamps. Merged files whose packets are not in order of time look the same.
What to do: sort a merged file with ``reordercap``; otherwise read durations near the step with care.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted, duration, seconds
from ibsniff.model import ClockJump, Confidence, Evidence, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Statement | None:
    """Find timestamps that step back."""
    if not index.capture.facts.times_backwards:
        return None
    return Statement(
        f"The clock of this capture steps back {counted(index.capture.facts.times_backwards, 'time')}; durations may "
        "be wrong.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=map(_cited, index.capture.facts.clock_steps_back),
        remedy="Sort a merged capture with reordercap; otherwise read durations with care.",
    )


def _cited(step: ClockJump) -> Evidence:
    back = duration(seconds(step.before_ns - step.after_ns))
    return Evidence(step.packet, step.after_ns, None, f"its time is {back} earlier than that of a packet before it")
