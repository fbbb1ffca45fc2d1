"""Something tests the port at a steady beat.

Seen: connections from one address, at equal intervals, on which nothing is said.
Meaning: a health check or a monitor. Each one occupies TWS for a moment, and bare connections are suspected of making
Gateway deaf in the long run.
How sure: beat and silence are certain; the harm is suspected.
Sources: stimutak/robo_trader (a check that does not connect cured it); nautilus_trader 4796. A counter-voice: IBC 117.
What to do: look at what listens instead (``ss -ltn``), or at TWS's process.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.related_connections import by_client, regular_interval
from ibsniff.formatting import counted, duration
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, capture_rule

ENOUGH = 3
"""Tests with equal intervals: two intervals are a beat, one is none."""


@capture_rule(Severity.NOTE)
def check(index: CaptureIndex) -> Statement | None:
    """Empty connections at equal intervals."""
    for conversations in index.related.by_server:
        for calls in by_client(conversations):
            tests = [one for one in calls if one.outcome is Outcome.NOT_ASKED and one.connection.established]
            interval = regular_interval(tests)
            if len(tests) >= ENOUGH and interval is not None:
                return _statement(tests, interval)
    return None


def _statement(tests: list[Conversation], interval: float) -> Statement:
    first = tests[0].connection
    return Statement(
        f"{first.client.ip} tests the port every {duration(interval)} with an empty connection "
        f"({counted(len(tests), 'time')}).",
        Fault.CLIENT,
        Confidence.HIGH,
        packets=(one.connection.first.packet for one in tests),
        remedy="Test without connecting: ss -ltn, or look at TWS's process. Bare connections are suspected of making "
        "Gateway deaf.",
        conversations=tuple(one.id for one in tests),
    )
