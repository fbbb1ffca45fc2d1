"""The client stopped reading.

Seen: the client's TCP window closed (zero window): its receive buffer is full.
Meaning: the program reads data more slowly than TWS sends it; data arrives late, and TWS must wait. When the window is
not opened again, the program does not read at all: it hangs, is stopped, or waits for something else.
How sure: the zero window is certain, as the client's own kernel reports it; what TWS does about it is not known. A note
as long as the window opens again, a warning when it was closed for 5 s or longer until the end.
Sources: RFC 9293, 3.8.6.1.
What to do: read the socket in its own thread, do less in callbacks, subscribe to less.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.windows import closed_to_the_end
from ibsniff.formatting import counted, duration, elapsed
from ibsniff.model import Confidence, Conversation, Fault, Moment, Severity, Side
from ibsniff.rules.registry import Statement, conversation_rule

REMEDY = "Read the socket in its own thread, do less in callbacks, subscribe to less."


@conversation_rule(Severity.NOTE)
def check(conversation: Conversation, _index: CaptureIndex) -> Statement | None:
    """The client reported a zero window."""
    half = conversation.connection.from_client
    if not half.zero_windows or half.first_zero_window is None or conversation.missing is not None:
        return None
    closed = closed_to_the_end(conversation, Side.CLIENT)
    if closed is not None:
        return Statement(
            f"The client stopped reading: its TCP window was closed for {duration(closed.seconds)}, until the end. TWS "
            f"may not send it anything in that time.{_before(half.first_zero_window, closed.since)}",
            Fault.CLIENT,
            Confidence.HIGH,
            packets=(half.first_zero_window.packet, closed.since.packet),
            remedy=f"Find out where the program hangs. {REMEDY}",
            severity=Severity.WARNING,
        )
    return Statement(
        f"The client stopped reading {counted(half.zero_windows, 'time')} (zero window): the program reads more slowly "
        "than data arrives.",
        Fault.CLIENT,
        Confidence.HIGH,
        packets=(half.first_zero_window.packet,),
        remedy=REMEDY,
    )


def _before(first: Moment, last: Moment) -> str:
    """It had stopped earlier as well, and then read on."""
    if first.packet >= last.packet:
        return ""
    return f" It had stopped before: the first time {elapsed(first, last)} earlier, after which it read on for a while."
