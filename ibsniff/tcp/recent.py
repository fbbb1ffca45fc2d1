"""The latest segments of one direction: what second copies are recognised by, and bytes that contradict earlier ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from ibsniff.model import Segment

RECENT_SEGMENTS = 16
"""Remembered, the latest."""
REMEMBERED_BYTES = 1460
"""Of each of them: a segment of Ethernet whole. Those of loopback have 64 KB, and sixteen would be a megabyte."""


class Recent:
    """Iterates over the latest segments, the oldest first."""

    __slots__ = ("_earlier", "_latest")

    def __init__(self) -> None:
        self._latest: deque[Segment] = deque(maxlen=RECENT_SEGMENTS)
        self._earlier: Callable[[], Iterable[Segment]] | None = None

    def __iter__(self) -> Iterator[Segment]:
        if self._earlier is not None:
            self.look_up()
        return iter(self._latest)

    def add(self, segment: Segment) -> None:
        """Keep it, or the beginning of a long one, to compare later ones with."""
        if len(segment.payload) > REMEMBERED_BYTES:
            segment = segment._replace(payload=segment.payload[:REMEMBERED_BYTES])
        self._latest.append(segment)

    def add_later(self, segments: Callable[[], Iterable[Segment]]) -> None:
        """Remember ``RECENT_SEGMENTS`` by where they can be had: they are hardly ever asked for."""
        self._latest.clear()
        self._earlier = segments

    def look_up(self) -> None:
        """Get them now: they cannot be had any longer."""
        if self._earlier is None:
            return
        newer, earlier = list(self._latest), self._earlier
        self._earlier = None
        self._latest.clear()
        for segment in earlier():
            self.add(segment)
        self._latest.extend(newer)
