"""There are more conversations than are kept whole.

Seen: a bound was reached; older conversations were folded into counts by outcome.
Meaning: the verdict counts them and cannot show them.
How sure: certain.
What to do: cut the capture by time (``editcap -A ... -B ...``) to look at older ones.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.NOTE)
def check(index: CaptureIndex) -> Statement | None:
    """Some were folded."""
    if not index.capture.omitted:
        return None
    return Statement(
        f"{counted(index.capture.omitted, 'older conversation')} only counted, and not kept.",
        Fault.NONE,
        Confidence.HIGH,
    )
