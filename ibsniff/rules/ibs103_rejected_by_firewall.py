"""A firewall rejected the connection attempt.

Seen: an ICMP "port unreachable" or "administratively prohibited" in answer to the SYN.
Meaning: a packet filter did that. A TCP port on which nothing listens answers with a RST, not with ICMP.
How sure: it is certain that a filter rejects the connection (RFC 9293, 3.10.7.1; ICMP codes 9, 10 and 13 of RFC 1812);
the address that the ICMP message came from shows which one.
It is only a note, with nothing to fix, when the program then tried the name's address of the other IP version.
What to do: allow the port in the firewall of the machine that answered; with Kubernetes, check that the pod is ready.
"""

from __future__ import annotations

import ipaddress

from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Alternative, Confidence, Conversation, Fault, Rung, Severity, UnreachableKind
from ibsniff.rules.registry import Statement, conversation_rule
from ibsniff.rules.wording.unanswered import unless_other_ip_version_followed

NO_POD = Alternative(
    "a Kubernetes service without a ready pod: its packet filter rejects connections until the Gateway in a pod is "
    "ready",
    Fault.TWS_STATE,
    "`kubectl get endpoints` shows no endpoint for the service",
)
OR_IPV4 = " Or connect to the IPv4 address: a firewall has rules of its own for IPv6."
FILTERED = (UnreachableKind.PORT, UnreachableKind.PROHIBITED)


@conversation_rule(Severity.ERROR)
def check(conversation: Conversation, index: CaptureIndex) -> Statement | None:
    """Find an ICMP rejection in answer to the SYN."""
    connection = conversation.connection
    report = connection.unreachable
    if report is None or report.kind not in FILTERED or connection.syn_ack is not None or connection.refusals:
        return None
    reporter = ipaddress.ip_address(report.reporter)
    statement = Statement(
        f"A firewall rejected the connection: {reporter} answered the attempt to reach {connection.server} with ICMP "
        f"{report.kind}.",
        Fault.NETWORK,
        Confidence.HIGH,
        packets=(connection.first.packet, report.packet),
        remedy=f"Allow TCP port {connection.server.port} from {connection.client.ip} in the firewall of {reporter}."
        f"{OR_IPV4 if connection.server.address[4:] else ''}",
        alternatives=(NO_POD,) if report.kind is UnreachableKind.PORT else (),
        explains=Rung.CONNECTED,
    )
    return unless_other_ip_version_followed(statement, conversation, index)
