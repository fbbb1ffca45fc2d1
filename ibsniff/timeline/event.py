"""One packet and its meaning."""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.model import Moment, Side, WireBytes

DECISIVE, DETAIL, MINOR = 2, 1, 0
"""Weights: an event that decides the verdict, one that only explains it, and one worth showing only where it is cited."""

NOTHING = WireBytes(b"")


class Event(NamedTuple):
    """One packet and its meaning. The words quote the wire between marks; whoever shows them masks and escapes that."""

    packet: int
    time_ns: int | None
    """None if only the number of the packet is known."""
    side: Side | None
    """Who sent it; None if neither of the two did."""
    what: str
    raw: WireBytes = NOTHING
    """The decisive bytes, shown in hex."""
    weight: int = DETAIL


def minor(moment: Moment, side: Side | None, what: str) -> Event:
    """An event that is worth showing only where it is cited."""
    return Event(*moment, side, what, weight=MINOR)
