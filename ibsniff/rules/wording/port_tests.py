"""What to say to somebody whose health check or monitor connects to the API port."""

from __future__ import annotations

from ibsniff.formatting import duration
from ibsniff.model import Connection
from ibsniff.rules.wording.commands import lists_listeners


def test_without_connecting(connection: Connection) -> str:
    """A sentence: what a test should do instead, and why."""
    return (
        f"Let a test look at what listens ({lists_listeners(connection)}) instead of connecting to the API port: connections "
        "without a hello are suspected of making Gateway stop answering."
    )


def every(interval: float | None) -> str:
    """At what pace it comes, to follow what it is; empty when there is none."""
    return "" if interval is None else f", every {duration(interval)}"
