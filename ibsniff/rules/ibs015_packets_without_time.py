"""Packets bear no time.

Seen: pcapng simple packet blocks, which have none, stamps that no calendar knows, or a file in which every stamp is zero.
Meaning: the order is known, and durations are not. That the server was silent until the client left still holds; for how
long does not, so nothing that rests on it is surer than ``low``, and nobody is said to have left too early.
How sure: certain; the file says so.
What to do: capture with a tool that writes times (tcpdump, dumpcap); what converted this file may have lost them.
"""

from __future__ import annotations

from ibsniff.facts.evidence import opening_packets
from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.timing import waited_long_enough
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """No time, or not for all."""
    facts = index.capture.facts
    if not index.reliability.without_time:
        return None
    return Statement(
        f"{counted(facts.untimed or facts.packets, 'packet')} of this capture bear no time of their own: how long anything "
        "took is not known.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=opening_packets(conversation),
        remedy="Capture with tcpdump or dumpcap, and do not convert the file to a format without times.",
        explains=None if waited_long_enough(conversation) else conversation.missing,
    )
