"""Frames by the thousand: where each begins, and which message it is, found for all at once.

A frame says where the next one begins, so that they can only be walked one by one. But nearly every place that looks like
the beginning of one is; so all such places are found first, and only where the chain of them breaks is there a walk.
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
_DIVISOR = np.uint32(2113)
"""The first by which no two ids leave the same remainder."""


class Frames(NamedTuple):
    """Whole frames that follow each other from the first byte on."""

    starts: Numbers
    lengths: Numbers
    """Of their payloads."""

    @property
    def end(self) -> int:
        """Where the next one would begin."""
        return int(self.starts[-1] + LENGTH_SIZE + self.lengths[-1]) if len(self.starts) else 0


class Counted(NamedTuple):
    """Which messages some frames are."""

    names: list[tuple[int, str, int]]
    """Of the ones that are only counted: the index of the first, unless it was met before; its name; how many there are."""
    others: list[int]
    """Indices of the frames that are to be read."""


class _Chain:
    """Places at which frames may begin, as far as each leads to the next one."""

    def __init__(self, places: Numbers, following: Numbers) -> None:
        """``following`` is where the next frame begins if there is one at the place."""
        self.places = places
        leads_on = np.zeros(len(places), np.bool_)
        leads_on[:-1] = following[:-1] == places[1:]
        ends = np.flatnonzero(~leads_on)
        self._ends = ends.tolist()
        self._following = following[ends].tolist()

    def from_place(self, at: int) -> tuple[Numbers, int] | None:
        """The places that follow each other from this one on, and what the last leads to; None if it is no place."""
        index = int(np.searchsorted(self.places, at))
        if index == len(self.places) or self.places[index] != at:
            return None
        end = bisect_left(self._ends, index)
        return self.places[index : self._ends[end] + 1], self._following[end]


def find_frames(data: bytes, max_frame: int) -> Frames:
    """Walk the whole frames at the beginning of the data, as far as their lengths can be believed."""
    chain = _Chain(*_places_like_frames(data))
    taken: list[Numbers] = []
    at = 0
    while True:
        if (found := chain.from_place(at)) is not None:
            starts, at = found
            taken.append(starts)
            continue
        length = int.from_bytes(data[at : at + LENGTH_SIZE])
        if not 0 < length <= max_frame or at + LENGTH_SIZE + length > len(data):
            break
        taken.append(np.array([at]))
        at += LENGTH_SIZE + length
    starts = np.concatenate([*taken, [at]])  # and where the next one would
    return Frames(starts[:-1], starts[1:] - starts[:-1] - LENGTH_SIZE)


def _places_like_frames(data: bytes) -> tuple[Numbers, Numbers]:
    """Where a frame shorter than 64 KiB may begin, and behind which another one does; and where that is."""
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
    """The length of a short frame: three NULs, and no fourth. Of a longer one: two, behind no other two.

    Without the latter a short frame's length would look like a longer one's that begins a byte later: before it stands
    the NUL that ends the last field. Longer frames behind an empty field are missed, and found by walking.
    """
    first, second, third, fourth = (zero[at : len(zero) - LENGTH_SIZE + at] for at in range(4))
    places = first & second
    longer = places & ~third
    longer[2:] &= ~(first[:-2] & first[1:-1])
    return (places & third & ~fourth) | longer


def count_messages(side: Side, data: bytes, frames: Frames, met: Container[str]) -> Counted:
    """Tell which message each frame is, for those that are only counted (``messages.HEADS``).

    Where a name comes first is looked for unless it was ``met`` before.
    """
    keys, kinds_by_remainder, names = HEADS[side]
    heads = _heads(data, frames)
    kinds = kinds_by_remainder[heads % _DIVISOR]
    is_counted = keys[kinds] == heads
    others = np.flatnonzero(~is_counted)
    kinds[others] = len(keys)
    counts = np.bincount(kinds)[: len(keys)]
    counted = [
        (0 if names[kind] in met else int((kinds == kind).argmax()), names[kind], int(counts[kind]))
        for kind in np.flatnonzero(counts).tolist()
    ]
    return Counted(sorted(counted), others.tolist())


def _heads(data: bytes, frames: Frames) -> NDArray[np.uint32]:
    """The bytes of each message id as a number: of a text id the digits alone, 0 where there is no id."""
    words = numbers_at(data + bytes(LENGTH_SIZE), frames.starts + LENGTH_SIZE, ">u4").astype(np.uint32)
    masks = np.zeros(len(words), np.uint32)
    for digits, nul, mask in ((3, 0x000000FF, 0xFFFFFF00), (2, 0x0000FF00, 0xFFFF0000), (1, 0x00FF0000, 0xFF000000)):
        masks[((words & np.uint32(nul)) == 0) & (frames.lengths > digits)] = mask
    masks[(words < 1 << 24) & (frames.lengths >= LENGTH_SIZE)] = 0xFFFFFFFF
    return words & masks


def _keys(side: Side) -> tuple[NDArray[np.uint32], NDArray[np.int64], list[str]]:
    """What ``messages.HEADS`` says: ids as numbers, where to find one of them by its remainder, and names."""
    by_key = {int.from_bytes(head.ljust(4, b"\0")): name for head, name in messages.HEADS[side].items()}
    kinds_by_remainder = np.zeros(int(_DIVISOR), np.int64)
    for kind, key in enumerate(by_key):
        kinds_by_remainder[key % int(_DIVISOR)] = kind
    return np.array(list(by_key), np.uint32), kinds_by_remainder, list(by_key.values())


HEADS = {side: _keys(side) for side in Side}
