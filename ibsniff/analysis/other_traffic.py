"""Packets outside the API conversations that may explain one; only a bounded number of them is remembered."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

from ibsniff.model import NANOSECONDS, Arp, Connection, Endpoint, Moment, StrayHello

MAX_STRAY_HELLOS = 100
"""Different conversations noticed on other ports; one would be enough."""
STRAY_HELLO_LIMIT = "TCP on other ports that begins as an IB client does, beyond those remembered"
MAX_ARP_TARGETS = 1000
"""Pairs of addresses whose ARP requests are remembered: a sweep of a network asks for a few hundred."""
ARP_LIMIT = "ARP for more addresses than are remembered"
MAX_ARP_REQUESTS = 20
"""Requests remembered for each pair."""
MAX_ARP_ANSWERS = 1000
"""Moments remembered at which an address was in use, for each address."""
ARP_ENTRY_NS = 60 * NANOSECONDS
"""A system trusts an ARP reply for about so long; what it says need not be remembered more often."""


class OtherTraffic:
    """Hellos on other ports, and ARP requests without a reply."""

    def __init__(self, skipped: Counter[str]) -> None:
        """``skipped`` counts the packets beyond the bounds."""
        self._skipped = skipped
        self._hellos: dict[tuple[Endpoint, Endpoint], StrayHello] = {}
        self._unanswered_arp: dict[tuple[bytes, bytes], list[Moment]] = {}
        """By sender and requested address. Requests are broadcast, and replies go to the host that asked: so only of the
        client's own requests can it be known that there was no reply."""

        self._in_use: dict[bytes, list[Moment]] = {}
        """By address, when a machine that has it sent ARP, in order of time."""

    def take_hello(self, hello: StrayHello) -> None:
        """Remember the first of each conversation."""
        ends = hello.source, hello.destination
        if ends in self._hellos or len(self._hellos) < MAX_STRAY_HELLOS:
            self._hellos.setdefault(ends, hello)
        else:
            self._skipped[STRAY_HELLO_LIMIT] += 1

    def take_arp(self, arp: Arp) -> None:
        """Remember a request until it is answered, and who has the sender's address."""
        self._note_in_use(arp)
        if arp.is_reply:
            self._unanswered_arp.pop((arp.target, arp.sender), None)
        elif (arp.sender, arp.target) in self._unanswered_arp or len(self._unanswered_arp) < MAX_ARP_TARGETS:
            requests = self._unanswered_arp.setdefault((arp.sender, arp.target), [])
            if len(requests) < MAX_ARP_REQUESTS:
                requests.append(Moment(arp.packet, arp.time_ns))
        else:
            self._skipped[ARP_LIMIT] += 1

    def _note_in_use(self, arp: Arp) -> None:
        if arp.sender not in self._in_use and len(self._in_use) >= MAX_ARP_TARGETS:
            return
        moments = self._in_use.setdefault(arp.sender, [])
        is_news = not moments or arp.time_ns - moments[-1].time_ns >= ARP_ENTRY_NS
        if is_news and len(moments) < MAX_ARP_ANSWERS:
            moments.append(Moment(arp.packet, arp.time_ns))

    def stray_hellos(self) -> tuple[StrayHello, ...]:
        """Those remembered."""
        return tuple(self._hellos.values())

    def unanswered_arp(self) -> tuple[tuple[bytes, tuple[Moment, ...]], ...]:
        """Return addresses that did not reply, with the requests for them."""
        return tuple((address, tuple(requests)) for (_, address), requests in self._unanswered_arp.items())

    def arp_unanswered_for(self, connection: Connection) -> tuple[Moment, ...]:
        """Return the client's requests for the server's address, while there is no sign of the server."""
        if connection.syn_ack is not None:
            return ()
        return tuple(self._unanswered_arp.get((connection.client.address, connection.server.address), ()))

    def arp_answered_for(self, connection: Connection) -> Moment | None:
        """Return when a machine with the server's address sent ARP, shortly before the first SYN or later.

        Only while there is no other sign of the server.
        """
        moments = self._in_use.get(connection.server.address, ())
        if connection.syn_ack is not None or not moments:
            return None
        # what was said within the last entry's time is not remembered again
        since_ns = connection.first.time_ns - 2 * ARP_ENTRY_NS
        place = bisect_left(moments, since_ns, key=lambda moment: moment.time_ns)
        return moments[place] if place < len(moments) else None
