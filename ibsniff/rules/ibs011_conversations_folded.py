"""There are more conversations than ibsniff keeps in full.

Seen: a limit was reached, and of the older conversations only counts by outcome were kept.
Meaning: the verdict counts these conversations but cannot show them.
How sure: certain.
What to do: cut the capture by time (``editcap -A ... -B ...``) to look at the older ones.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.NOTE)
def check(index: CaptureIndex) -> Statement | None:
    """Find conversations that were evicted."""
    if not index.capture.omitted:
        return None
    return Statement(
        f"ibsniff only counted {counted(index.capture.omitted, 'older conversation')} and did not keep their details.",
        Fault.NONE,
        Confidence.HIGH,
    )
