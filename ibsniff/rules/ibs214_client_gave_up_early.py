"""The client closed the connection before TWS had a fair chance to answer.

Seen: a valid hello, no reply, and the client's FIN or RST within a second.
Meaning: TWS usually answers within milliseconds, but takes seconds while it starts, and as long as a person needs when
it asks whether to accept the connection. Such a short wait proves nothing.
How sure: it is certain that the client ended the connection first; whether TWS would have answered is not known. How
long the client waited is not known either when the capture's clock stepped back before the client closed; then its
timeout is not mentioned.
Sources: ib_async 18 (the dialog); wboayue/rust-ibapi 761 (just after a restart).
What to do: give the client a longer timeout and capture again.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.timing import wait_of_client, waited_long_enough
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Rung, Severity
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.endings import silence


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a client that waited for less than a second."""
    wait = wait_of_client(conversation)
    if conversation.outcome is not Outcome.SILENT or wait is None or index.reliability.without_time:
        return None
    if waited_long_enough(conversation):
        return None
    if wait < 0:
        return _wait_not_known(conversation)
    return Statement(
        f"The client closed the connection too early to tell whether TWS answers ({silence(conversation)}).",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=opening_packets(conversation),
        remedy="Give the client a timeout of 10 s or more, and capture again.",
        explains=Rung.ANSWERED,
    )


def _wait_not_known(conversation: Conversation) -> Statement:
    return Statement(
        "The client closed the connection without an answer. How long it had waited is not known, because the "
        "capture's clock stepped back meanwhile.",
        Fault.UNDETERMINED,
        Confidence.LOW,
        packets=opening_packets(conversation),
        remedy="Capture again on a machine whose clock is not set while the capture runs.",
        explains=Rung.ANSWERED,
    )
