"""The conversation began before the capture.

Seen: packets of an established connection, but neither a SYN nor a SYN-ACK.
Meaning: the beginning of the conversation is not known. If the server sends valid IB messages, the session works; if it
does not, nothing is proved.
How sure: certain; a TCP connection begins with a SYN.
What to do: start the capture first, then the program.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.NOTE)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """Find a conversation of which no SYN was captured."""
    connection = conversation.connection
    if connection.syn_count or connection.syn_ack or conversation.outcome not in (Outcome.JOINED, Outcome.UNPROVEN):
        return None
    joined = conversation.outcome is Outcome.JOINED
    what = "the server was sending IB messages" if joined else "nothing that was captured shows who is at fault"
    return Statement(
        f"The conversation began before the capture; {what}.",
        Fault.NONE if joined else Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=(connection.first.packet,),
        remedy="" if joined else "Start the capture first, then the program.",
        explains=conversation.missing if conversation.outcome is Outcome.UNPROVEN else None,
    )
