"""The column lane of this room: where thousands of frames begin and which messages they are, found at once.

Each frame tells where the next one begins, so in principle they must be read one after the other. But nearly every place
that looks like the beginning of a frame is one: so all such places are found first, and frames are read one by one only
where those places do not lead to each other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ibsniff.ib import messages
from ibsniff.model import Side
from ibsniff.model.arrays import Numbers, Truths, numbers_at

Words: TypeAlias = NDArray[np.uint64]
"""Eight bytes each, the first one lowest."""

LENGTH_SIZE = 4
WORD_SIZE = 8
DIVISOR = np.uint32(2113)
"""The smallest divisor by which all ids leave different remainders."""
_ONES, _HIGH_BITS = np.uint32(0x0101_0101), np.uint32(0x8080_8080)


class FrameColumns(NamedTuple):
    """Whole frames that follow each other from the first byte on."""

    starts: Numbers
    lengths: Numbers
    """Of their payloads."""

    @property
    def end(self) -> int:
        """Where the next one would begin."""
        return int(self.starts[-1] + LENGTH_SIZE + self.lengths[-1]) if len(self.starts) else 0


class MessageCounts(NamedTuple):
    """Which messages some frames are."""

    names: list[tuple[int, str, int]]
    """Of each message that is only counted: the index of its first frame (0 if its name was known), its name, and how many."""
    others: list[int]
    """Indices of the frames that must be read one by one."""
    kinds: Numbers
    """Of each frame: its index in ``COUNTED_IDS``, or one more than the last for the others."""
    heads: Words
    """How each payload begins."""


class _LinkedPlaces:
    """Places at which frames may begin, in groups in which each place leads to the next one."""

    def __init__(self, places: Numbers, following: Numbers) -> None:
        """``following`` tells for each place where the next frame begins if there is one at this place."""
        self.places = places
        leads_on = np.zeros(len(places), np.bool_)
        leads_on[:-1] = following[:-1] == places[1:]
        ends = np.flatnonzero(~leads_on)
        self._ends = ends.tolist()
        self._following = following[ends].tolist()

    def from_place(self, at: int) -> tuple[Numbers, int] | None:
        """The places that follow each other from ``at`` on, and where the last one leads; None if ``at`` is no place."""
        index = int(np.searchsorted(self.places, at))
        if index == len(self.places) or self.places[index] != at:
            return None
        end = bisect_left(self._ends, index)
        return self.places[index : self._ends[end] + 1], self._following[end]


def find_frames(data: bytes, max_frame: int, enough: int | None = None) -> FrameColumns:
    """Find the whole frames at the beginning of the data, up to the first length that no frame has.

    If the data ends inside a frame, that one is found too if there are ``enough`` bytes of its payload.
    """
    enough = max_frame if enough is None else enough
    linked = _LinkedPlaces(*_places_like_frames(data))
    taken: list[Numbers] = []
    at = 0
    while True:
        if (found := linked.from_place(at)) is not None:
            starts, at = found
            taken.append(starts)
            continue
        length = int.from_bytes(data[at : at + LENGTH_SIZE])
        if not 0 < length <= max_frame or at + LENGTH_SIZE + min(length, enough) > len(data):
            break
        taken.append(np.array([at]))
        at += LENGTH_SIZE + length
    starts = np.concatenate([*taken, [at]])  # and where the next frame would begin
    return FrameColumns(starts[:-1], starts[1:] - starts[:-1] - LENGTH_SIZE)


def _places_like_frames(data: bytes) -> tuple[Numbers, Numbers]:
    """Places where a frame shorter than 64 KiB may begin that is followed by another one; and where that one begins."""
    if len(data) <= LENGTH_SIZE:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    zero = np.frombuffer(data, np.uint8) == 0
    places = np.flatnonzero(_may_be_lengths(zero))
    following = places + LENGTH_SIZE + numbers_at(data, places, ">u4")
    fits = following <= len(data)
    places, following = places[fits], following[fits]
    is_place = np.zeros(len(data) + 1, np.bool_)
    is_place[places] = True
    linked = is_place[following]
    return places[linked], following[linked]


def _may_be_lengths(zero: Truths) -> Truths:
    """Places that look like a length: three NULs and no fourth, or two NULs that do not follow two others.

    The last condition is needed because the NUL that ends the last field stands before the next length: with it, the
    length of a short frame would look like that of a longer frame one byte later. Longer frames after an empty field are
    missed here and found one by one.
    """
    first, second, third, fourth = (zero[at : len(zero) - LENGTH_SIZE + at] for at in range(4))
    places = first & second
    longer = places & ~third
    longer[2:] &= ~(first[:-2] & first[1:-1])
    return (places & third & ~fourth) | longer


def count_messages(side: Side, data: bytes, frames: FrameColumns, known: Container[str]) -> MessageCounts:
    """Tell which message each frame is, for those that are only counted (``messages.COUNTED_NAMES``).

    The first frame of each name is searched for, unless the name is in ``known``.
    """
    ids, kinds_by_remainder, names = COUNTED_IDS[side]
    heads = words_at(data, frames.starts + LENGTH_SIZE, frames.lengths)
    found = _ids(heads, frames.lengths)
    kinds = kinds_by_remainder[found % DIVISOR]
    others = np.flatnonzero(ids[kinds] != found)
    kinds[others] = len(ids)
    counts = np.bincount(kinds)[: len(ids)]
    counted = [
        (0 if names[kind] in known else int((kinds == kind).argmax()), names[kind], int(counts[kind]))
        for kind in np.flatnonzero(counts).tolist()
    ]
    return MessageCounts(sorted(counted), others.tolist(), kinds, heads)


def words_at(data: bytes, places: Numbers, lengths: Numbers) -> Words:
    """The eight bytes at each place; those that its length does not reach are 255, which ends no field."""
    padded = data + bytes(2 * WORD_SIZE)
    view: Words = np.ndarray((len(padded) - WORD_SIZE + 1,), "<u8", padded, 0, (1,))
    found = view[places]
    short = np.flatnonzero(lengths < WORD_SIZE)
    if len(short):
        found[short] |= ~np.uint64(0) << (8 * np.maximum(lengths[short], 0)).astype(np.uint64)
    return found


def _ids(heads: Words, lengths: Numbers) -> NDArray[np.uint32]:
    """The bytes of each message id as a number, the first byte highest: of a text id only the digits.

    Where there is no id, the number is none of ``COUNTED_IDS``.
    """
    beginnings = heads.astype(np.uint32)
    nuls = (beginnings - _ONES) & ~beginnings & _HIGH_BITS  # the lowest bit set is that of the first NUL
    before_nul = (nuls & (~nuls + np.uint32(1))) >> np.uint32(7)
    before_nul -= np.uint32(1)
    raw = np.flatnonzero(before_nul == 0)
    before_nul[raw[lengths[raw] >= LENGTH_SIZE]] = 0xFFFF_FFFF
    return (beginnings & before_nul).byteswap()


def _counted_ids(side: Side) -> tuple[NDArray[np.uint32], NDArray[np.int64], list[str]]:
    names = {int.from_bytes(raw.ljust(4, b"\0")): name for raw, name in messages.COUNTED_NAMES[side].items()}
    kinds_by_remainder = np.zeros(int(DIVISOR), np.int64)
    for kind, number in enumerate(names):
        kinds_by_remainder[number % int(DIVISOR)] = kind
    return np.array(list(names), np.uint32), kinds_by_remainder, list(names.values())


COUNTED_IDS = {side: _counted_ids(side) for side in Side}
"""``messages.COUNTED_NAMES`` as arrays: ids as numbers, their indices by remainder, and names."""
