"""Packets bear no time.

Seen: pcapng simple packet blocks, which have none, stamps that no calendar knows, or a file in which every stamp is zero.
Meaning: the order is known, and durations are not. That the server was silent until the client left still holds; for how
long does not, so nothing that rests on it is surer than ``low``, and nobody is said to have left too early.
How sure: certain; the file says so.
What to do: capture with a tool that writes times (tcpdump, dumpcap); what converted this file may have lost them.
"""

from __future__ import annotations

from ibsniff.formatting import counted
from ibsniff.model import Capture, Confidence, Conversation, Fault, Severity
from ibsniff.rules.doubts import without_time
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.silences import gave_up_early
from ibsniff.rules.words import packets_of


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, capture: Capture) -> Statement | None:
    """No time, or not for all."""
    facts = capture.facts
    if not without_time(facts):
        return None
    return Statement(
        f"{counted(facts.untimed or facts.packets, 'packet')} of this capture bear no time of their own: how long anything "
        "took is not known.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=packets_of(conversation),
        remedy="Capture with tcpdump or dumpcap, and do not convert the file to a format without times.",
        explains=conversation.missing if gave_up_early(conversation) else None,
    )
