"""The bytes of one conversation as text or in hex; each packet is marked with its direction and number.

Account numbers are masked across packets, because a client that writes byte by byte sends one letter in each. So chunks
are buffered until the bytes that follow them are known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate, pairwise
from typing import NamedTuple

from ibsniff.masking.masker import AccountMasker, mask_account_bytes
from ibsniff.model import Side, WireText
from ibsniff.model.streams import Chunk
from ibsniff.render.text import visible

WINDOW = 1 << 20
"""Bytes buffered: an account number is found if its letters lie within half of them, counting both directions."""
CHUNK_COST = 200
"""What a chunk costs besides its bytes, so that the window limits the memory for one-byte chunks, too."""
REACH = 1024
"""Bytes searched again before and after those that are shown next: an account number is shorter, however it is written."""
MAX_ESCAPE_LENGTH = len("\\xff")
"""The longest escape of one byte."""
ROW = 16
"""Bytes in a row of a hex dump."""
ARROWS = {Side.CLIENT: "→", Side.SERVER: "←"}


class ShownChunk(NamedTuple):
    """What one packet brought, as it may be shown."""

    side: Side
    offset: int
    packet: int
    data: bytes
    missing: int


def as_text(chunks: Iterable[ShownChunk]) -> Iterator[str]:
    """Lines of text: unprintable characters are escaped, and a line feed begins a new, indented line."""
    for chunk in chunks:
        if chunk.missing:
            yield missing(chunk)
            continue
        mark = f"{ARROWS[chunk.side]} #{chunk.packet}  "
        for line in chunk.data.splitlines(keepends=True):
            yield mark + visible(line, limit=len(line) * MAX_ESCAPE_LENGTH)
            mark = " " * len(mark)


def as_hex(chunks: Iterable[ShownChunk]) -> Iterator[str]:
    """Rows of hex and ASCII after their offset in the stream of the direction."""
    for chunk in chunks:
        if chunk.missing:
            yield missing(chunk)
            continue
        yield f"{ARROWS[chunk.side]} #{chunk.packet}  {len(chunk.data)} bytes"
        for start in range(0, len(chunk.data), ROW):
            row = chunk.data[start : start + ROW]
            letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
            yield f"  {chunk.offset + start:08x}  {row.hex(' '):<{3 * ROW - 1}}  {letters}"


def missing(chunk: ShownChunk) -> str:
    """The line for a gap; it begins differently from the line of a packet."""
    return f"{ARROWS[chunk.side]} {chunk.missing} bytes from offset {chunk.offset} on were not captured"


def unmasked(chunks: Iterable[Chunk]) -> Iterator[ShownChunk]:
    """The chunks as they came."""
    for chunk in chunks:
        yield ShownChunk(chunk.side, chunk.offset, chunk.packet, chunk.data.unmasked, chunk.missing)


Places = Mapping[Side, deque[tuple[int, int]]]
"""By sender, from where to where in the stream a message has an account field; in the order of the stream."""


def masked(
    chunks: Iterable[Chunk], accounts: Callable[[], Iterable[WireText]], places: Places | None = None
) -> Iterator[ShownChunk]:
    """The chunks with account numbers as stars, every byte in its position.

    ``accounts`` returns the accounts that the conversation has named so far, which need not have the form of an account
    number; the ``places`` known so far are masked whatever stands there. Places that were used are removed.
    """
    window = _Window(places or {side: deque() for side in Side})
    for chunk in chunks:
        window.add(chunk)
        if window.size > WINDOW:
            yield from window.release(AccountMasker(one.unmasked for one in accounts()), max(1, len(window) // 2))
    yield from window.release(AccountMasker(one.unmasked for one in accounts()), len(window))


class _Window:
    """Chunks that wait until it is known what follows them."""

    def __init__(self, places: Places) -> None:
        self._directions = {side: _Direction(places[side]) for side in Side}
        self._held: deque[Chunk] = deque()
        self.size = 0

    def __len__(self) -> int:
        return len(self._held)

    def add(self, chunk: Chunk) -> None:
        """Hold one more."""
        self._held.append(chunk)
        self.size += len(chunk.data) + CHUNK_COST

    def release(self, masker: AccountMasker, number: int) -> Iterator[ShownChunk]:
        """Mask the first chunks, looking at those behind them as far as an account reaches."""
        done = [self._held.popleft() for _ in range(number)]
        shown = {}
        for side, direction in self._directions.items():
            own = [chunk for chunk in done if chunk.side is side]
            shown[side] = iter(direction.mask(own, self._following(side), masker))
        for chunk in done:
            self.size -= len(chunk.data) + CHUNK_COST
            yield ShownChunk(chunk.side, chunk.offset, chunk.packet, next(shown[chunk.side]), chunk.missing)

    def _following(self, side: Side) -> bytes | None:
        """What a side sends next, up to the next gap; None when a gap or the end follows at once."""
        found = bytearray()
        for chunk in self._held:
            if chunk.side is side:
                if chunk.missing or len(found) >= REACH:
                    break
                found += chunk.data.unmasked
        return bytes(found[:REACH]) or None


class _Direction:
    """Masks what one side sent, in pieces that no gap interrupts."""

    def __init__(self, places: deque[tuple[int, int]]) -> None:
        self._places = places
        self._before = b""

    def mask(self, chunks: list[Chunk], following: bytes | None, masker: AccountMasker) -> list[bytes]:
        """The data of each chunk, masked."""
        shown: list[bytes] = []
        piece: list[Chunk] = []
        for chunk in chunks:
            if chunk.missing:
                shown += [*self._mask(piece, None, masker), b""]
                self._before = b""
                piece = []
            else:
                piece.append(chunk)
        return shown + self._mask(piece, following, masker)

    def _mask(self, piece: list[Chunk], following: bytes | None, masker: AccountMasker) -> list[bytes]:
        if not piece:
            return []
        raw = b"".join((self._before, *(chunk.data.unmasked for chunk in piece), following or b""))
        start = piece[0].offset - len(self._before)
        shown = bytearray(masker.bytes(raw, is_cut=following is None, is_tail=not self._before))
        for first, last in self._places_within(start, start + len(raw)):
            for index, byte in enumerate(mask_account_bytes(raw[first:last]), first):
                if byte != raw[index]:
                    shown[index] = byte
        ends = list(accumulate((len(chunk.data) for chunk in piece), initial=len(self._before)))
        self._before = raw[max(0, ends[-1] - REACH) : ends[-1]]
        return [bytes(shown[at:end]) for at, end in pairwise(ends)]

    def _places_within(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Account fields in a part of the stream, as places in it; those before it are forgotten."""
        while self._places and self._places[0][1] <= start:
            self._places.popleft()
        for first, last in self._places:
            if first >= end:
                break
            yield max(first - start, 0), min(last, end) - start
