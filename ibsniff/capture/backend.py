"""What a platform must provide for live capture: see `socket_backend` (Linux) and `scapy_backend` (elsewhere)."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class RawPacket(NamedTuple):
    """One packet as a back end hands it over."""

    time_ns: int
    data: bytes
    wire_length: int


class Statistics(NamedTuple):
    """What the capturing side has counted since the source was opened."""

    received: int
    """Packets that passed the filter, the dropped ones included."""
    dropped: int | None
    """Of these, lost because we were too slow; None when the platform does not say."""


class Backend(Protocol):
    """An armed capture of one interface."""

    link_type: int
    """LINKTYPE_ value (tcpdump.org/linktypes.html) of every packet it hands over."""
    delay_ns: int
    """How old a packet may be when it is handed over: time has surely passed without a packet only before that."""

    def receive(self, wait: float) -> RawPacket | None:
        """Return the next packet, waiting for it at most ``wait`` seconds; None when there is none.

        Raises OSError when the interface is gone.
        """

    def statistics(self) -> Statistics:
        """Return what was counted so far."""

    def wake(self) -> None:
        """Make a `receive` that waits return; callable from a signal handler and from another thread."""

    def close(self) -> None:
        """Give the socket back; harmless when repeated."""
