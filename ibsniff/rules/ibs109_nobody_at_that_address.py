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
from collections.abc import Iterable, Iterator

from ibsniff.facts.index import CaptureIndex
from ibsniff.facts.opening import addresses_nobody_has
from ibsniff.model import Confidence, Evidence, Fault, Moment, Severity
from ibsniff.rules.registry import Statement, capture_rule


@capture_rule(Severity.WARNING)
def check(index: CaptureIndex) -> Statement | None:
    """Find ARP requests without an answer, and nothing else."""
    asked = addresses_nobody_has(index.capture)
    if not asked:
        return None
    named = " or ".join(str(ipaddress.ip_address(address)) for address, _ in asked)
    return Statement(
        f"No machine answers ARP for {named}: if the program connects to that address, its connection attempt never "
        "left this machine.",
        Fault.NETWORK,
        Confidence.MEDIUM,
        packets=[one for address, requests in asked for one in _cited(address, requests)],
        remedy=f"Check whether the program connects to {named}, and whether that machine is on. "
        "From WSL, the Windows host is the default gateway: `ip route show default`.",
    )


def _cited(address: bytes, requests: Iterable[Moment]) -> Iterator[Evidence]:
    for number, request in enumerate(requests, 1):
        again = f", repeated ({number} times so far)" if number > 1 else ""
        yield Evidence(*request, None, f"ARP request for {ipaddress.ip_address(address)}{again}: no machine answers")
