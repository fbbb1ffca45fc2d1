"""There are more conversations than are kept whole.

Seen: a bound was reached; older conversations were folded into counts by outcome.
Meaning: the verdict counts them and cannot show them.
How sure: certain.
What to do: cut the capture by time (``editcap -A ... -B ...``) to look at older ones.
"""

from __future__ import annotations

from ibsniff.formatting import counted
from ibsniff.model import Capture, Confidence, Fault, Severity
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.NOTE)
def check(capture: Capture) -> Statement | None:
    """Some were folded."""
    if not capture.omitted:
        return None
    return Statement(
        f"{counted(capture.omitted, 'older conversation')} only counted, and not kept.", Fault.NONE, Confidence.HIGH
    )
