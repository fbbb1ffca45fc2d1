"""The reasons for skipping a frame, in words for the user.

A reason is a string. The functions of ``net`` return either what they read or a reason: bytes from the wire never raise.
"""

from __future__ import annotations

from enum import StrEnum


class SkipReason(StrEnum):
    """The reasons without details; ``inside_tunnel`` and ``link.unsupported`` make the others."""

    NOT_IP = "not IP"
    NOT_TCP = "not TCP"
    OTHER_PORTS = "TCP on other ports"
    OTHER_ICMP = "ICMP about something else"
    OTHER_ARP = "ARP, neither request nor reply for an IPv4 address"
    FRAGMENT_INCOMPLETE = "IP fragment never completed"
    FRAGMENT_LIMIT = "IP fragment discarded, too many at once"
    CUT = "cut in the headers"
    """The snaplen ended before the headers did."""
    DAMAGED = "damaged header"
    """A header contradicts itself, its version or its length."""


def inside_tunnel(name: str) -> str:
    """Return the reason for skipping a packet inside a tunnel that is not read, or not readable."""
    return f"inside a tunnel ({name})"
