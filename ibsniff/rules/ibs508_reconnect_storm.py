"""A client calls again and again without a pause.

Seen: many calls of one client to one server within seconds, none of which became a session.
Meaning: a reconnect loop without pauses. It fills logs and the server's queue, and is suspected of making a starting
Gateway deaf.
How sure: the rate is certain; the harm is suspected. They may be the calls of several programs, or of several machines
behind one address: medium.
Sources: kpiteira/ktrdr's notes; QuantConnect Lean 242.
What to do: pause between tries, longer each time.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.related_connections import by_client
from ibsniff.formatting import counted, duration
from ibsniff.model import NANOSECONDS, Confidence, Conversation, Fault, Rung, Severity
from ibsniff.rules.registry import Statement, capture_rule

ENOUGH = 10
"""Calls in a row that make a storm ..."""
WITHIN = 10.0
"""... when they come within so many seconds."""


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Statement | None:
    """Ten calls in ten seconds that came to nothing."""
    for conversations in index.related.by_server:
        for calls in by_client(conversations):
            storm = _storm(calls)
            if storm:
                return _statement(storm)
    return None


def _storm(calls: list[Conversation]) -> list[Conversation]:
    """The longest run of failed calls that is dense enough."""
    failed = [one for one in calls if one.rung is not Rung.READY and one.connection.syn_count and not _is_detour(one)]
    for start in range(len(failed) - ENOUGH + 1):
        if _seconds(failed[start : start + ENOUGH]) <= WITHIN:
            return failed[start:]
    return []


def _is_detour(call: Conversation) -> bool:
    """It came to nothing, and the program went on to another address of the name."""
    return call.cause is not None and call.fault is Fault.NONE


def _seconds(calls: list[Conversation]) -> float:
    return (calls[-1].connection.first.time_ns - calls[0].connection.first.time_ns) / NANOSECONDS


def _statement(storm: list[Conversation]) -> Statement:
    first = storm[0].connection
    return Statement(
        f"{first.client.ip} calls {first.server} again and again: {counted(len(storm), 'failed call')} in "
        f"{duration(_seconds(storm))}. Several programs there, or several machines behind that address, look the same.",
        Fault.CLIENT,
        Confidence.MEDIUM,
        packets=(one.connection.first.packet for one in storm),
        remedy="Pause between tries, and longer each time (5 s, 10 s, ... 60 s).",
        conversations=tuple(one.id for one in storm),
    )
