"""Identical conversations, grouped: a row stands for all attempts that failed in the same way.

A bot that retries every minute for a night makes five hundred conversations that differ only in their time and in the
client's port. Shown are what they have in common, how many there are, and the interval between them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from ibsniff.model import NANOSECONDS, Conversation

MIN_INTERVALS = 3
"""Fewer equal intervals may be chance."""

TOLERANCE = 0.1
"""A retry timer varies by the time that the attempt itself takes."""

REGULAR_SHARE = 0.8
"""Share of the intervals that must agree: one long pause for a restart does not hide a regular interval."""


@dataclass(frozen=True, slots=True)
class ConversationGroup:
    """Conversations with the same outcome, rung, code, fault, server, client address and kind of hello."""

    first: Conversation
    newest: Conversation
    count: int
    interval: float | None
    """Seconds from one start to the next, if they are regular."""


def group_identical(conversations: Iterable[Conversation]) -> list[ConversationGroup]:
    """Group identical conversations; the groups are in the order of their first conversations."""
    groups: dict[object, list[Conversation]] = {}
    for conversation in sorted(conversations, key=start_time_ns):
        groups.setdefault(group_key(conversation), []).append(conversation)
    return [
        ConversationGroup(group[0], group[-1], len(group), regular_interval(map(start_time_ns, group)))
        for group in groups.values()
    ]


def group_key(conversation: Conversation) -> object:
    """A value that is equal for conversations that went the same way."""
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


def regular_interval(times_ns: Iterable[int]) -> float | None:
    """The median interval between ascending times in seconds, or None if the intervals differ."""
    intervals = sorted(later - earlier for earlier, later in pairwise(times_ns))
    if len(intervals) < MIN_INTERVALS:
        return None
    median = intervals[len(intervals) // 2]
    regular = sum(abs(interval - median) <= TOLERANCE * median for interval in intervals)
    return median / NANOSECONDS if median > 0 and regular >= REGULAR_SHARE * len(intervals) else None


def start_time_ns(conversation: Conversation) -> int:
    """The time of its first packet in nanoseconds."""
    return conversation.connection.first.time_ns
