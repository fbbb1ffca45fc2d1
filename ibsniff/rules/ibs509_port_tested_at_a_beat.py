"""Something tests the port at a regular interval.

Seen: connections from one address, at equal intervals, on which the client sends nothing.
Meaning: a health check or a monitor. Each connection occupies TWS for a moment, and connections without a hello are
suspected to make Gateway stop answering in the long run.
How sure: the interval and the missing data are certain; the harm is suspected.
Sources: stimutak/robo_trader (a check that does not connect cured it); nautilus_trader 4796. A report to the
contrary: IBC 117.
What to do: check the listening sockets instead (``ss -ltn``), or TWS's process.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.related_connections import by_client, regular_interval
from ibsniff.formatting import counted, duration
from ibsniff.model import Confidence, Conversation, Evidence, Fault, Outcome, Severity, Side
from ibsniff.rules.registry import Statement, capture_rule
from ibsniff.rules.wording.commands import lists_listeners

ENOUGH = 3
"""Tests at equal intervals: one interval is not enough to call it regular, two are."""


@capture_rule(Severity.NOTE)
def check(index: CaptureIndex) -> Statement | None:
    """Empty connections at equal intervals."""
    for conversations in index.related.by_server:
        for attempts in by_client(conversations):
            tests = [one for one in attempts if one.outcome is Outcome.NOT_ASKED and one.connection.established]
            interval = regular_interval(tests)
            if len(tests) >= ENOUGH and interval is not None:
                return _statement(tests, interval)
    return None


def _statement(tests: list[Conversation], interval: float) -> Statement:
    first = tests[0].connection
    return Statement(
        f"{first.client.ip} tests the port every {duration(interval)} with a connection on which it sends nothing "
        f"({counted(len(tests), 'time')}).",
        Fault.CLIENT,
        Confidence.HIGH,
        packets=(
            Evidence(
                *one.connection.first, Side.CLIENT, f"connection {number:,} of {len(tests):,} without a byte", one.id
            )
            for number, one in enumerate(tests, 1)
        ),
        remedy=f"Test without connecting: use {lists_listeners(first)}, or look at TWS's process. Connections without a "
        "hello are suspected to make Gateway stop answering.",
        conversations=tuple(one.id for one in tests),
    )
