"""TWS answered, but the client never sent START_API.

Seen: hello, version reply, and then no message 71 from the client.
Meaning: until START_API arrives, TWS sends nothing and ignores other requests ("since API is not accepted" in its log).
A test script that stops here has in fact proved that the handshake works.
How sure: certain; the official client sends START_API as soon as it has the reply. Low where packets were lost on the
way and the client closed the connection: it may not have received the reply.
Sources: EClient.startApi; deephaven-ib 12.
What to do: send START_API (71) with the client id, then wait for nextValidId (9).
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.session import client_stopped_after_reply, version_not_offered
from ibsniff.facts.timing import packets_were_lost
from ibsniff.model import Confidence, Conversation, Dialect, Fault, Outcome, ReplyKind, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule

LENGTH_END = 8
"""Bytes of a hello before the version range."""


@conversation_rule(Severity.ERROR, rests_on_absence=True)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Find a client that did not continue after the reply."""
    if conversation.outcome is not Outcome.REPLIED:
        return None
    reply, hello = conversation.dialogue.reply, conversation.dialogue.hello
    if reply is None or reply.kind is ReplyKind.REDIRECT or not client_stopped_after_reply(conversation):
        return None
    if hello is None or len(reply.packets) > 1 or version_not_offered(hello, reply):  # IBS211 or IBS308 reports it
        return None
    may_have_missed_reply = packets_were_lost(conversation.connection) and conversation.connection.ended is not None
    legacy = hello.dialect is Dialect.LEGACY
    return Statement(
        f"TWS answered (server version {reply.server_version}), but the client {_sent_instead(conversation)}. The "
        "client must act next.",
        Fault.CLIENT,
        Confidence.LOW if may_have_missed_reply else Confidence.MEDIUM if legacy else Confidence.HIGH,
        packets=(*opening_packets(conversation), *reply.packets),
        remedy="Send START_API (71) with the client id right after the reply, then wait for nextValidId (9). If this "
        "is a test that stops after the version reply, it has passed: TWS is running and answers.",
        explains=conversation.missing,
    )


def _sent_instead(conversation: Conversation) -> str:
    """What the client did in place of START_API, as the end of a sentence."""
    unframed = conversation.dialogue.unframed_detail.get(Side.CLIENT)
    if unframed:
        return f"sent something without a valid length in front ({unframed}) and never START_API"
    names = [message.name for message in conversation.dialogue.first_messages if message.side is Side.CLIENT]
    if names:
        return f"sent {names[0]} and never START_API"
    hello, length = conversation.dialogue.hello, conversation.connection.from_client.length
    more = hello is not None and hello.declared_length is not None and length > LENGTH_END + hello.declared_length
    return "sent bytes that are not a complete message, and no START_API" if more else "never sent START_API"
