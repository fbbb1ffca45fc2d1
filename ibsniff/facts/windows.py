"""How long a side's receive window has been closed: then its program reads nothing, and the other side may send nothing."""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.facts.delivery import half_of
from ibsniff.facts.timing import end_of_wait_ns
from ibsniff.model import NANOSECONDS, PATIENCE, Conversation, Moment, Side


class ClosedWindow(NamedTuple):
    """A window that was not opened again."""

    since: Moment
    seconds: float


def closed_to_the_end(conversation: Conversation, side: Side) -> ClosedWindow | None:
    """The window of this side that was closed until the end, if for at least ``PATIENCE``; None otherwise."""
    since = half_of(conversation.connection, side).window_closed
    if since is None:
        return None
    seconds = (end_of_wait_ns(conversation) - since.time_ns) / NANOSECONDS
    return ClosedWindow(since, seconds) if seconds >= PATIENCE else None
