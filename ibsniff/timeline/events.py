"""All that is known of single packets of a conversation."""

from __future__ import annotations

from ibsniff.model import Conversation
from ibsniff.timeline.asked import request_events
from ibsniff.timeline.delivery import delivery_events, other_packets
from ibsniff.timeline.dialogues import dialogue_events, example_packets
from ibsniff.timeline.endings import closing_events
from ibsniff.timeline.event import MINOR, Event
from ibsniff.timeline.openings import opening_events

LONG = 300
"""Characters after which nothing minor is added to what a packet shows: it may bring thousands of requests."""


def events(conversation: Conversation) -> list[Event]:
    """All that is known of single packets, in packet order; one packet makes one event."""
    dialogue, merged = conversation.dialogue, dict[int, Event]()
    found = (
        *opening_events(conversation),
        *dialogue_events(conversation),
        *request_events(dialogue, example_packets(dialogue)),
        *delivery_events(conversation),
        *closing_events(conversation.connection),
    )
    for event in found:
        before = merged.get(event.packet)
        merged[event.packet] = _joined(before, event) if before else event
    for event in other_packets(conversation):
        merged.setdefault(event.packet, event)
    return sorted(merged.values(), key=lambda event: event.packet)


def _joined(first: Event, second: Event) -> Event:
    if second.what in first.what or (second.weight == MINOR and len(first.what) >= LONG):
        return first
    return first._replace(
        side=first.side or second.side,
        what=f"{first.what}, {second.what}",
        raw=first.raw or second.raw,
        weight=max(first.weight, second.weight),
    )
