"""Packets were lost while capturing.

Seen: the capture itself reports dropped packets (pcapng interface statistics, or the kernel's counter of a live
capture).
Meaning: a lost packet may be an answer that seems to be missing. A silence during which packets were lost is unproven
(IBS009), unless sequence numbers prove it: a later packet of the client acknowledges nothing new. Losses at other times
do not matter. A file that states only a total may have lost its packets at any time.
How sure: the capturing side counted them. Not every tool writes the number, so its absence proves nothing.
What to do: capture again with a filter on the API port and a larger buffer (``tcpdump -B 65536 'tcp port 7497'``).
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.timing import client_finished
from ibsniff.formatting import counted
from ibsniff.model import Confidence, Conversation, Evidence, Fault, Outcome, Severity
from ibsniff.rules.registry import Statement, capture_rule, cited
from ibsniff.rules.wording.last_packet import last_packet


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Statement | None:
    """Find a capture that reports lost packets."""
    if not index.capture.facts.dropped:
        return None
    return Statement(
        f"The capture lost {counted(index.capture.facts.dropped, 'packet')}; {_consequence(index)}.",
        Fault.UNDETERMINED,
        Confidence.HIGH,
        packets=(*map(_last_before, _doubtful(index)), last_packet(index)),
        remedy="Capture again with a filter on the API port and a larger buffer: `tcpdump -B 65536 'tcp port 7497'`.",
    )


def _doubtful(index: CaptureIndex) -> list[Conversation]:
    """The conversations in which the missing answer may be among the lost packets."""
    unproven = (one for one in index.conversations if one.outcome is Outcome.UNPROVEN)
    return [one for one in unproven if any(loss.packets for loss in one.lost_in_wait)]


def _last_before(doubtful: Conversation) -> Evidence | None:
    return cited(doubtful, client_finished(doubtful))


def _consequence(index: CaptureIndex) -> str:
    if doubtful := _doubtful(index):
        return f"in {counted(len(doubtful), 'conversation')} a missing answer may be among them"
    return "no conversation in this report is in doubt because of that"
