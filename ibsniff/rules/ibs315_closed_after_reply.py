"""TWS answered the hello and closed the connection before START_API arrived.

Seen: a complete version reply, and the server's FIN or RST within a second, before START_API came.
Meaning: not established. TWS was shutting down, or a relay lost the connection to its backend.
How sure: it is certain that the server ended the connection; the packets do not show why: low.
Sources: none; the order follows from the packets alone.
What to do: try again; read TWS's log of that time; with a relay, capture behind it.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.reliability import all_captured
from ibsniff.facts.server_close import ServerClose, server_close
from ibsniff.facts.timing import MINIMUM_WAIT
from ibsniff.formatting import elapsed, seconds_between
from ibsniff.model import Confidence, Conversation, Fault, ReplyKind, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.endings import closed_or_reset


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The server answered, and closed before START_API came."""
    dialogue, ended = conversation.dialogue, conversation.connection.ended
    reply = dialogue.reply
    if server_close(conversation) is not ServerClose.AFTER_REPLY or reply is None or ended is None:
        return None
    if reply.kind is ReplyKind.REDIRECT or not all_captured(conversation, Side.CLIENT):
        return None
    if not 0 <= seconds_between(reply.complete, ended.moment) < MINIMUM_WAIT:
        return None
    return Statement(
        f"TWS answered the hello and {closed_or_reset(ended)} the connection "
        f"{elapsed(reply.complete, ended.moment)} later, before START_API arrived.",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=(*opening_packets(conversation), *reply.packets),
        remedy="Try again; read TWS's log of that time; if a relay is in between, capture behind it.",
        explains=conversation.missing,
    )
