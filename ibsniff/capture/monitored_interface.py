"""An interface of a live capture, and the changes of its state."""

from __future__ import annotations

from collections.abc import Iterator

from ibsniff.capture.backend import Backend, Statistics
from ibsniff.capture.comments import NOT_CAPTURED, NOTE
from ibsniff.clock import UTC_CLOCK


class MonitoredInterface:
    """An interface, its back end, and its state at the last check."""

    def __init__(self, name: str, backend: Backend, opened_at_ns: int) -> None:
        self.name = name
        """Its name when the capture began."""
        self.link_type = backend.link_type
        self.buffer_bytes = backend.buffer_bytes
        """How many bytes can wait for us; 0 when it is not known."""
        self.statistics = Statistics(0, None)
        """Its latest counters."""
        self.given_up = 0
        """Packets that the back end had for us, and that we did not take."""
        self.backend = backend
        self.current_name = name
        """Its present name."""
        self.up = True
        self._was_down = False
        """At the last check it was down or gone, or had been since the one before."""
        self._up_at_ns = opened_at_ns
        """The last moment at which it was known to be up."""
        self.gone = False
        """It was deleted, or moved to another network namespace, and will deliver no more packets."""

    def check(self, now_ns: int, error: OSError | None = None) -> Iterator[str]:
        """Yield a comment (see `comments`) for each change; ``error`` is what receiving has just raised."""
        if self.gone:
            return
        link = self.backend.link_state()
        if link is None:
            self.gone = self._was_down = True
            yield f"{NOT_CAPTURED}{self.current_name} disappeared at {UTC_CLOCK.date_and_time(now_ns)}{_reason(error)}"
            return
        if link.name != self.current_name:
            yield f"{NOTE}{self.current_name} was renamed to {link.name} at {UTC_CLOCK.date_and_time(now_ns)}"
            self.current_name = link.name
        if self.up and link.up and error is not None:
            yield f"{NOT_CAPTURED}{self.current_name} was briefly down at {UTC_CLOCK.date_and_time(now_ns)}"
        elif self.up and not link.up:
            yield f"{NOT_CAPTURED}{self.current_name} went down at {UTC_CLOCK.date_and_time(now_ns)}"
        elif link.up and not self.up:
            yield f"{NOTE}{self.current_name} came up again at {UTC_CLOCK.date_and_time(now_ns)}"
        self._was_down = error is not None or not (self.up and link.up)
        self.up = link.up

    def count(self) -> Statistics:
        """Return the counters as they are now; packets that were given up are lost like those that the kernel dropped."""
        counters = self.backend.statistics()
        dropped = counters.dropped
        return counters._replace(dropped=(dropped or 0) + self.given_up) if self.given_up else counters

    def down_since_ns(self, now_ns: int) -> int | None:
        """Return since when it may have been down, if it is now or was at the last check; call it after every check."""
        since_ns = self._up_at_ns if self._was_down else None
        if self.up and not self.gone:
            self._up_at_ns, self._was_down = now_ns, False
        return since_ns


def _reason(error: OSError | None) -> str:
    return f" ({error.strerror or error})" if error is not None else ""
