"""The server redirects the client to another host.

Seen: a reply with a negative version: a redirect to the host in its second field.
Meaning: the client should connect to that host. IB's Python client does not know redirects and takes -1 for a
version.
How sure: the bytes are certain; no desktop TWS has been reported to send this.
Sources: EDecoder.processConnectAck (C++, Java, C#).
What to do: connect to the named host, if you trust it; find out which program listens on this port.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Conversation, Fault, ReplyKind, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """A redirect."""
    reply = conversation.dialogue.reply
    if reply is None or reply.kind is not ReplyKind.REDIRECT or conversation.dialogue.ready:
        return None
    return Statement(
        f"It is certain that the server redirects the client to {reply.redirect:quoted}. Whether that is your TWS is not "
        "decided: you know whether the host is yours.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=reply.packets,
        remedy="If that host is yours, connect to it directly; if not, find out which program listens on this port.",
        explains=conversation.missing,
    )
