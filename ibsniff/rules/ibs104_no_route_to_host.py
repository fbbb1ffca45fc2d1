"""The server's machine cannot be reached.

Seen: ICMP "host unreachable" or "network unreachable", or ARP requests for the server's address nobody answers.
Meaning: the address is wrong or stale, or that machine is off, asleep, or its network is down. WSL's and containers'
addresses change with a restart.
How sure: a router or the missing ARP answer says so (RFC 792, RFC 826).
A note, and nobody's turn, when the program went on to the name's address of the other IP version.
What to do: check the address the program calls; from WSL the Windows host is the default gateway (``ip route``).
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Confidence, Conversation, Fault, Outcome, Rung, Severity, UnreachableKind
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.unanswered import unless_other_ip_version_followed

UNROUTED = (UnreachableKind.HOST, UnreachableKind.NETWORK)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Nobody is there under that address."""
    connection = conversation.connection
    report = connection.unreachable
    unrouted = report is not None and report.kind in UNROUTED
    if conversation.outcome is not Outcome.UNREACHABLE or not (unrouted or conversation.arp_unanswered):
        return None
    packets = [connection.first.packet, *([report.packet] if report else []), *_asked(conversation)]
    how = f"ICMP says {report.kind}" if report is not None and unrouted else "nobody answers ARP for it"
    statement = Statement(
        f"{connection.server.ip} cannot be reached: {how}.",
        Fault.NETWORK,
        Confidence.HIGH,
        packets=packets,
        remedy="Check the address the program calls, and that the machine is on. From WSL the Windows host is the "
        "default gateway: ip route show default.",
        explains=Rung.CONNECTED,
    )
    return unless_other_ip_version_followed(statement, conversation, index)


def _asked(conversation: Conversation) -> list[int]:
    return [moment.packet for moment in conversation.arp_unanswered]
