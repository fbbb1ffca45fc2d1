"""The packets that have arrived when a live capture is stopped, and still wait for us: analysed, or given up and counted."""

from __future__ import annotations

import time
from collections.abc import Callable

from ibsniff.formatting import counted

ANNOUNCED_SECONDS = 1.0
"""When they take longer than this, it is said."""
MAX_SECONDS = 20.0
"""After this time the rest is given up. A full buffer takes less on a slow machine; services are killed after 90 s
(systemd.kill(5), TimeoutStopSec)."""
ANNOUNCEMENT = "analysing the packets that arrived before the stop (Ctrl-C again gives up those that still wait)"


class Backlog:
    """How long the packets that waited at the stop have been analysed, and how many of them were given up."""

    def __init__(self) -> None:
        self.tell: Callable[[str], None] = lambda _line: None
        """Takes a line about it for the user."""
        self.given_up = 0
        """The number of packets that were given up."""
        self._began: float | None = None
        self._is_announced = self._is_given_up = False

    def begin(self) -> None:
        """Start the time: the capture has been stopped."""
        self._began = time.monotonic()

    def give_up(self) -> bool:
        """Analyse no more of them; False if there is nothing to give up. May be called from a signal handler."""
        can_give_up = self._began is not None and not self._is_given_up
        self._is_given_up = self._is_given_up or can_give_up
        return can_give_up

    def is_wanted(self) -> bool:
        """Tell whether packets that still wait are to be analysed; say so when it takes long."""
        taken = 0.0 if self._began is None else time.monotonic() - self._began
        if taken >= MAX_SECONDS:
            self._is_given_up = True
        elif taken >= ANNOUNCED_SECONDS and not (self._is_announced or self._is_given_up):
            self._is_announced = True
            self.tell(ANNOUNCEMENT)
        return not self._is_given_up

    def end(self) -> None:
        """Say how many were given up: nothing waits any more."""
        self._began = None
        if self.given_up:
            self.tell(
                f"gave up {counted(self.given_up, 'packet')} that had arrived before the stop; they count as lost"
            )
