"""The clock leapt forward while an answer was awaited.

Seen: between the client's last word and the end of the wait two neighbouring packets of the capture are an hour or more
apart, and without that pause the wait is too short to prove anything.
Meaning: the clock was set, or the machine slept; or it really was that quiet, which a capture that was left alone can be.
How sure: certain for the stamps. Whether the time between them passed is not known, so the cause of this silence is a
guess (``low``).
What to do: capture again, and do not let the machine sleep.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import duration, seconds
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """A silence that is mostly a leap."""
    leaps = index.reliability.clock_jumps_within(conversation)
    if not leaps:
        return None
    longest = max(leap.after_ns - leap.before_ns for leap in leaps)
    return Statement(
        f"Inside this wait the capture's time leaps by {duration(seconds(longest))}: the clock was set, the machine slept, "
        "or nothing was sent for so long. How long the server was silent is in doubt.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=(leap.packet for leap in leaps),
        remedy="Capture again on a machine that does not sleep, and stop soon after the program has given up.",
    )
