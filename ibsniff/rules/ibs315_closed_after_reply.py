"""TWS answered the hello and hung up before the client could go on.

Seen: a whole version reply, and the server's FIN or RST within a second, before START_API came.
Meaning: not established. TWS was just shutting down, or a relay lost its inner side.
How sure: that the server ended it is certain; why is not to be seen: low.
Sources: none; the order follows from the packets alone.
What to do: try again; read TWS's log of that time; with a relay, capture behind it.
"""

from __future__ import annotations

from ibsniff.formatting import elapsed, seconds_between
from ibsniff.model import Capture, Confidence, Conversation, Fault, Outcome, ReplyKind, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.session import all_captured, started_too_late
from ibsniff.rules.silences import FAIR_CHANCE
from ibsniff.rules.words import packets_of


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _capture: Capture) -> Statement | None:
    """Answered, and hung up on before its turn."""
    dialogue, ended = conversation.dialogue, conversation.connection.ended
    reply = dialogue.reply
    if conversation.outcome is not Outcome.REPLIED or reply is None or ended is None:
        return None
    if dialogue.start is not None and not started_too_late(conversation):
        return None
    if ended.by is not Side.SERVER or reply.kind is ReplyKind.REDIRECT or not all_captured(conversation, Side.CLIENT):
        return None
    if not 0 <= seconds_between(reply.complete, ended.moment) < FAIR_CHANCE:
        return None
    return Statement(
        f"TWS answered the hello and hung up {elapsed(reply.complete, ended.moment)} later, before the client went on.",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=(*packets_of(conversation), *reply.packets),
        remedy="Try again; read TWS's log of that time; if a relay is in between, capture behind it.",
        explains=conversation.missing,
    )
