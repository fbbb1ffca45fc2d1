"""The latest segments of one direction, kept to recognise duplicate packets and conflicting bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from ibsniff.model import FIN, RST, SYN, Segment
from ibsniff.tcp.sequence import data_sequence, difference

RECENT_SEGMENTS = 16
"""How many are kept."""
KEPT_BYTES = 1460
"""Payload bytes kept of each: a whole segment of Ethernet. Those of loopback have 64 KB, and 16 of them would be 1 MB."""
DUPLICATE_NS = 5_000_000
"""A packet seen on two interfaces is seen within this time; a retransmission takes longer (RFC 6298, 2.4; Linux: 200 ms)."""


class RecentSegments:
    """Iterates over the latest segments, the oldest first."""

    __slots__ = ("_earlier", "_latest")

    def __init__(self) -> None:
        self._latest: deque[Segment] | None = None
        """None as long as there is none: most directions of a flood never send anything, and a deque takes 600 bytes."""
        self._earlier: Callable[[], Iterable[Segment]] | None = None

    def __iter__(self) -> Iterator[Segment]:
        if self._earlier is not None:
            self.load()
        return iter(self._latest or ())

    def add(self, segment: Segment) -> None:
        """Keep a segment, or the beginning of a long one, to compare later ones with."""
        if len(segment.payload) > KEPT_BYTES:
            segment = segment._replace(payload=segment.payload[:KEPT_BYTES])
        if self._latest is None:
            self._latest = deque(maxlen=RECENT_SEGMENTS)
        self._latest.append(segment)

    def add_lazily(self, segments: Callable[[], Iterable[Segment]]) -> None:
        """Keep ``RECENT_SEGMENTS`` segments by a function that gives them: they are hardly ever needed."""
        self._latest = None
        self._earlier = segments

    def load(self) -> None:
        """Call the function of ``add_lazily`` now, because it will not work any longer."""
        if self._earlier is None:
            return
        newer, earlier = self._latest or (), self._earlier
        self._earlier = self._latest = None
        for segment in (*earlier(), *newer):
            self.add(segment)

    def has_duplicate_of(self, segment: Segment) -> bool:
        """Whether the very same packet was captured before: on another interface, on a bridge, or twice on ``lo``.

        Without an IP identification (IPv6; Linux sets 0 where it may) only the bytes can tell: other bytes at the same
        place are no duplicate, and a bare ACK that comes again may just as well be a duplicate ACK.
        """
        if not (segment.ip_id or segment.length or segment.flags & (SYN | FIN | RST)):
            return False
        if self._latest is None and self._earlier is None:
            return False
        seq = segment.seq
        return any(
            old.seq == seq
            and old.ack == segment.ack
            and old.flags == segment.flags
            and old.length == segment.length
            and old.window == segment.window
            and old.ip_id == segment.ip_id
            and abs(segment.time_ns - old.time_ns) <= DUPLICATE_NS
            and (segment.ip_id or old.payload == segment.payload[:KEPT_BYTES])
            for old in self
        )

    def conflicts_with(self, sequence: int, data: bytes) -> bool:
        """Whether other bytes were captured at the same place of the stream."""
        for old in self:
            start = difference(data_sequence(old), sequence)
            low, high = max(start, 0), min(start + len(old.payload), len(data))
            if low < high and data[low:high] != old.payload[low - start : high - start]:
                return True
        return False
