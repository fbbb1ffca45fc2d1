"""TWS's own clock beside the capture's, in a line: whoever compares a report with TWS's log must know how they differ."""

from __future__ import annotations

from ibsniff.clock import Clock
from ibsniff.facts.server_clock import ServerClock
from ibsniff.formatting import duration, seconds
from ibsniff.model import NANOSECONDS

UNREMARKABLE_NS = 2 * NANOSECONDS
"""Clocks that differ by less are as good as equal: TWS states whole seconds."""


def server_clock_line(found: ServerClock | None, clock: Clock) -> str | None:
    """The sentence; None where nobody is misled, because TWS's clock shows what the reader's shows.

    For ``writer.text``: it may quote the wire.
    """
    if found is None or reads_the_same(found, clock):
        return None
    seen = clock.date_and_time(found.replied.time_ns)
    if found.stated_ns is None:
        return f"TWS's clock: '{found.text:quoted}' when this capture's showed {seen}"
    if abs(found.ahead_ns) <= UNREMARKABLE_NS:
        return f"TWS's clock: '{found.text:quoted}', which agrees with this capture's ({seen})"
    how_far = duration(seconds(abs(found.ahead_ns)))
    direction = "ahead of" if found.ahead_ns > 0 else "behind"
    return f"TWS's clock: '{found.text:quoted}', {how_far} {direction} this capture's ({seen})"


def reads_the_same(found: ServerClock, clock: Clock) -> bool:
    """Tell whether it shows the reader's own zone, and the right time."""
    if found.stated_ns is not None:
        same_zone = clock.offset(found.replied.time_ns) == found.offset
        return same_zone and abs(found.ahead_ns) <= UNREMARKABLE_NS
    stamps = (clock.stamp(found.replied.time_ns - back * NANOSECONDS) for back in range(3))
    return str(found.text) in {f"{one.date.replace('-', '')} {one.time} {one.zone}" for one in stamps}
