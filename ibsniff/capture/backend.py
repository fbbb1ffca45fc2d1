"""What a platform must implement for live capture: `socket_backend` does it for Linux, `scapy_backend` elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from ibsniff.capture.ring_block import RingBlock


class RawPacket(NamedTuple):
    """One packet as a back end delivers it."""

    time_ns: int
    data: bytes
    wire_length: int


class Statistics(NamedTuple):
    """The counters of the capturing side since the source was opened."""

    received: int
    """Packets that passed the filter, including those that were then dropped."""
    dropped: int | None
    """Packets that passed the filter and were lost because we read too slowly; None when the platform does not tell."""


class LinkState(NamedTuple):
    """The present state of an interface."""

    name: str
    """Its present name: it may have been renamed."""
    up: bool


class Backend(Protocol):
    """An open capture on one interface."""

    link_type: int
    """LINKTYPE_ value (tcpdump.org/linktypes.html) of every packet it delivers."""
    delay_ns: int
    """The greatest age of a packet when it is delivered. Only what is longer ago than this was surely without packets."""
    buffer_bytes: int
    """How many bytes can wait for us before packets are dropped."""

    def fileno(self) -> int:
        """Return a descriptor (on Windows a socket) that is readable while packets or an error are waiting."""

    def receive(self) -> RingBlock | Sequence[RawPacket]:
        """Return some of the waiting packets in order, or nothing when none is waiting; never block.

        Many packets may be returned as one block, which can be read as columns.

        Raises OSError when something has happened to the interface; `link_state` tells what.
        """

    def link_state(self) -> LinkState | None:
        """Return the present state of the interface; None when it no longer exists."""

    def statistics(self) -> Statistics:
        """Return the counters."""

    def close(self) -> None:
        """Close the capture; calling it again does nothing."""
