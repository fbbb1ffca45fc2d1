"""Words by the thousand, told apart: a capture has few different ones, and each of them thousands of times."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ibsniff.ib.columns import Words
from ibsniff.ib.followed_requests import Key
from ibsniff.ib.request_table import AnswerTo
from ibsniff.ib.request_words import read_word
from ibsniff.model.arrays import Numbers

MAX_WORDS = 4096
"""Words known at a time: more than there are streams and forms of their messages."""
HASH_BITS = 16
_HASH = np.uint64(0x9E37_79B9_7F4A_7C15)
"""2 to the power of 64 by the golden ratio: its products spread over their high bits."""


class WordCount(NamedTuple):
    """A word in one column run, what it means, and where it occurs."""

    word: int
    answers: tuple[AnswerTo, ...]
    number: int | None
    """The id; None if there is none, or nothing that is an id."""
    first: int
    """Index of the first frame that has it; ``last``: of the last."""
    last: int
    size: int
    """How many frames have it."""


class KnownWords:
    """Remembers words from one column run to the next, so that each is read and sorted once."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._words: Words = np.zeros(MAX_WORDS, np.uint64)
        self._numbers: NDArray[np.int16] = np.zeros(1 << HASH_BITS, np.int16)
        """The number of the word with this hash; 0, which is that of the word 0, if there is none."""
        self._meanings: list[tuple[int, tuple[AnswerTo, ...], int | None]] = [(0, (), None)]
        self._by_key: dict[Key, list[int]] = {}

    def count(self, words: Words, keys: set[Key]) -> list[tuple[Key, WordCount]]:
        """Those of the words that may be about a request with one of these keys."""
        numbers, strange = self._numbers_of(words)
        size = len(self._meanings)
        counts = np.bincount(numbers, minlength=size)
        first, last = np.zeros(size, np.int64), np.zeros(size, np.int64)
        indices = np.arange(len(words))
        last[numbers] = indices
        first[numbers[::-1]] = indices[::-1]
        found = [
            (key, WordCount(*self._meanings[number], int(first[number]), int(last[number]), int(counts[number])))
            for key in keys & self._by_key.keys()
            for number in self._by_key[key]
            if counts[number]
        ]
        return found + (_counted(words, strange, keys) if len(strange) else [])

    def _numbers_of(self, words: Words) -> tuple[NDArray[np.int16], Numbers]:
        """The number of each word, 0 for one that cannot be known; and where these are."""
        hashes = _hashes(words)
        numbers = self._numbers[hashes]
        is_strange = self._words[numbers] != words
        if is_strange.any():
            self._learn(np.unique(words[is_strange]))
            numbers = self._numbers[hashes]
            is_strange = self._words[numbers] != words
            numbers[is_strange] = 0
        return numbers, np.flatnonzero(is_strange)

    def _learn(self, words: Words) -> None:
        """Know these words as well, except those whose hash is that of another one."""
        if len(self._meanings) + len(words) > MAX_WORDS:
            self._forget()
        for word, place in zip(words.tolist()[: MAX_WORDS - 1], _hashes(words).tolist(), strict=False):
            if self._numbers[place]:
                continue
            number = len(self._meanings)
            self._numbers[place], self._words[number] = number, word
            answers, request = read_word(word)
            self._meanings.append((word, answers, request))
            for key in _keys(answers, request):
                self._by_key.setdefault(key, []).append(number)


def _hashes(words: Words) -> Numbers:
    return ((words * _HASH) >> np.uint64(64 - HASH_BITS)).astype(np.int64)


def _keys(answers: tuple[AnswerTo, ...], number: int | None) -> list[Key]:
    """The keys of the requests that may be meant."""
    if not answers[0].has_id:
        return [answer.request for answer in answers]
    return [] if number is None else [number]


def _counted(words: Words, which: Numbers, keys: set[Key]) -> list[tuple[Key, WordCount]]:
    """Like ``KnownWords.count``, of the frames ``which``, by sorting them."""
    unique, first, inverse, counts = np.unique(words[which], return_index=True, return_inverse=True, return_counts=True)
    last = np.zeros(len(unique), np.int64)
    last[inverse] = which
    rows = zip(unique.tolist(), which[first].tolist(), last.tolist(), counts.tolist(), strict=True)
    return [
        (key, WordCount(word, *meaning, begin, end, size))
        for word, begin, end, size in rows
        for meaning in [read_word(word)]
        for key in _keys(*meaning)
        if key in keys
    ]
