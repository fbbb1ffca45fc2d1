"""The clock of the capturing machine was never set.

Seen: packets dated 1970, or another year before TWS existed.
Meaning: a machine without a battery for its clock does this, or one whose network was not up yet. Durations are right;
dates and times of day are not, so the capture cannot be compared with a log.
How sure: certain; the API is younger than 2001.
What to do: set the clock (``timedatectl``) before the next capture; ``editcap -t`` shifts the times of this one.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import NANOSECONDS, Confidence, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule

BEFORE_TWS_NS = 978_307_200 * NANOSECONDS
"""2001-01-01, UTC: the API came later."""


@capture_rule(Severity.NOTE)
def check(index: CaptureIndex) -> Statement | None:
    """Find a capture that is dated before the API existed."""
    first_ns = index.capture.facts.first_time_ns
    if first_ns is None or first_ns >= BEFORE_TWS_NS or not index.conversations or index.reliability.without_time:
        return None
    return Statement(
        "The capturing machine's clock was not set: the packets are dated before TWS existed. Durations are right, "
        "dates are not.",
        Fault.NONE,
        Confidence.HIGH,
        remedy="Set the clock before the next capture (timedatectl); editcap -t shifts the times of this one.",
    )
