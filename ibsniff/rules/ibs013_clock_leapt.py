"""The clock jumped forward while an answer was awaited.

Seen: between the last data that the client sent and the end of the wait, two neighbouring packets of the capture are an
hour or more apart, and without that pause the wait is too short to prove anything.
Meaning: the clock was set, or the machine slept; or nothing was really sent for so long, which is possible when a
capture is left running.
How sure: certain for the timestamps. Whether the time between them really passed is not known, so the cause of this
silence is a guess (``low``).
What to do: capture again, and do not let the machine sleep.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import duration, seconds
from ibsniff.model import ClockJump, Confidence, Conversation, Evidence, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a silence that consists mostly of a clock jump."""
    jumps = index.reliability.clock_jumps_within(conversation)
    if not jumps:
        return None
    longest = max(jump.after_ns - jump.before_ns for jump in jumps)
    return Statement(
        f"The clock of the capture jumps by {duration(seconds(longest))} during this wait: it was set, the machine "
        "slept, or nothing was sent for so long. How long the server was silent is in doubt.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=map(_cited, jumps),
        remedy="Capture again on a machine that does not sleep, and stop soon after the program has given up.",
    )


def _cited(jump: ClockJump) -> Evidence:
    pause = duration(seconds(jump.after_ns - jump.before_ns))
    return Evidence(jump.packet, jump.after_ns, None, f"the first packet after {pause} without any")
