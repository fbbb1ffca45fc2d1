"""The end of a capture as evidence: what is said of a whole capture is known when its last packet is."""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Evidence


def last_packet(index: CaptureIndex) -> Evidence | None:
    """Cite the last packet of the capture that could be read; None if there is none."""
    last = index.capture.facts.last_packet
    return None if last is None else Evidence(*last, None, "the last packet of this capture that could be read")
