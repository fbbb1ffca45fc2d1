"""How the connection began: the client's attempts, and what came back."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ibsniff.model import Conversation, Side
from ibsniff.timeline.event import DECISIVE, DETAIL, Event, minor


def opening_events(conversation: Conversation) -> Iterator[Event]:
    """ARP requests, SYNs, and the answers to them."""
    connection = conversation.connection
    for number, arp in enumerate(conversation.arp_unanswered, 1):
        what = f"ARP request for {connection.server.ip}" + ", repeated" * (number > 1)
        yield Event(*arp, Side.CLIENT, what, weight=DECISIVE) if number <= 2 else minor(arp, Side.CLIENT, what)
    for number, syn in enumerate(connection.syns, 1):
        again = f"SYN sent again ({number} of {connection.syn_count})" if number > 1 else ""
        first = "SYN: the client asks for a connection"
        yield Event(*syn, Side.CLIENT, again or first, weight=DETAIL if again else DECISIVE)
    for number, refusal in enumerate(connection.refusals, 1):
        yield Event(*refusal, Side.SERVER, "RST: connection refused", weight=DECISIVE if number == 1 else DETAIL)
    if connection.unreachable is not None:
        about = connection.unreachable
        yield Event(
            about.packet,
            about.time_ns,
            None,
            f"ICMP from {ipaddress.ip_address(about.reporter)}: {about.kind}",
            weight=DECISIVE,
        )
    yield from _accepted(conversation)


def _accepted(conversation: Conversation) -> Iterator[Event]:
    connection = conversation.connection
    if connection.syn_ack is not None:
        yield Event(*connection.syn_ack, Side.SERVER, "SYN-ACK: the server accepts", weight=DECISIVE)
    if connection.established is not None:
        yield Event(*connection.established, Side.CLIENT, "ACK: the connection is open")
    for again in connection.repeated_syn_acks:
        yield Event(*again, Side.SERVER, "SYN-ACK sent again: the server has not received the client's ACK")
