"""Why a frame was not looked at, in words a user understands.

A reason is a plain string, so that a function of this room returns either what it read or the reason it could not:
bytes from the wire never raise.
"""

from __future__ import annotations

from enum import StrEnum


class SkipReason(StrEnum):
    """The reasons that need no detail; ``inside_tunnel`` and ``link.unsupported`` build the others."""

    NOT_IP = "not IP"
    NOT_TCP = "not TCP"
    OTHER_PORTS = "TCP on other ports"
    OTHER_ICMP = "ICMP about something else"
    OTHER_ARP = "ARP, neither request nor reply for an IPv4 address"
    FRAGMENT_INCOMPLETE = "IP fragment never completed"
    FRAGMENT_LIMIT = "IP fragment given up, too many at once"
    CUT = "cut in the headers"
    """The snaplen ended before the headers did."""
    DAMAGED = "damaged header"
    """A header contradicts itself, its version or its length."""


def inside_tunnel(name: str) -> str:
    """Give the reason for a packet that is wrapped in another one: its inside is not looked at, and never guessed at."""
    return f"inside a tunnel ({name})"
