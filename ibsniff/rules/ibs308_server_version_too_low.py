"""TWS answered with a version lower than the client accepts, or higher than it offered.

Seen: a version reply below the lowest version in the hello, or above the highest.
Meaning: TWS is too old for this client library, or the library too new for this TWS. ib_async and ib_insync need 157
(TWS 972), rust-ibapi 3 needs 213. An unframed reply in the legacy dialect to a modern hello means the same: most
clients then wait forever. TWS does not usually answer with a version above the highest that was offered; IB's clients
close the connection then (506).
How sure: certain, as both numbers are in the packets. Whether to update TWS or the library is your choice.
Sources: EClient (error 506); ib_async client.py.
What to do: update TWS or Gateway, or install an older version of the library.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.session import version_not_offered
from ibsniff.model import Confidence, Conversation, Fault, Hello, Reply, ReplyKind, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.client_symptom import client_symptom


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The versions do not overlap."""
    hello, reply = conversation.dialogue.hello, conversation.dialogue.reply
    if hello is None or reply is None or conversation.dialogue.ready:
        return None
    if reply.kind is ReplyKind.REDIRECT:
        return None
    if not version_not_offered(hello, reply):
        return None
    unframed = " in the legacy dialect" if reply.kind is ReplyKind.LEGACY else ""
    return Statement(
        f"It is certain that this session cannot work: TWS answered with version {reply.server_version}{unframed}, but the "
        f"client {_objection(hello, reply)}. Whether TWS is too old or the client library too new is not decided: which one "
        f"to change is your choice.{client_symptom(conversation)}",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=(*hello.packets, *reply.packets),
        remedy="Update TWS or Gateway, or install a version of the client library that was made for this one.",
        explains=conversation.missing,
    )


def _objection(hello: Hello, reply: Reply) -> str:
    """Why the client cannot use this version."""
    version, lowest, highest = reply.server_version, hello.min_version, hello.max_version
    if version is not None and highest is not None and version > highest:
        return f"offered at most {highest}, so it does not know this version"
    return f"needs at least {lowest}"
