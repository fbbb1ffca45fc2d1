"""The packets that a rule cites, each with its time, its side, its conversation, and words for what it shows."""

from __future__ import annotations

from collections.abc import Iterable

from ibsniff.facts.index import CaptureIndex
from ibsniff.masking.sentence import sentence
from ibsniff.model import Conversation, Evidence, Moment
from ibsniff.rules.registry import Citation, Statement
from ibsniff.timeline.events import LONG, events

UNKNOWN = "a packet of which nothing more is known"
"""Better than nothing; a test holds that no packet of any scenario is told like this."""


class Citations:
    """Finds the words for cited packets, and tells the timeline of each conversation only once, and only if it is cited."""

    def __init__(self, index: CaptureIndex) -> None:
        self._index = index
        self._told: dict[str, dict[int, Evidence]] = {}

    def evidence(self, statement: Statement, conversations: Iterable[Conversation]) -> tuple[Evidence, ...]:
        """What a statement cites, each packet once, in its order; ``conversations`` are those that it is about."""
        about, found = tuple(conversations), dict[int, Evidence]()
        for citation in statement.packets:
            if citation is None:
                continue
            one = _as_evidence(citation, about)
            before = found.get(one.packet)
            if before is None:
                where = self._index.by_id.get(one.conversation) if one.conversation else None
                found[one.packet] = self._completed(one, about if where is None else (where,))
            elif one.what and len(before.what) < LONG and one.what not in before.what:
                found[one.packet] = before._replace(what=f"{before.what}; {one.what}")
        return tuple(one._replace(what=sentence(one.what)) for one in found.values())

    def _completed(self, one: Evidence, conversations: tuple[Conversation, ...]) -> Evidence:
        """Add what the timelines know of a packet to what the rule says of it."""
        if one.what and one.side and one.time_ns is not None and one.conversation:
            return one
        for conversation in conversations:
            event = self._timeline(conversation).get(one.packet)
            if event is not None:
                time_ns = event.time_ns if one.time_ns is None else one.time_ns
                return Evidence(one.packet, time_ns, one.side or event.side, one.what or event.what, conversation.id)
        return one._replace(what=one.what or UNKNOWN)

    def _timeline(self, conversation: Conversation) -> dict[int, Evidence]:
        if conversation.id not in self._told:
            self._told[conversation.id] = _by_packet(conversation)
        return self._told[conversation.id]


def _as_evidence(citation: Citation, conversations: tuple[Conversation, ...]) -> Evidence:
    """A number or a moment belongs to the one conversation that is judged."""
    if isinstance(citation, Evidence):
        return citation
    number, time_ns = citation if isinstance(citation, Moment) else (citation, None)
    return Evidence(number, time_ns, None, "", conversations[0].id if len(conversations) == 1 else "")


def _by_packet(conversation: Conversation) -> dict[int, Evidence]:
    """What the timeline of a conversation says of each packet."""
    return {
        event.packet: Evidence(event.packet, event.time_ns, event.side, event.what, conversation.id)
        for event in events(conversation)
    }
