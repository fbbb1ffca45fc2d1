"""The version reply is incomplete.

Seen: the beginning of a valid reply, and then nothing more.
Meaning: the program that answered crashed or hung while it answered, or a relay stopped passing bytes on.
How sure: it is certain that the reply is incomplete; the packets do not show why: low.
What to do: try again; restart TWS if this happens again; with a relay in between, capture behind it.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The reply is incomplete."""
    reply = conversation.dialogue.reply
    if conversation.outcome is not Outcome.CUT_OFF or reply is None:
        return None
    return Statement(
        "The server began to answer and stopped before its reply was complete.",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=(*opening_packets(conversation), *reply.packets),
        remedy="Try again; if this happens again, restart TWS or Gateway; with a relay in between, capture behind it.",
        explains=conversation.missing,
    )
