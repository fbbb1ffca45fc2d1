"""The client hung up before TWS had a fair chance.

Seen: a valid hello, no reply, and the client's FIN or RST within a second.
Meaning: TWS usually answers within milliseconds, but takes seconds while it starts, and as long as a person needs when
it asks whether to accept the connection. So short a wait proves nothing.
How sure: certain that the client ended first; whether TWS would have answered is not known.
Sources: ib_async 18 (the dialog); wboayue/rust-ibapi 761 (just after a restart).
What to do: give the client a longer timeout and capture again.
"""

from __future__ import annotations

from ibsniff.model import Capture, Confidence, Conversation, Fault, Outcome, Rung, Severity
from ibsniff.rules.doubts import without_time
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.silences import gave_up_early
from ibsniff.rules.words import packets_of, silence


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, capture: Capture) -> Statement | None:
    """Less than a second of patience."""
    if conversation.outcome is not Outcome.SILENT or not gave_up_early(conversation) or without_time(capture.facts):
        return None
    return Statement(
        f"The client hung up too early to tell ({silence(conversation)}).",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=packets_of(conversation),
        remedy="Give the client a timeout of 10 s or more, and capture again.",
        explains=Rung.ANSWERED,
    )
