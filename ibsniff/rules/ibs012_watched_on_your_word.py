"""How long was watched is your word, not the capture's.

Seen: the report was made with ``--watched-until``.
Meaning: silence is concluded from it, so nothing that rests on it is surer than medium.
How sure: as sure as you are.
What to do: capture with dumpcap or ``ibsniff live -w``, which write the end of the capture into the file.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Fault, Severity, WatchedBy
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.NOTE)
def check(index: CaptureIndex) -> Statement | None:
    """The user vouches for the end of the capture."""
    if index.capture.facts.watched_by is not WatchedBy.USER:
        return None
    return Statement(
        "That the wire was watched beyond the last packet is your word (--watched-until).",
        Fault.NONE,
        Confidence.HIGH,
    )
