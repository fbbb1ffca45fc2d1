"""The version reply stops half-way.

Seen: the beginning of a valid reply, and then nothing more.
Meaning: what answered died or hung while answering, or a relay stopped passing bytes on.
How sure: certain that it is unfinished; why is not to be seen: low.
What to do: try again; restart TWS if it stays so; capture behind a relay.
"""

from __future__ import annotations

from ibsniff.facts.evidence import opening_packets
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.hex_bytes import in_hex


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Half a reply."""
    reply = conversation.dialogue.reply
    if conversation.outcome is not Outcome.CUT_OFF or reply is None:
        return None
    return Statement(
        f"The server began to answer and stopped half-way. The bytes: {in_hex(reply.raw)}",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=(*opening_packets(conversation), *reply.packets),
        remedy="Try again; if it stays so restart TWS or Gateway; with a relay in between, capture behind it.",
        explains=conversation.missing,
    )
