"""The column lane of the ledger: ticks and other parts of answers, found by their ids thousands at a time.

In a large capture nearly every message is a part of an answer, and all that the ledger needs of these is which request they
belong to, how many there are, and when the first and the last one came. Everything else is read one by one, in the order of
the packets; before such a message, what came earlier for the same request is entered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ibsniff.ib.columns import FrameColumns, Words
from ibsniff.ib.followed_requests import Key
from ibsniff.ib.known_words import KnownWords, WordCount
from ibsniff.ib.request_ledger import RequestLedger
from ibsniff.ib.stream_buffer import StreamBuffer
from ibsniff.model.arrays import Numbers

_KNOWN = KnownWords()
"""Of all conversations: what a word means does not depend on them."""


class Parts:
    """The parts of answers among the frames of one column run, by request."""

    def __init__(
        self, frames: FrameColumns, buffer: StreamBuffer, words: Words, ledger: RequestLedger, asked: set[Key]
    ) -> None:
        """``words`` has one for each frame, 0 for those that are no parts or must be read one by one.

        ``asked`` are the keys of the requests that the client makes in the meantime.
        """
        self._frames, self._buffer, self._words, self._ledger = frames, buffer, words, ledger
        self._groups: dict[Key, list[_Group]] = {}
        for key, counted in sorted(_KNOWN.count(words, ledger.keys | asked), key=_first_place):
            self._groups.setdefault(key, []).append(_Group(counted))

    def flush(self, keys: Sequence[Key] | None, before: int) -> None:
        """Enter the parts for these keys (None: for all) among the frames before this one."""
        for key in list(self._groups) if keys is None else keys:
            groups = self._groups.pop(key, ())
            left = [rest for group in groups if (rest := self._flush(group, before)) is not None]
            if left:
                self._groups[key] = left

    def _flush(self, group: _Group, before: int) -> _Group | None:
        """Enter the beginning of a group; return what is left."""
        counted = group.counted
        if counted.first >= before:
            return group
        one_by_one = self._ledger.ends_with_first(counted.answers, counted.number)
        if counted.last < before and not one_by_one:
            self._add(counted, counted.first, counted.last, counted.size)
            return None
        places = group.places
        if places is None:
            found = self._words[counted.first : counted.last + 1] == np.uint64(counted.word)
            places = np.flatnonzero(found) + counted.first
        end = int(places.searchsorted(before))
        if one_by_one:
            for place in places[:end].tolist():
                self._add(counted, place, place, 1)
        else:
            self._add(counted, counted.first, int(places[end - 1]), end)
        if end == len(places):
            return None
        return _Group(counted._replace(first=int(places[end]), size=len(places) - end), places[end:])

    def _add(self, counted: WordCount, first: int, last: int, count: int) -> None:
        moments = [self._buffer.moment(int(self._frames.starts[place])) for place in (first, last)]
        self._ledger.add_answers(counted.answers, counted.number, moments[0], moments[1], count)


def _first_place(found: tuple[Key, WordCount]) -> int:
    return found[1].first


class _Group(NamedTuple):
    """Parts for one request that are not entered yet."""

    counted: WordCount
    places: Numbers | None = None
    """Indices of their frames, once they were searched for."""
