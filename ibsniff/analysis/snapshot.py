"""One input as it was at one moment: values that do not change when more packets come."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ibsniff.model import Capture, Conversation, Outcome


class Snapshot(NamedTuple):
    """One input before it is judged; one process may hand it to another."""

    capture: Capture
    """As the only input: its conversations are numbered from c1 and have no findings."""
    connections: int
    """How many connections there were, whatever they turned out to be."""
    evicted: Counter[Outcome]
    """Outcomes of the conversations that are not kept any more."""

    def as_input(self, index: int, connections_before: int) -> Capture:
        """The same as one of several inputs, whose connections are numbered on from one to the next."""
        if index == 0 and connections_before == 0:
            return self.capture
        conversations = tuple(
            one._replace(input=index, id=f"c{int(one.id[1:]) + connections_before}")
            for one in self.capture.conversations
        )
        return self.capture._replace(input=index, conversations=conversations)


WATCHED_UNTIL = Conversation._fields.index("watched_until_ns")


def as_of(conversation: Conversation, watched_until_ns: int) -> Conversation:
    """The same at another time; quicker than ``_replace``, because a live capture does it for thousands at a time."""
    return tuple.__new__(
        Conversation, (*conversation[:WATCHED_UNTIL], watched_until_ns, *conversation[WATCHED_UNTIL + 1 :])
    )
