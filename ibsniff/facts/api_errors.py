"""The errors that TWS sent."""

from __future__ import annotations

from ibsniff.model import Conversation, WireError


def errors_of(conversation: Conversation, codes: tuple[int, ...]) -> list[WireError]:
    """The errors with these codes that were kept, in order of time."""
    errors = conversation.dialogue.errors
    found = [one for code in codes if code in errors for one in errors[code].examples]
    return sorted(found, key=lambda one: one.moment.time_ns)
