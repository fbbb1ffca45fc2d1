"""Reassembly of IP fragments that arrive in any order, within bounds.

Where fragments overlap, the first bytes seen are used. A fragment that the snaplen cut still counts as arrived: the
reassembled datagram then has its bytes up to the first that was not captured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ibsniff.model import NANOSECONDS
from ibsniff.net.ip import Datagram, Fragment
from ibsniff.net.skip import SkipReason

MAX_AGE_NS = 30 * NANOSECONDS
"""Linux discards them after 30 s (ipfrag_time); a later fragment would belong to another datagram with the same number."""

MAX_BYTES = 4 * 1024 * 1024
"""Captured bytes of incomplete datagrams, as Linux's ipfrag_high_thresh. TCP avoids fragments: more is attack or fault."""

MAX_DATAGRAMS = 1024
"""Incomplete datagrams: fragments without captured bytes do not count for MAX_BYTES, but take memory too."""

MAX_PIECES = 256
"""Pieces of one datagram: 65,535 bytes are 119 fragments at the smallest usual MTU of IPv4, 576 bytes (RFC 1122)."""

MAX_LENGTH = 65_535
"""The longest payload of a datagram: the length fields have 16 bits."""


class _PartialDatagram:
    """A datagram of which some fragments have arrived."""

    __slots__ = ("first", "frames", "pieces", "since_ns", "size", "total")

    def __init__(self, since_ns: int) -> None:
        self.since_ns = since_ns
        self.frames = 0
        self.size = 0
        self.total: int | None = None
        self.first: Datagram | None = None
        self.pieces: list[tuple[int, int, bytes]] = []
        """The start, the end on the wire and the captured bytes of each, ascending and without overlap."""

    def add(self, datagram: Datagram, fragment: Fragment) -> None:
        """Add the bytes of a fragment that have not arrived before."""
        self.frames += 1
        start, end = fragment.offset, fragment.offset + datagram.end - datagram.start
        if start == 0 and self.first is None:
            self.first = datagram._replace(data=b"")  # its bytes are kept in the pieces
        if not fragment.more and self.total is None:
            self.total = end
        data = datagram.data[datagram.start : datagram.end]
        new = [(low, high, data[low - start : high - start]) for low, high in self._missing(start, end)]
        self.size += sum(len(piece) for _, _, piece in new)
        self.pieces = sorted(self.pieces + new)

    def _missing(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        for low, high, _ in self.pieces:
            if start < min(low, end):
                yield start, min(low, end)
            start = max(start, high)
        if start < end:
            yield start, end

    def joined(self) -> Datagram | None:
        """Return the whole datagram once all its fragments have arrived, else None."""
        if self.first is None or self.total is None or any(self._missing(0, self.total)):
            return None
        data = bytearray()
        for start, _, piece in self.pieces:
            if start != len(data):
                break
            data += piece
        return self.first._replace(data=bytes(data), start=0, end=self.total, fragment=None)


class FragmentReassembler:
    """Reassembles datagrams; incomplete ones are kept, the oldest first."""

    def __init__(self, skipped: Counter[str]) -> None:
        self._skipped = skipped
        self._waiting: dict[bytes, _PartialDatagram] = {}
        self._size = 0

    def add(self, datagram: Datagram, fragment: Fragment, time_ns: int) -> tuple[Datagram, int] | SkipReason | None:
        """Add a fragment.

        Returns the whole datagram and its number of frames when this fragment completes it, a reason when the fragment
        itself is impossible, and None when the datagram is still incomplete.
        """
        length = datagram.end - datagram.start
        if length <= 0 or fragment.offset + length > MAX_LENGTH or (fragment.more and length % 8):
            return (
                SkipReason.DAMAGED
            )  # offsets are multiples of 8 bytes, so only the last fragment may have another length
        self._expire(time_ns)
        waiting = self._waiting.setdefault(fragment.key, _PartialDatagram(time_ns))
        before = waiting.size
        waiting.add(datagram, fragment)
        self._size += waiting.size - before
        whole = waiting.joined()
        if whole is not None:
            self._remove(fragment.key)
            return whole, waiting.frames
        if len(waiting.pieces) > MAX_PIECES:
            self._give_up(fragment.key, SkipReason.FRAGMENT_LIMIT)
        while self._size > MAX_BYTES or len(self._waiting) > MAX_DATAGRAMS:
            self._give_up(next(iter(self._waiting)), SkipReason.FRAGMENT_LIMIT)
        return None

    def finish(self) -> None:
        """Count the fragments of datagrams that never became complete."""
        for key in list(self._waiting):
            self._give_up(key, SkipReason.FRAGMENT_INCOMPLETE)

    def _expire(self, time_ns: int) -> None:
        while self._waiting:
            key, oldest = next(iter(self._waiting.items()))
            if time_ns - oldest.since_ns <= MAX_AGE_NS:
                break
            self._give_up(key, SkipReason.FRAGMENT_INCOMPLETE)

    def _give_up(self, key: bytes, reason: SkipReason) -> None:
        self._skipped[reason] += self._remove(key).frames

    def _remove(self, key: bytes) -> _PartialDatagram:
        waiting = self._waiting.pop(key)
        self._size -= waiting.size
        return waiting
