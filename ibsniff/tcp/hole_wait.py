"""How long bytes are waited for that the receiver has, and the capture does not."""

from __future__ import annotations

from typing import NamedTuple

WAIT_SEGMENTS = 16
"""Further segments of the connection after the ACK. Its two directions may be captured by two queues, each handed over in
bursts, but a burst of one connection is a few segments: offload has merged the rest."""
WAIT_NS = 100_000_000
"""The same in packet time, for quiet connections: far above any capture's reordering, below what a person notices."""


class HoleWait(NamedTuple):
    """The wait for a hole whose bytes the receiver has acknowledged."""

    acknowledged_to: int = 0
    """Offset up to which holes are waited for; 0 while none is."""
    since_ns: int = 0
    segments: int = 0
    """Segments of the connection that came since."""

    def after_one_more_segment(self) -> HoleWait:
        """The wait with one more segment counted."""
        return self._replace(segments=self.segments + 1)

    def is_over(self, now_ns: int) -> bool:
        """Whether the hole is to be given up."""
        return self.segments >= WAIT_SEGMENTS or now_ns - self.since_ns >= WAIT_NS


NO_WAIT = HoleWait()
"""No hole is waited for."""
