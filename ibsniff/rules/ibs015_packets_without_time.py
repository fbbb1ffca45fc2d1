"""Packets have no timestamp.

Seen: pcapng simple packet blocks, which have no timestamps; timestamps outside any calendar; or a file in which every
timestamp is zero.
Meaning: the order of the packets is known, but durations are not. It still holds that the server was silent until the
client closed the connection, but not for how long. So nothing that rests on this is surer than ``low``, and no client
is said to have closed too early.
How sure: certain; the file says so.
What to do: capture with a tool that writes timestamps (tcpdump, dumpcap); whatever converted this file may have lost
them.
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import opening_packets
from ibsniff.facts.timing import waited_long_enough
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Conversation, Fault, Severity
from ibsniff.rules.registry import Statement, conversation_rule


@conversation_rule(Severity.WARNING)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find packets without a timestamp."""
    facts = index.capture.facts
    if not index.reliability.without_time:
        return None
    return Statement(
        f"It is certain that {counted(facts.untimed or facts.packets, 'packet')} of this capture "
        f"{'has' if (facts.untimed or facts.packets) == 1 else 'have'} no usable timestamp. How long anything took is not "
        "decided; a capture with timestamps decides it.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=opening_packets(conversation),
        remedy="Capture with tcpdump or dumpcap, and do not convert the file to a format without timestamps.",
        explains=None if waited_long_enough(conversation) else conversation.missing,
    )
