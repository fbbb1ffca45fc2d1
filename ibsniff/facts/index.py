"""What is computed once for a whole capture and used by all rules."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

from ibsniff.facts.answered_hellos import AnsweredHellos
from ibsniff.facts.outages import Outage, outages
from ibsniff.facts.related_connections import RelatedConnections
from ibsniff.facts.relay_legs import SessionsOverRelays
from ibsniff.facts.reliability import Reliability
from ibsniff.facts.server_history import ServerHistory
from ibsniff.model import Capture, Conversation, Endpoint


class CaptureIndex:
    """One capture and what its conversations show about each other.

    It is made for one judgement, passed to every rule, and discarded with it: nothing else keeps a capture in memory.
    """

    def __init__(self, capture: Capture) -> None:
        self.capture = capture

    @property
    def conversations(self) -> Sequence[Conversation]:
        """The conversations of the capture, in its order."""
        return self.capture.conversations

    @cached_property
    def by_id(self) -> dict[str, Conversation]:
        """The conversations by their ids."""
        return {one.id: one for one in self.conversations}

    @cached_property
    def reliability(self) -> Reliability:
        """How far conclusions from this capture can be trusted."""
        return Reliability(self.capture.facts)

    @cached_property
    def server_history(self) -> ServerHistory:
        """What the servers did at other times."""
        return ServerHistory(self.conversations)

    @cached_property
    def related(self) -> RelatedConnections:
        """The conversations, grouped by what they have in common."""
        return RelatedConnections(self.conversations)

    @cached_property
    def outages(self) -> list[tuple[list[Conversation], list[Outage]]]:
        """For each server that had outages, its conversations and the outages, in order of time."""
        found = [(group, list(outages(group))) for group in self.related.by_server]
        return [(group, those) for group, those in found if those]

    def in_outage(self, conversation: Conversation) -> bool:
        """Tell whether it began while its server served nobody."""
        began_ns = conversation.connection.first.time_ns
        outages = self._outages_by_server.get(conversation.connection.server, [])
        place = bisect_right(outages, began_ns, key=lambda outage: outage.began_ns)
        if not place:
            return False
        back_ns = outages[place - 1].back_ns
        return back_ns is None or began_ns < back_ns

    @cached_property
    def _outages_by_server(self) -> dict[Endpoint, list[Outage]]:
        return {those[0].server: those for _, those in self.outages}

    @cached_property
    def answered_hellos(self) -> AnsweredHellos:
        """The hellos that were answered."""
        return AnsweredHellos(self.conversations)

    @cached_property
    def over_relays(self) -> SessionsOverRelays:
        """The sessions that a relay passed on, as far as both of its connections were captured."""
        return SessionsOverRelays(self.conversations)
