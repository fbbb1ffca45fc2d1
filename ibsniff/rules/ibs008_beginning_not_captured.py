"""The capture began in the middle of the conversation.

Seen: no SYN and no SYN-ACK, yet packets of an established connection.
Meaning: what was said at the beginning is not known. If the server sends valid IB frames the session works; if not,
nothing is proved.
How sure: certain; a TCP connection begins with a SYN.
What to do: start the capture first, then the program.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.NOTE)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """No SYN of it is in the capture."""
    connection = conversation.connection
    if connection.syn_count or connection.syn_ack or conversation.outcome not in (Outcome.JOINED, Outcome.UNPROVEN):
        return None
    joined = conversation.outcome is Outcome.JOINED
    what = "the server was sending IB messages" if joined else "nothing in it shows who is at fault"
    return Statement(
        f"The conversation had begun before the capture; {what}.",
        Fault.NONE if joined else Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=(connection.first.packet,),
        remedy="" if joined else "Start the capture first, then the program.",
        explains=conversation.missing if conversation.outcome is Outcome.UNPROVEN else None,
    )
