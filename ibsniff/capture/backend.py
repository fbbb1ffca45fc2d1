"""What a platform must provide for live capture: see `socket_backend` (Linux) and `scapy_backend` (elsewhere)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from ibsniff.capture.ring_block import RingBlock


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


class LinkState(NamedTuple):
    """What has become of an interface."""

    name: str
    """As it is called now: it may have been renamed."""
    up: bool


class Backend(Protocol):
    """An armed capture of one interface."""

    link_type: int
    """LINKTYPE_ value (tcpdump.org/linktypes.html) of every packet it hands over."""
    delay_ns: int
    """How old a packet may be when it is handed over: time has surely passed without a packet only before that."""
    buffer_bytes: int
    """What may wait for us before anything is dropped."""

    def fileno(self) -> int:
        """A descriptor (on Windows a socket) that is readable while packets wait, or trouble does."""

    def receive(self) -> RingBlock | Sequence[RawPacket]:
        """Take some of the packets that wait, in order; none when there are none, and never wait for one.

        Many at once may come as a block, which can be read in bulk.

        Raises OSError when something has befallen the interface; `link` says what.
        """

    def link_state(self) -> LinkState | None:
        """Look at the interface; None when it is gone for good."""

    def statistics(self) -> Statistics:
        """Return what was counted so far."""

    def close(self) -> None:
        """Give the socket back; harmless when repeated."""
