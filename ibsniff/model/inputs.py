"""capture -> report: what a capture says of itself as a whole."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol


class WatchedBy(StrEnum):
    """How it is known until when the wire was watched."""

    STATISTICS = "the capture's own end time"
    LAST_PACKET = "its last packet"
    USER = "your word (--watched-until)"
    LIVE = "the live clock"


class ClockJump(NamedTuple):
    """Two neighbouring packets an hour or more apart: a quiet line, a machine that slept, or a clock that was set.

    Where the clock was seen to be set (live), ``before_ns`` is the time it would have shown, and the jump may be shorter.
    """

    packet: int
    """The later one."""
    before_ns: int
    after_ns: int


@dataclass(frozen=True, slots=True)
class InputFacts:
    """What one capture says of itself, as far as it was read; ``capture.input_record`` gathers it."""

    path: str
    format: str = "pcap"
    """``pcap`` or ``pcapng``, whatever it was compressed with."""
    link_types: tuple[int, ...] = ()
    packets: int = 0
    first_time_ns: int | None = None
    last_time_ns: int | None = None
    """The latest time of any packet (not the time of the last packet: clocks step back)."""
    watched_until_ns: int | None = None
    """None while nothing is known: no packet, no end time, no clock."""
    watched_by: WatchedBy = WatchedBy.LAST_PACKET
    truncated: str | None = None
    """What was cut off or damaged, in words; None when the input was whole."""
    interrupted: bool = False
    """The user stopped the reading before the end; ``truncated`` says where."""
    dropped: int | None = None
    """Packets the capturing side says it lost; None when it does not say."""
    cut_by_snaplen: int = 0
    times_backwards: int = 0
    """How often a packet was stamped more than a second earlier than the latest before it (reordering is less)."""
    clock_jumps: tuple[ClockJump, ...] = ()
    """The first few (bounded by ``capture``); ``clock_jump_count`` counts all."""
    clock_jump_count: int = 0
    untimed: int = 0
    """Packets without a time of their own (pcapng simple packet blocks, impossible stamps): each has the one before."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Packets not looked at, by reason."""
    notes: tuple[str, ...] = ()
    """What happened to the interfaces during the capture without losing anything, in words (bounded by ``capture``)."""
    events: tuple[str, ...] = ()
    """What happened during the capture, in order: ``notes``, and what interrupted it (then in ``truncated`` too)."""


class InputState(Protocol):
    """What is known of an input while it is read."""

    @property
    def packets(self) -> int:
        """Packets so far."""

    def facts(self, now_ns: int = 0, skipped: Counter[str] | None = None) -> InputFacts:
        """What is known at present, as a value.

        ``now_ns`` is the present time of a live source; ``skipped`` counts the packets that were not looked at.
        """
