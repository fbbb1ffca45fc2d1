"""The server's machine cannot be reached.

Seen: ICMP "host unreachable" or "network unreachable", or ARP requests for the server's address that nobody answers.
Meaning: the address is wrong or out of date, or that machine is off or asleep, or its network is down. The addresses of
WSL and of containers change with a restart.
When the ICMP message comes from the address that was called, that machine can be reached: it forwards the port (a
container's port mapping, a NAT), and what it forwards to cannot be reached from there.
How sure: a router says so, or the missing ARP answer (RFC 792, RFC 826). A firewall on the called machine may be set to
reject with the same message.
It is only a note, with nothing to fix, when the program then tried the name's address of the other IP version.
What to do: check the address that the program connects to, or on the machine that sent the ICMP message where the port is
forwarded to; from WSL, the Windows host is the default gateway
(``ip route``).
"""

from __future__ import annotations

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.network_path import may_be_from_wsl
from ibsniff.model import (
    Alternative,
    Confidence,
    Connection,
    Conversation,
    Fault,
    Outcome,
    Rung,
    Severity,
    Unreachable,
    UnreachableKind,
)
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.unanswered import unless_other_ip_version_followed

UNROUTED = (UnreachableKind.HOST, UnreachableKind.NETWORK)

REJECTED = Alternative(
    "a firewall on that machine rejects the connection with this ICMP message",
    Fault.NETWORK,
    "on it, `iptables -S` or `nft list ruleset` shows a rule with icmp-host-unreachable or icmp-net-unreachable",
)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find a report that the address cannot be reached."""
    connection = conversation.connection
    report = connection.unreachable
    unrouted = report is not None and report.kind in UNROUTED
    if conversation.outcome is not Outcome.UNREACHABLE or not (unrouted or conversation.arp_unanswered):
        return None
    if report is not None and unrouted and _called_itself(connection, report):
        statement = _forwards_to_nobody(connection, report)
        return unless_other_ip_version_followed(statement, conversation, index)
    packets = [connection.first.packet, *([report.packet] if report else []), *_arp_packets(conversation)]
    how = f"ICMP reports {report.kind}" if report is not None and unrouted else "ARP requests for it are not answered"
    statement = Statement(
        f"{connection.server.ip} cannot be reached: {how}.",
        Fault.NETWORK,
        Confidence.HIGH,
        packets=packets,
        remedy=f"Check the address that the program connects to, and that the machine is on.{_default_gateway(connection)}",
        explains=Rung.CONNECTED,
    )
    return unless_other_ip_version_followed(statement, conversation, index)


def _default_gateway(connection: Connection) -> str:
    """Where a program in WSL finds the address of its Windows host."""
    in_wsl = may_be_from_wsl(connection)
    return " In WSL, the Windows host is the default gateway: `ip route show default`." if in_wsl else ""


def _arp_packets(conversation: Conversation) -> list[int]:
    return [moment.packet for moment in conversation.arp_unanswered]


def _called_itself(connection: Connection, report: Unreachable) -> bool:
    """The machine that was called sent the message, and it is not the client's own, which has no route."""
    return report.reporter == connection.server.address != connection.client.address


def _forwards_to_nobody(connection: Connection, report: Unreachable) -> Statement:
    return Statement(
        f"{connection.server.ip} can be reached and forwards port {connection.server.port}, but what it forwards to cannot "
        f"be reached: {connection.server.ip} itself reports {report.kind} (ICMP).",
        Fault.NETWORK,
        Confidence.HIGH,
        packets=(connection.first.packet, report.packet),
        remedy=f"On {connection.server.ip}, check where port {connection.server.port} is forwarded to (a container's "
        "published port, a NAT or portproxy rule), and whether that container or machine is running.",
        alternatives=(REJECTED,),
        explains=Rung.CONNECTED,
    )
