"""Whether a session is alive at its end: what the client asked since the server's last byte, and how long it waited."""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.facts.timing import end_of_wait_ns
from ibsniff.formatting import seconds_between
from ibsniff.model import NANOSECONDS, PATIENCE, Conversation, Dialogue, Moment, Side

REQUEST, ANSWER = "REQ_CURRENT_TIME", "CURRENT_TIME"
"""The one request that is always answered at once: programs poll it to check whether TWS responds."""


class Unanswered(NamedTuple):
    """A question that was not answered for longer than a living TWS needs."""

    asked: Moment
    seconds: float
    """How long there was no answer."""


def unanswered(conversation: Conversation) -> Unanswered | None:
    """The first question since the server's last byte that has waited for longer than its patience; None if none has."""
    connection, dialogue = conversation.connection, conversation.dialogue
    asked, received = connection.from_client.last_data, connection.from_server.last_data
    if dialogue.ready is None or asked is None or received is None or dialogue.bytes_after_gap:
        return None
    if _since_ready(dialogue, Side.CLIENT, REQUEST) <= _since_ready(dialogue, Side.SERVER, ANSWER):
        return None
    seconds = (end_of_wait_ns(conversation) - asked.time_ns) / NANOSECONDS
    if seconds_between(received, asked) < 0 or seconds < PATIENCE:
        return None
    return Unanswered(asked, seconds)


def _since_ready(dialogue: Dialogue, side: Side, name: str) -> int:
    """How many such messages came in the session; TWS ignores requests before it is ready ("API is not accepted")."""
    early = [one for one in dialogue.first_messages if one.side is side and one.name == name]
    before = [one for one in early if dialogue.ready and one.moment.time_ns < dialogue.ready.time_ns]
    return dialogue.messages[side][name] - len(before)
