"""A clock to measure silence with: setting the machine's clock does not move it, and it stops while the machine sleeps."""

from __future__ import annotations

import time

from ibsniff.model import NANOSECONDS

STEP_NS = NANOSECONDS
"""A larger difference means that the clock was set. NTP adjusts a clock gradually when the difference is small."""


class MonotonicWallClock:
    """Wall-clock time as it would be if nobody had set the clock since the last synchronisation with it."""

    def __init__(self) -> None:
        self._ahead_ns = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return time.monotonic_ns() + self._ahead_ns

    def resynchronise(self, packet_ns: int) -> int | None:
        """Follow the machine's clock again if it was set and a packet has the new time; return our time before that.

        Until a packet has the new time, silence goes on being measured by the old one.
        """
        before_ns, now_ns = self.now_ns(), time.time_ns()
        forwards = packet_ns - before_ns > STEP_NS
        backwards = before_ns - now_ns > STEP_NS and packet_ns <= now_ns
        if not (forwards or backwards):
            return None
        self._ahead_ns = now_ns - time.monotonic_ns()
        return before_ns
