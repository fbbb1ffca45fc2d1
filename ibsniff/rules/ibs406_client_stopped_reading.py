"""The client stopped reading.

Seen: the client's TCP window closed (zero window): its receive buffer is full.
Meaning: the program reads data more slowly than TWS sends it; data arrives late, and TWS must wait.
How sure: the zero window is certain, as the client's own kernel reports it; what TWS does about it is not known.
Sources: RFC 9293, 3.8.6.1.
What to do: read the socket in its own thread, do less in callbacks, subscribe to less.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.NOTE)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The client reported a zero window."""
    half = conversation.connection.from_client
    if not half.zero_windows or half.first_zero_window is None or conversation.missing is not None:
        return None
    return Statement(
        f"The client stopped reading {counted(half.zero_windows, 'time')} (zero window): the program reads more slowly "
        "than data arrives.",
        Fault.CLIENT,
        Confidence.HIGH,
        packets=(half.first_zero_window.packet,),
        remedy="Read the socket in its own thread, do less in callbacks, subscribe to less.",
    )
