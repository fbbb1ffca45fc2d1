"""Nobody answers for an address that was called.

Seen: ARP requests for an address, none answered, and no API conversation in the capture.
Meaning: a machine that cannot find out the other's hardware address sends no SYN at all: the program's call never
left. The other machine is off, asleep, or the address is wrong or stale.
How sure: that nobody answered is certain (RFC 826); that this is the address the program calls is inferred.
What to do: compare the address with the one the program calls; see that the machine is on. From WSL the Windows host is
the default gateway (``ip route show default``).
"""

from __future__ import annotations

import ipaddress
from itertools import pairwise

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import seconds_between
from ibsniff.model import Confidence, Fault, Moment, Severity
from ibsniff.rules.registry import Statement, capture_rule

AT_LEAST, RETRY = 0.5, 3.0
"""Seconds after and within which a kernel repeats a request nobody answered (Linux and Windows: 1 s); others' may be minutes
apart, and their answers are not for us to see."""
SHOWN = 3
"""Addresses named: more are a scan of the network, not a program's call."""


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Statement | None:
    """ARP without an answer, and nothing else."""
    asked = [(address, requests) for address, requests in index.capture.unanswered_arp if _urgently(requests)]
    if index.conversations or not 0 < len(asked) <= SHOWN:
        return None
    named = ", ".join(str(ipaddress.ip_address(address)) for address, _ in asked)
    return Statement(
        f"Nobody answers ARP for {named}: if the program calls that address, its call never left this machine.",
        Fault.NETWORK,
        Confidence.MEDIUM,
        packets=(request.packet for _, requests in asked for request in requests),
        remedy=f"See whether {named} is the address the program calls, and whether that machine is on. From WSL the "
        "Windows host is the default gateway: ip route show default.",
    )


def _urgently(requests: tuple[Moment, ...]) -> bool:
    return any(AT_LEAST <= seconds_between(first, again) <= RETRY for first, again in pairwise(requests))
