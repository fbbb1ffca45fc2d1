"""ARP requests for an address are not answered.

Seen: ARP requests for an address, none of them answered, and no API conversation in the capture.
Meaning: a machine that cannot find the other machine's hardware address sends no SYN at all: the program's connection
attempt never left. The other machine is off or asleep, or the address is wrong or out of date.
How sure: it is certain that nobody answered (RFC 826); that this is the address the program connects to is inferred.
What to do: compare the address with the one that the program connects to; check that the machine is on. From WSL, the
Windows host is the default gateway (``ip route show default``).
"""

from __future__ import annotations

import ipaddress
from itertools import pairwise

from ibsniff.facts.index import CaptureIndex
from ibsniff.formatting import seconds_between
from ibsniff.model import Confidence, Fault, Moment, Severity
from ibsniff.rules.registry import Statement, capture_rule

AT_LEAST, RETRY = 0.5, 3.0
"""Seconds after which, and within which, a kernel repeats a request that nobody answered (Linux and Windows: 1 s).
Requests of other machines may be minutes apart, and the answers to them do not reach the place of the capture."""
SHOWN = 3
"""How many addresses the sentence names: more are a scan of the network, not one program's connection attempt."""


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Statement | None:
    """Find ARP requests without an answer, and nothing else."""
    asked = [(address, requests) for address, requests in index.capture.unanswered_arp if _repeated_soon(requests)]
    if index.conversations or not 0 < len(asked) <= SHOWN:
        return None
    named = " or ".join(str(ipaddress.ip_address(address)) for address, _ in asked)
    return Statement(
        f"No machine answers ARP for {named}: if the program connects to that address, its connection attempt never "
        "left this machine.",
        Fault.NETWORK,
        Confidence.MEDIUM,
        packets=(request.packet for _, requests in asked for request in requests),
        remedy=f"Check whether the program connects to {named}, and whether that machine is on. "
        "From WSL, the Windows host is the default gateway: ip route show default.",
    )


def _repeated_soon(requests: tuple[Moment, ...]) -> bool:
    return any(AT_LEAST <= seconds_between(first, again) <= RETRY for first, again in pairwise(requests))
