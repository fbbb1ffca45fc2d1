"""The client's bytes stop being IB messages.

Seen: in a session that was started correctly, a length field of the client that no message can have: 0, or more than
16 MB. Or a message of the client that is not complete for 10 s, while what was to complete it ends with
three or more messages that are whole by themselves.
Meaning: every message begins with its length, 4 bytes big-endian. When a client writes a wrong length, sends one
twice, or writes from two threads at once, everything after it is shifted: TWS reads lengths from the middle of texts.
It may wait for bytes that never come, report an error, or close the connection.
How sure: the capture contains everything the client sent, so its bytes are certain; what TWS does with them is not
known: medium.
Sources: EClient and EReader of the official API (the form of a message, and the limit of 0xFFFFFF bytes).
What to do: check how the program sends: one thread at a time, whole messages, and the return value of ``send``.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.reliability import all_captured
from ibsniff.facts.timing import end_of_wait_ns
from ibsniff.model import NANOSECONDS, Confidence, Conversation, Fault, Moment, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule

INCOMPLETE, SWALLOWED = 10.0, 3
"""Seconds without the rest of a message, and whole messages in its place, that are no slow sender."""


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The client's bytes are not in frames any more, and the capture is not the reason."""
    dialogue, client = conversation.dialogue, conversation.connection.from_client
    broken, start = dialogue.unframed.get(Side.CLIENT), dialogue.start
    swallowing = _swallowing(conversation)
    what = f"it sent {dialogue.unframed_detail[Side.CLIENT]}, which no message has" if broken is not None else (
        f"it sent a length of more bytes than followed, and {dialogue.swallowed:,} later messages, each of them whole, stand "
        "where TWS waits for the rest of that one"
    )  # fmt: skip
    packet = broken or swallowing
    if packet is None or start is None or dialogue.hello is None or not dialogue.hello.is_valid:
        return None
    if not all_captured(conversation, Side.CLIENT) or client.cut_by_snaplen or client.conflicts:
        return None
    return Statement(
        f"The client's bytes stop being IB messages: {what}.",
        Fault.CLIENT,
        Confidence.MEDIUM,
        packets=(start.moment.packet, packet.packet),
        remedy="Send from one thread only, send whole messages only, and check what send() returns; or use a client "
        "library that does so.",
        explains=conversation.missing,
    )


def _swallowing(conversation: Conversation) -> Moment | None:
    """Where a message began that the client never completed, although it sent others."""
    dialogue = conversation.dialogue
    began = dialogue.unfinished.get(Side.CLIENT)
    if began is None or dialogue.swallowed < SWALLOWED:
        return None
    return began if end_of_wait_ns(conversation) - began.time_ns >= INCOMPLETE * NANOSECONDS else None
