"""TWS offers an older version than the client accepts.

Seen: a version reply below the lowest version in the hello.
Meaning: TWS is too old for this client library, or the library too new for this TWS. ib_async and ib_insync need 157
(TWS 972), rust-ibapi 3 needs 213.
An unframed reply in the legacy dialect to a modern hello is the same: most clients then wait for ever.
How sure: certain; both numbers are on the wire. Whether to update TWS or the library is your choice.
Sources: EClient (error 506); ib_async client.py.
What to do: update TWS or Gateway, or install an older version of the library.
"""

from __future__ import annotations

from ibsniff.model import Capture, Confidence, Conversation, Dialect, Fault, ReplyKind, Severity
from ibsniff.rules.felt import felt
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _capture: Capture) -> Statement | None:
    """The versions do not overlap."""
    hello, reply = conversation.dialogue.hello, conversation.dialogue.reply
    if hello is None or reply is None or hello.dialect is Dialect.LEGACY or conversation.dialogue.ready:
        return None
    if reply.kind is ReplyKind.REDIRECT:
        return None
    if reply.server_version is None or hello.min_version is None or reply.server_version >= hello.min_version:
        return None
    unframed = " in the legacy dialect" if reply.kind is ReplyKind.LEGACY else ""
    return Statement(
        f"TWS answers with version {reply.server_version}{unframed}, and the client needs at least {hello.min_version}: the one is "
        f"too old or the other too new.{felt(conversation)}",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=(*hello.packets, *reply.packets),
        remedy="Update TWS or Gateway, or install a version of the client library made for this one.",
        explains=conversation.missing,
    )
