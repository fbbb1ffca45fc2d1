"""The packets that a rule cites, each with its time, its side, its conversation, and words for what it shows."""

from __future__ import annotations

from collections.abc import Iterable

from ibsniff.facts.index import CaptureIndex
from ibsniff.masking.sentence import sentence
from ibsniff.model import Conversation, Evidence, Moment
from ibsniff.rules.registry import Citation, Statement
from ibsniff.timeline.events import events


def cited(conversation: Conversation, packet: Moment | int | None, what: str = "") -> Evidence | None:
    """A packet of this conversation; without words of its own, the timeline of the conversation has them."""
    if packet is None:
        return None
    number, time_ns = packet if isinstance(packet, Moment) else (packet, None)
    return Evidence(number, time_ns, None, what, conversation.id)


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
            one = _as_evidence(citation)
            if one.packet not in found:
                where = self._index.by_id.get(one.conversation) if one.conversation else None
                found[one.packet] = self._completed(one, about if where is None else (where,))
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
        only = conversations[0].id if len(conversations) == 1 else ""
        return one._replace(conversation=one.conversation or only)

    def _timeline(self, conversation: Conversation) -> dict[int, Evidence]:
        if conversation.id not in self._told:
            self._told[conversation.id] = _by_packet(conversation)
        return self._told[conversation.id]


def _as_evidence(citation: Citation) -> Evidence:
    if isinstance(citation, Evidence):
        return citation
    number, time_ns = citation if isinstance(citation, Moment) else (citation, None)
    return Evidence(number, time_ns, None, "")


def _by_packet(conversation: Conversation) -> dict[int, Evidence]:
    """What the timeline of a conversation says of each packet."""
    found: dict[int, Evidence] = {}
    for event in events(conversation):
        before = found.get(event.packet)
        what = f"{before.what}; {event.what}" if before is not None else event.what
        side = before.side if before is not None else event.side
        found[event.packet] = Evidence(event.packet, event.time_ns, side or event.side, what, conversation.id)
    return found
