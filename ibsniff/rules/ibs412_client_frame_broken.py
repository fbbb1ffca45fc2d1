"""The client's bytes stop being IB messages.

Seen: in a session that was started in order, a length field of the client that no message has: 0, or more than 16 MB.
Meaning: every message begins with its length, 4 bytes big-endian. A client that miscounts one, sends one twice, or writes
from two threads at once shifts all that follow: TWS reads lengths out of the middle of texts. It may wait for bytes that
never come, complain, or hang up.
How sure: all the client sent is in the capture, so its bytes are certain; what TWS does with them is not known: medium.
Sources: EClient and EReader of the official API (the form of a message, and the limit of 0xFFFFFF bytes).
What to do: look at the program's own sending: one thread at a time, whole messages, and the return value of ``send``.
"""

from __future__ import annotations

from ibsniff.facts.captured_bytes import all_captured
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Conversation, Fault, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """No frame any more, and nothing of the capture's own doing."""
    dialogue, client = conversation.dialogue, conversation.connection.from_client
    broken, start = dialogue.unframed.get(Side.CLIENT), dialogue.start
    if broken is None or start is None or dialogue.hello is None or not dialogue.hello.is_valid:
        return None
    if not all_captured(conversation, Side.CLIENT) or client.cut_by_snaplen or client.conflicts:
        return None
    return Statement(
        f"The client's bytes stop being messages: it sent {dialogue.unframed_detail[Side.CLIENT]}, which no message has.",
        Fault.CLIENT,
        Confidence.MEDIUM,
        packets=(start.moment.packet, broken.packet),
        remedy="Let one thread send, whole messages only, and heed what send() returns; or use a client library that does.",
        explains=conversation.missing,
    )
