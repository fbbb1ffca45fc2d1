"""The server's machine cannot be reached.

Seen: ICMP "host unreachable" or "network unreachable", or ARP requests for the server's address that nobody answers.
Meaning: the address is wrong or out of date, or that machine is off or asleep, or its network is down. The addresses of
WSL and of containers change with a restart.
How sure: a router says so, or the missing ARP answer (RFC 792, RFC 826).
It is only a note, with nothing to fix, when the program then tried the name's address of the other IP version.
What to do: check the address that the program connects to; from WSL, the Windows host is the default gateway
(``ip route``).
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Rung, Severity, UnreachableKind
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.unanswered import unless_other_ip_version_followed

UNROUTED = (UnreachableKind.HOST, UnreachableKind.NETWORK)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a report that the address cannot be reached."""
    connection = conversation.connection
    report = connection.unreachable
    unrouted = report is not None and report.kind in UNROUTED
    if conversation.outcome is not Outcome.UNREACHABLE or not (unrouted or conversation.arp_unanswered):
        return None
    packets = [connection.first.packet, *([report.packet] if report else []), *_arp_packets(conversation)]
    how = f"ICMP reports {report.kind}" if report is not None and unrouted else "ARP requests for it are not answered"
    statement = Statement(
        f"{connection.server.ip} cannot be reached: {how}.",
        Fault.NETWORK,
        Confidence.HIGH,
        packets=packets,
        remedy="Check the address that the program connects to, and that the machine is on. From WSL, the Windows "
        "host is the default gateway: ip route show default.",
        explains=Rung.CONNECTED,
    )
    return unless_other_ip_version_followed(statement, conversation, index)


def _arp_packets(conversation: Conversation) -> list[int]:
    return [moment.packet for moment in conversation.arp_unanswered]
