"""The version reply came in several pieces, and the client did not continue.

Seen: a complete, valid reply spread over two or more packets; afterwards the client sends nothing.
Meaning: TCP may split a message anywhere, and a client must reassemble it. IB's official Python client parses each
read by itself and throws a part away: it then waits forever, although all bytes arrived.
How sure: that defect was measured in ibapi 9.81.1 and 10.46.1; that it is the reason here is inferred, as a program
that stops by itself after the reply looks the same. In both cases the client must act: medium.
What to do: try again (how the reply is split is chance); remove a relay from the path; use a client that reassembles
(ib_async).
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.session import client_stopped_after_reply
from ibsniff.facts.timing import packets_were_lost
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Find a client that did not continue after a split reply."""
    dialogue = conversation.dialogue
    if conversation.outcome is not Outcome.REPLIED or dialogue.hello is None:
        return None
    reply = dialogue.reply
    if reply is None or len(reply.packets) < 2 or not client_stopped_after_reply(conversation):
        return None
    return Statement(
        f"TWS answered in {len(reply.packets)} pieces, and the client did not continue: it does not reassemble them, "
        "or it stops here by itself.",
        Fault.CLIENT,
        Confidence.LOW
        if packets_were_lost(conversation.connection) and conversation.connection.ended
        else Confidence.MEDIUM,
        packets=reply.packets,
        remedy="Try again; remove a relay from the path; or use a client library that reassembles, as ib_async does. "
        "If this is a test that stops after the version reply, it has passed.",
        explains=conversation.missing,
    )
