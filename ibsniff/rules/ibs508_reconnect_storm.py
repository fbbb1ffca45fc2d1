"""A client connects again and again without a pause.

Seen: many connection attempts of one client to one server within seconds, none of which became a session.
Meaning: a reconnect loop without pauses. It fills logs and the server's accept queue, and it is suspected to stop a
starting Gateway from answering.
How sure: the rate is certain; the harm is suspected. The attempts may come from several programs, or from several
machines behind one address: medium.
Sources: kpiteira/ktrdr's notes; QuantConnect Lean 242.
What to do: pause between attempts, longer each time.
"""

from __future__ import annotations

from collections.abc import Iterator

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.related_connections import by_client
from ibsniff.formatting import counted, duration
from ibsniff.model import NANOSECONDS, Confidence, Conversation, Evidence, Fault, Rung, Severity, Side
from ibsniff.rules.registry import Statement, capture_rule

ENOUGH = 10
"""So many attempts in a row are a storm ..."""
WITHIN = 10.0
"""... when they come within so many seconds."""


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Iterator[Statement]:
    """Ten connection attempts in ten seconds, and no session."""
    for conversations in index.related.by_server:
        for attempts in by_client(conversations):
            storm = _storm(attempts)
            if storm:
                yield _statement(storm)


def _storm(attempts: list[Conversation]) -> list[Conversation]:
    """The longest run of failed attempts that is dense enough."""
    failed = [
        one
        for one in attempts
        if one.rung is not Rung.READY
        and one.connection.syn_count
        and not one.lost_in_wait  # it may have become ready
        and not _has_no_fault(one)
    ]
    for start in range(len(failed) - ENOUGH + 1):
        if _seconds(failed[start : start + ENOUGH]) <= WITHIN:
            return failed[start:]
    return []


def _has_no_fault(attempt: Conversation) -> bool:
    """It failed, and the program went on to another address of the same name."""
    return attempt.cause is not None and attempt.fault is Fault.NONE


def _seconds(attempts: list[Conversation]) -> float:
    return (attempts[-1].connection.first.time_ns - attempts[0].connection.first.time_ns) / NANOSECONDS


def _statement(storm: list[Conversation]) -> Statement:
    first = storm[0].connection
    return Statement(
        f"{first.client.ip} connects to {first.server} again and again: {counted(len(storm), 'failed attempt')} in "
        f"{duration(_seconds(storm))}. Several programs there, or several machines behind that address, would look the "
        "same.",
        Fault.CLIENT,
        Confidence.MEDIUM,
        packets=(_attempt(one, number, len(storm)) for number, one in enumerate(storm, 1)),
        remedy="Pause between attempts, longer each time (5 s, 10 s, ... 60 s).",
        conversations=tuple(one.id for one in storm),
    )


def _attempt(one: Conversation, number: int, of_all: int) -> Evidence:
    """The first packet of a failed attempt. There may be thousands, so their timelines are not asked."""
    first = one.connection.first
    what = f"failed attempt {number:,} of {of_all:,} ({one.outcome})"
    return Evidence(*first, Side.CLIENT, what, one.id)
