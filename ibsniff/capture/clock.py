"""A clock for silence: it goes on evenly when the machine's own is set, and stands still while the machine sleeps."""

from __future__ import annotations

import time

from ibsniff.model import NANOSECONDS

STEP_NS = NANOSECONDS
"""A clock this far from where it would be was set; what NTP corrects without setting it is far less."""


class MonotonicWallClock:
    """Wall time as it would be if nobody had touched the clock since it was last agreed with."""

    def __init__(self) -> None:
        self._ahead_ns = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return time.monotonic_ns() + self._ahead_ns

    def resynchronise(self, packet_ns: int) -> int | None:
        """Agree with the machine's clock again, if it was set and a packet bears witness; say what time it was before.

        As long as no packet bears the new time there is no need to: silence is measured in the old.
        """
        before_ns, now_ns = self.now_ns(), time.time_ns()
        forwards = packet_ns - before_ns > STEP_NS
        backwards = before_ns - now_ns > STEP_NS and packet_ns <= now_ns
        if not (forwards or backwards):
            return None
        self._ahead_ns = now_ns - time.monotonic_ns()
        return before_ns
