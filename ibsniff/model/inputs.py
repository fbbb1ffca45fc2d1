"""capture -> report: what is known of a capture as a whole."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from ibsniff.masking.wire_text import WireText
from ibsniff.model.connection import Moment, Side
from ibsniff.model.packets import Endpoint


class WatchedBy(StrEnum):
    """How it is known until when packets were captured."""

    STATISTICS = "the capture's own end time"
    LAST_PACKET = "its last packet"
    USER = "your word (--watched-until)"
    LIVE = "the live clock"


class ClockJump(NamedTuple):
    """Two times of neighbouring packets that are far apart: a quiet line, a machine that slept, or a clock that was set.

    Where the clock was seen to be set (live), ``before_ns`` is the time it would have shown, and the jump may be shorter.
    """

    packet: int
    """The later one."""
    before_ns: int
    after_ns: int


class Loss(NamedTuple):
    """Packets that were not captured, and between which two moments they would have been: lost ones, or all of a time.

    A file that states only a total lost them at any time from the beginning (``since_ns`` is 0) to its end.
    """

    since_ns: int
    """The last moment at which they were not lost yet."""
    until_ns: int
    """The first moment at which they were known to be lost."""
    packets: int | None
    """None if nothing was captured, because an interface was down: how many there would have been is not known."""

    def is_within(self, since_ns: int, until_ns: int) -> bool:
        """Tell whether some of them may have been lost between these two moments; nothing lies between equal ones."""
        return max(since_ns, self.since_ns) < min(until_ns, self.until_ns)


class MachineReport(NamedTuple):
    """What the operating system of the capturing machine said of one end of a connection (``live --process``).

    It is evidence of another kind than packets: no rule uses it.
    """

    time_ns: int
    client: Endpoint
    server: Endpoint
    side: Side
    """Whose end it is."""
    process: int | None
    """None when the process belongs to another user and may not be inspected."""
    program: WireText | None
    """Its name, with the script that an interpreter runs."""
    close_wait: int
    """Sockets of that process, or on that port, that the other side has closed and the process has not."""
    accept_queue: int | None
    """Connections that wait to be accepted by the listener; None for a client, and where it is not known."""
    unread: int | None
    """Bytes of this conversation that have arrived but were not read."""


@dataclass(frozen=True, slots=True)
class InputFacts:
    """What is known of one capture as a whole, as far as it was read; ``capture.input_record`` collects it."""

    path: str
    """The file, the interfaces, or ``-`` for standard input."""
    format: str = "pcap"
    """``pcap`` or ``pcapng``, whatever it was compressed with."""
    link_types: tuple[int, ...] = ()
    """LINKTYPE_ values, in the order they were met."""
    packets: int = 0
    first_time_ns: int | None = None
    last_time_ns: int | None = None
    """The latest time of any packet; it may not be the last packet, because clocks can be set back."""
    last_packet: Moment | None = None
    """The last packet that was read, whatever its time."""
    watched_until_ns: int | None = None
    """Until when packets were captured; None while that is not known: no packet, no end time, no clock."""
    watched_by: WatchedBy = WatchedBy.LAST_PACKET
    truncated: str | None = None
    """What is missing or damaged, in words; None when the input is complete."""
    interrupted: bool = False
    """The user stopped the reading before the end; ``truncated`` says where."""
    dropped: int | None = None
    """Packets that were lost while capturing, according to the capturing side; None when it does not say."""
    losses: tuple[Loss, ...] = ()
    """When they were lost, by time, as far as the capture tells (bounded by ``capture``, which joins neighbours)."""
    cut_by_snaplen: int = 0
    """Packets that were not captured in full length."""
    times_backwards: int = 0
    """How often a time stamp was more than a second earlier than the latest before it; reordering causes less."""
    clock_steps_back: tuple[ClockJump, ...] = ()
    """The first few of them (bounded by ``capture``)."""
    clock_jumps: tuple[ClockJump, ...] = ()
    """The first few (bounded by ``capture``); ``clock_jump_count`` counts all."""
    clock_jump_count: int = 0
    untimed: int = 0
    """Packets without a valid time stamp (pcapng simple packet blocks, impossible values): each gets the one before it."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Packets that were not analysed, by reason."""
    notes: tuple[str, ...] = ()
    """What happened to the interfaces during the capture without a loss, in words (bounded by ``capture``)."""
    machine_reports: tuple[MachineReport, ...] = ()
    """The latest of each end of each connection (bounded by ``capture``), in the order in which the ends were first seen."""
    events: tuple[str, ...] = ()
    """What happened during the capture, in order: ``notes``, and what interrupted it (then in ``truncated`` too)."""


class InputState(Protocol):
    """What is known of an input while it is being read."""

    @property
    def packets(self) -> int:
        """Packets so far."""

    @property
    def losses(self) -> Sequence[Loss]:
        """What was lost so far."""

    def facts(self, now_ns: int = 0, skipped: Counter[str] | None = None) -> InputFacts:
        """What is known at present, as a value.

        ``now_ns`` is the present time of a live source; ``skipped`` counts the packets that were not looked at.
        """
