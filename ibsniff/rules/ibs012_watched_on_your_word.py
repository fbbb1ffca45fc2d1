"""You state how long the capture ran; the file does not.

Seen: the report was made with ``--watched-until``.
Meaning: silence is concluded from what you state, so nothing that rests on it is surer than medium.
How sure: as sure as you are.
What to do: capture with dumpcap or ``ibsniff live -w``, which write the end of the capture into the file.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Fault, Severity, WatchedBy
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.NOTE)
def check(index: CaptureIndex) -> Statement | None:
    """Find a capture whose end the user states."""
    if index.capture.facts.watched_by is not WatchedBy.USER:
        return None
    return Statement(
        "How long the capture ran after its last packet rests on your statement (--watched-until), not on the capture.",
        Fault.NONE,
        Confidence.HIGH,
    )
