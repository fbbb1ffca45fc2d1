"""The column lane of this room: where thousands of frames begin and which messages they are, found at once.

Each frame tells where the next one begins, so in principle they must be read one after the other. But nearly every place
that looks like the beginning of a frame is one: so all such places are found first, and frames are read one by one only
where those places do not lead to each other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ibsniff.ib import messages
from ibsniff.model import Side
from ibsniff.model.arrays import Numbers, Truths, numbers_at

LENGTH_SIZE = 4
DIVISOR = np.uint32(2113)
"""The smallest divisor by which all ids leave different remainders."""


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
    found = _ids(data, frames)
    kinds = kinds_by_remainder[found % DIVISOR]
    is_counted = ids[kinds] == found
    others = np.flatnonzero(~is_counted)
    kinds[others] = len(ids)
    counts = np.bincount(kinds)[: len(ids)]
    counted = [
        (0 if names[kind] in known else int((kinds == kind).argmax()), names[kind], int(counts[kind]))
        for kind in np.flatnonzero(counts).tolist()
    ]
    return MessageCounts(sorted(counted), others.tolist(), kinds)


def _ids(data: bytes, frames: FrameColumns) -> NDArray[np.uint32]:
    """The bytes of each message id as a number: of a text id only the digits, 0 where there is no id."""
    beginnings = numbers_at(data + bytes(LENGTH_SIZE), frames.starts + LENGTH_SIZE, ">u4").astype(np.uint32)
    masks = np.zeros(len(beginnings), np.uint32)
    for digits, nul, mask in ((3, 0x000000FF, 0xFFFFFF00), (2, 0x0000FF00, 0xFFFF0000), (1, 0x00FF0000, 0xFF000000)):
        masks[((beginnings & np.uint32(nul)) == 0) & (frames.lengths > digits)] = mask
    masks[(beginnings < 1 << 24) & (frames.lengths >= LENGTH_SIZE)] = 0xFFFFFFFF
    return beginnings & masks


def _counted_ids(side: Side) -> tuple[NDArray[np.uint32], NDArray[np.int64], list[str]]:
    names = {int.from_bytes(raw.ljust(4, b"\0")): name for raw, name in messages.COUNTED_NAMES[side].items()}
    kinds_by_remainder = np.zeros(int(DIVISOR), np.int64)
    for kind, number in enumerate(names):
        kinds_by_remainder[number % int(DIVISOR)] = kind
    return np.array(list(names), np.uint32), kinds_by_remainder, list(names.values())


COUNTED_IDS = {side: _counted_ids(side) for side in Side}
"""``messages.COUNTED_NAMES`` as arrays: ids as numbers, their indices by remainder, and names."""
