"""All that is known of single packets of a conversation."""

from __future__ import annotations

from ibsniff.model import Conversation, Side
from ibsniff.timeline.dialogues import dialogue_events
from ibsniff.timeline.endings import closing_events
from ibsniff.timeline.event import Event
from ibsniff.timeline.openings import opening_events


def events(conversation: Conversation) -> list[Event]:
    """All that is known of single packets, in packet order; one packet makes one event."""
    merged: dict[tuple[int, Side | None], Event] = {}
    found = (
        *opening_events(conversation),
        *dialogue_events(conversation),
        *closing_events(conversation.connection),
    )
    for event in found:
        before = merged.get((event.packet, event.side))
        merged[event.packet, event.side] = _joined(before, event) if before else event
    return sorted(merged.values(), key=lambda event: event.packet)


def _joined(first: Event, second: Event) -> Event:
    return first._replace(
        what=f"{first.what}, {second.what}",
        raw=first.raw or second.raw,
        weight=max(first.weight, second.weight),
    )
