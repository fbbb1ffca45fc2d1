"""Which packets a report shows: those that its finding cites, and the events that decide the verdict."""

from __future__ import annotations

from ibsniff.masking.sentence import marked
from ibsniff.model import Evidence, Finding
from ibsniff.timeline.event import DECISIVE, DETAIL, NOTHING, Event
from ibsniff.timeline.events import events

__all__ = ["DECISIVE", "DETAIL", "MAX_EVIDENCE", "Event", "decisive_events", "events", "evidence_of"]

MAX_EVIDENCE = 20
"""Cited packets shown of one finding; more are counted. Nobody reads more, and they are alike."""
LAST_EVIDENCE = 6
"""Of these, the latest ones: how it began says more than how it went on."""


def evidence_of(finding: Finding, limit: int = MAX_EVIDENCE) -> tuple[tuple[Evidence, ...], int]:
    """The packets of a finding to be shown, in packet order, and how many more it cites: the first and the last ones."""
    ordered = tuple(sorted(finding.evidence, key=lambda one: one.packet))
    if len(ordered) <= limit:
        return ordered, 0
    last = min(LAST_EVIDENCE, limit // 3)
    return (*ordered[: limit - last], *ordered[len(ordered) - last :]), len(ordered) - limit


def decisive_events(known: list[Event], finding: Finding | None, rows: int) -> list[Event]:
    """The ``rows`` most important events: packets of the finding, decisive ones, details; earlier ones first."""
    raw = {event.packet: event.raw for event in known if event.raw}
    cited = {
        one.packet: Event(one.packet, one.time_ns, one.side, marked(one.what), raw.get(one.packet, NOTHING), DECISIVE)
        for one in (evidence_of(finding, rows)[0] if finding else ())
    }
    others = (event for event in known if event.packet not in cited and event.weight >= DETAIL)
    ordered = sorted(others, key=lambda event: (-event.weight, event.packet))
    return sorted([*cited.values(), *ordered][:rows], key=lambda event: event.packet)
