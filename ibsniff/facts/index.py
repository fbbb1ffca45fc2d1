"""What is found out once about a whole capture, for all rules that ask."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from ibsniff.facts.answered_hellos import AnsweredHellos
from ibsniff.facts.related_connections import RelatedConnections
from ibsniff.facts.reliability import Reliability
from ibsniff.facts.server_history import ServerHistory
from ibsniff.model import Capture, Conversation


class CaptureIndex:
    """One capture and what its conversations show about each other.

    It is made for one judgement, passed to every rule, and dropped with it: nothing remembers a capture behind its back.
    """

    def __init__(self, capture: Capture) -> None:
        self.capture = capture

    @property
    def conversations(self) -> Sequence[Conversation]:
        """Those of the capture, in its order."""
        return self.capture.conversations

    @cached_property
    def reliability(self) -> Reliability:
        """What the capture allows to conclude."""
        return Reliability(self.capture.facts)

    @cached_property
    def server_history(self) -> ServerHistory:
        """What the servers did at other times."""
        return ServerHistory(self.conversations)

    @cached_property
    def related(self) -> RelatedConnections:
        """Conversations by what they have in common."""
        return RelatedConnections(self.conversations)

    @cached_property
    def answered_hellos(self) -> AnsweredHellos:
        """The hellos that were answered."""
        return AnsweredHellos(self.conversations)
