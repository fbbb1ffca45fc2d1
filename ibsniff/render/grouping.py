"""Conversations that are one story told many times, folded into one row.

A bot that retries every minute for a night makes five hundred conversations that differ in nothing but the time and
the client's port. What they have in common is the news, and so is their rhythm.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from ibsniff.model import NANOSECONDS, Conversation

FEWEST_INTERVALS = 3
"""Two retries a minute apart are chance; from the third interval on it is a rhythm."""

TOLERANCE = 0.1
"""A retry timer drifts by the time the attempt itself takes."""

REGULAR_SHARE = 0.8
"""So many of the intervals must agree: one long pause over a restart does not hide a rhythm."""


@dataclass(frozen=True, slots=True)
class ConversationGroup:
    """Conversations with the same outcome, rung, code, fault, server, client address and kind of hello."""

    first: Conversation
    newest: Conversation
    count: int
    interval: float | None
    """Seconds from one start to the next, when they are regular."""


def fold(conversations: Iterable[Conversation]) -> list[ConversationGroup]:
    """Group what is identical, in the order of each group's first conversation."""
    groups: dict[object, list[Conversation]] = {}
    for conversation in sorted(conversations, key=started):
        groups.setdefault(key(conversation), []).append(conversation)
    return [
        ConversationGroup(group[0], group[-1], len(group), rhythm(map(started, group))) for group in groups.values()
    ]


def key(conversation: Conversation) -> object:
    """Equal for conversations that tell the same story."""
    connection, hello = conversation.connection, conversation.dialogue.hello
    return (
        conversation.input,
        conversation.outcome,
        conversation.rung,
        conversation.cause and conversation.cause.code,
        conversation.fault,
        connection.server,
        connection.client.address,
        hello and hello.dialect,
    )


def rhythm(times_ns: Iterable[int]) -> float | None:
    """The median interval between ascending times in seconds, or None when they follow no rhythm."""
    intervals = sorted(later - earlier for earlier, later in pairwise(times_ns))
    if len(intervals) < FEWEST_INTERVALS:
        return None
    usual = intervals[len(intervals) // 2]
    regular = sum(abs(interval - usual) <= TOLERANCE * usual for interval in intervals)
    return usual / NANOSECONDS if usual > 0 and regular >= REGULAR_SHARE * len(intervals) else None


def started(conversation: Conversation) -> int:
    """When its first packet came, nanoseconds."""
    return conversation.connection.first.time_ns
