"""capture -> report: what a capture says of itself as a whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class WatchedBy(StrEnum):
    """How it is known until when the wire was watched."""

    STATISTICS = "the capture's own end time"
    LAST_PACKET = "its last packet"
    USER = "your word (--watched-until)"
    LIVE = "the live clock"


class ClockJump(NamedTuple):
    """Two neighbouring packets an hour or more apart: quiet, a machine that slept, or a clock that was set.

    Of a clock that was seen to be set (live), ``before_ns`` is the time it would have been, and the leap may be shorter.
    """

    packet: int
    """The later one."""
    before_ns: int
    after_ns: int


@dataclass(slots=True)
class InputFacts:
    """What one capture says of itself; filled while it is read."""

    path: str
    format: str = "pcap"
    """``pcap`` or ``pcapng``, whatever it was compressed with."""
    link_types: list[int] = field(default_factory=list)
    packets: int = 0
    first_time_ns: int | None = None
    last_time_ns: int | None = None
    """The latest time of any packet (not the time of the last packet: clocks step back)."""
    statistics_end_ns: int | None = None
    """End of capture according to a pcapng interface statistics block."""
    watched_until_ns: int | None = None
    watched_by: WatchedBy = WatchedBy.LAST_PACKET
    truncated: str | None = None
    """What was cut off or damaged, in words; None when the input was whole."""
    interrupted: bool = False
    """It was not read to its end, because the user had enough; ``truncated`` says where that was."""
    dropped: int | None = None
    """Packets the capturing side says it lost; None when it does not say."""
    cut_by_snaplen: int = 0
    times_backwards: int = 0
    """How often a packet was stamped more than a second earlier than the latest before it (reordering is less)."""
    clock_jumps: list[ClockJump] = field(default_factory=list)
    """The first few (bounded by ``capture``); ``clock_jump_count`` counts all."""
    clock_jump_count: int = 0
    untimed: int = 0
    """Packets without a time of their own (pcapng simple packet blocks, impossible stamps): they bear the one before."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Packets not looked at, by reason."""
    notes: list[str] = field(default_factory=list)
    """What befell the interfaces while it was made without taking anything away, in words (bounded by ``capture``)."""
