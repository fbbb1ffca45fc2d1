"""The column lane of the ledger: ticks and other parts of answers, found by their ids thousands at a time.

In a large capture nearly every message is a part of an answer, and all that the ledger needs of these is which request they
belong to, how many there are, and when the first and the last one came. Everything else is read one by one, in the order of
the packets; before such a message, what came earlier for the same request is entered.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import cache, lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ibsniff.ib import id_fields, messages, names, protobuf
from ibsniff.ib.columns import COUNTED_IDS, LENGTH_SIZE, FrameColumns
from ibsniff.ib.followed_requests import Key
from ibsniff.ib.request_ledger import SERVER_NAMES, WITHOUT_ID, RequestLedger
from ibsniff.ib.request_table import ANSWERS, ORDER_MESSAGES, REQUESTS, WHOLE_UNTIL, AnswerTo
from ibsniff.ib.stream_buffer import StreamBuffer
from ibsniff.model import Side
from ibsniff.model.arrays import Numbers, Truths

Words: TypeAlias = NDArray[np.uint64]
"""The first eight bytes of an id, the first byte lowest, and the number of its message in the highest byte."""

WORD_SIZE = 8
NAME_SHIFT = 56
_ONES, _HIGH_BITS = np.uint64(0x0101_0101_0101_0101), np.uint64(0x8080_8080_8080_8080)
_HASH = np.uint64(0x9E37_79B9_7F4A_7C15)
"""2 to the power of 64 by the golden ratio: its products spread over their high bits."""
_BYTE_OF_EXPONENT, _SIZE_BIAS = 52 + 3, (1023 + 7 >> 3) - 1
"""A power of two as a double tells by its exponent which bit of which byte it is."""
BEFORE_ID = 2
"""Bytes before the id that tell whether it is one."""
_FIRST_FIELD = bytes([1 << 3])
"""The protobuf key of an integer in field 1."""
MIN_HASH_BITS, MAX_HASH_BITS = 8, 16
MAX_ROUNDS = 4
"""Attempts to tell groups apart by a hash before they are sorted instead."""


def _is_part(name: str) -> bool:
    """Whether a server message is never more than a part of an answer, and has its id in the usual place."""
    if name in WHOLE_UNTIL or name in ORDER_MESSAGES:
        return False
    answers = ANSWERS.get(name, ())
    return bool(answers) and all(not one.is_end or REQUESTS[one.request].part_is_whole for one in answers)


PART_NAMES = frozenset(filter(_is_part, names.SERVER_MESSAGES.values()))
PART_FORMS = [
    (answers, is_protobuf)
    for is_protobuf in (False, True)
    for answers in dict.fromkeys(answers for name, answers in ANSWERS.items() if name in PART_NAMES)
]
"""What parts answer, and whether they are in protobuf: those that answer the same requests are entered together."""


class _PartForms(NamedTuple):
    """By the kinds of ``COUNTED_IDS``: how a part is written at one server version."""

    numbers: NDArray[np.uint8]
    """The place in ``PART_FORMS``, from 1; 0: no part."""
    offsets: Numbers
    """Of the id in the payload; 0: there is none."""
    before: Numbers
    """The least that the two bytes before the id may be as a number; see ``spans``."""
    spans: Numbers
    """How many numbers from there on they may be."""
    is_protobuf: Truths
    is_single: Truths
    """It is read one by one."""


@cache
def _forms(server_version: int | None) -> _PartForms:
    kinds = COUNTED_IDS[Side.SERVER][2]
    heads = list(messages.COUNTED_NAMES[Side.SERVER])
    size = len(kinds) + 1
    forms = _PartForms(
        numbers=np.zeros(size, np.uint8), offsets=np.zeros(size, np.int64),
        before=np.zeros(size, np.int64), spans=np.full(size, 1 << 16),
        is_protobuf=np.zeros(size, np.bool_), is_single=np.zeros(size, np.bool_),
    )  # fmt: skip
    for kind, (name, head) in enumerate(zip(kinds, heads, strict=True)):
        if name not in PART_NAMES:
            forms.is_single[kind] = name in SERVER_NAMES
            continue
        payload = messages.split_payload(head)
        forms.numbers[kind] = PART_FORMS.index((ANSWERS[name], payload.protobuf)) + 1
        if name in WITHOUT_ID[Side.SERVER] or payload.id is None:
            continue
        forms.offsets[kind] = len(head)
        if payload.protobuf:
            forms.is_protobuf[kind] = True
            forms.offsets[kind] += len(_FIRST_FIELD)
            forms.before[kind], forms.spans[kind] = _FIRST_FIELD[0] << 8, 1 << 8
        elif id_fields.has_version_field(Side.SERVER, payload.id, payload.raw_id, server_version):
            forms.offsets[kind] += 2  # a digit and its NUL
            forms.before[kind], forms.spans[kind] = 1, (1 << 8) - 1
    return forms


class Parts:
    """The parts of answers among the frames of one column run, by request."""

    def __init__(
        self, frames: FrameColumns, buffer: StreamBuffer, words: Words, ledger: RequestLedger, asked: Container[Key]
    ) -> None:
        """``words`` has one for each frame, 0 for those that are no parts or must be read one by one.

        ``asked`` are the keys of the requests that the client makes in the meantime.
        """
        self._frames, self._buffer, self._words, self._ledger = frames, buffer, words, ledger
        self._groups: dict[Key, list[_Group]] = {}
        for word, first, last, size in _grouped(words):
            answers, number = _read_word(word)
            for key in [number] if answers[0].has_id else [answer.request for answer in answers]:
                if key is not None and (ledger.follows(key) or key in asked):
                    self._groups.setdefault(key, []).append(_Group(word, answers, number, first, last, size))

    def flush(self, keys: Sequence[Key] | None, before: int) -> None:
        """Enter the parts for these keys (None: for all) among the frames before this one."""
        for key in list(self._groups) if keys is None else keys:
            groups = self._groups.pop(key, ())
            left = [rest for group in groups if (rest := self._flush(group, before)) is not None]
            if left:
                self._groups[key] = left

    def _flush(self, group: _Group, before: int) -> _Group | None:
        """Enter the beginning of a group; return what is left."""
        if group.first >= before:
            return group
        one_by_one = self._ledger.ends_with_first(group.answers, group.number)
        if group.last < before and not one_by_one:
            self._add(group, group.first, group.last, group.size)
            return None
        places = np.flatnonzero(self._words[group.first : group.last + 1] == np.uint64(group.word)) + group.first
        end = int(np.searchsorted(places, before))
        if one_by_one:
            for place in places[:end].tolist():
                self._add(group, place, place, 1)
        else:
            self._add(group, group.first, int(places[end - 1]), end)
        if end == len(places):
            return None
        return group._replace(first=int(places[end]), size=len(places) - end)

    def _add(self, group: _Group, first: int, last: int, count: int) -> None:
        moments = [self._buffer.moment(int(self._frames.starts[place])) for place in (first, last)]
        self._ledger.add_answers(group.answers, group.number, moments[0], moments[1], count)


class _Group(NamedTuple):
    """Parts for one request."""

    word: int
    answers: tuple[AnswerTo, ...]
    number: int | None
    first: int
    """Index of the first frame; ``last``: of the last."""
    last: int
    size: int


def part_words(
    data: bytes, frames: FrameColumns, kinds: Numbers, server_version: int | None
) -> tuple[Words, list[int]]:
    """The word of each frame that is a part of an answer; and the indices of the frames to read one by one."""
    forms = _forms(server_version)
    numbers = forms.numbers[kinds]
    which = np.flatnonzero(numbers)
    words = np.zeros(len(kinds), np.uint64)
    single = np.flatnonzero(forms.is_single[kinds])
    if len(which):
        starts, lengths = frames.starts, frames.lengths
        if len(which) < len(kinds):
            numbers, kinds, starts, lengths = numbers[which], kinds[which], starts[which], lengths[which]
        offsets = forms.offsets[kinds]
        found, fits = _ids_at(data, starts + LENGTH_SIZE, offsets, lengths, forms, kinds)
        found |= numbers.astype(np.uint64) << np.uint64(NAME_SHIFT)
        if not fits.all():
            found[~fits] = 0
            single = np.sort(np.concatenate([which[~fits], single]))
        words[which] = found
    return words, single.tolist()


def _ids_at(
    data: bytes, payloads: Numbers, offsets: Numbers, lengths: Numbers, forms: _PartForms, kinds: Numbers
) -> tuple[Words, Truths]:
    """The bytes of the id in each payload, and whether it stands there and is no longer than a word."""
    padded = data + bytes(WORD_SIZE)
    view: Words = np.ndarray((len(padded) - WORD_SIZE + 1,), "<u8", padded, 0, (1,))
    places = payloads + np.minimum(offsets, lengths)
    before = (view[places - BEFORE_ID] & np.uint64(0xFFFF)).astype(np.int64) - forms.before[kinds]
    found, size = _first_bytes(view[places], forms.is_protobuf[kinds])
    fits = (size > 0) & (offsets + size <= lengths) & (before >= 0) & (before < forms.spans[kinds])
    if not offsets.all():
        found[offsets == 0] = 0
        fits |= offsets == 0
    return found, fits


def _first_bytes(words: Words, is_protobuf: Truths) -> tuple[Words, Numbers]:
    """The bytes of the id in each word, and how many they are with the NUL; 0 where it is longer than a word."""
    ends = (words - _ONES) & ~words & _HIGH_BITS  # the lowest bit set is that of the first NUL
    mixed = is_protobuf.any()
    if mixed:
        ends = np.where(is_protobuf, ~words & _HIGH_BITS, ends)  # or of the last byte of a varint
    lowest = ends & (~ends + np.uint64(1))
    masks = (lowest >> np.uint64(7)) - np.uint64(1)
    if mixed:
        masks = np.where(is_protobuf, (lowest << np.uint64(1)) - np.uint64(1), masks)
    size = (lowest.astype(np.float64).view(np.int64) >> _BYTE_OF_EXPONENT) - _SIZE_BIAS
    if mixed:
        size[is_protobuf & (size == WORD_SIZE)] = 0
    return words & masks, size


def _grouped(words: Words) -> list[tuple[int, int, int, int]]:
    """Each different word but 0, the indices of the first and last frames that have it, and how many have it."""
    which = np.flatnonzero(words)
    found: list[tuple[int, int, int, int]] = []
    for shift in range(MAX_ROUNDS):
        if not len(which):
            return found
        which = _group_by_hash(words, which, shift, found)
    unique, first, inverse, counts = np.unique(words[which], return_index=True, return_inverse=True, return_counts=True)
    last = np.zeros(len(unique), np.int64)
    last[inverse] = which
    rows = zip(unique.tolist(), which[first].tolist(), last.tolist(), counts.tolist(), strict=True)
    return [*found, *rows]


def _group_by_hash(words: Words, which: Numbers, turn: int, found: list[tuple[int, int, int, int]]) -> Numbers:
    """Add a group for each hash; return the frames whose word has the hash of another one."""
    bits = min(max(len(which).bit_length(), MIN_HASH_BITS), MAX_HASH_BITS)
    mine = words[which]
    buckets: Numbers = ((mine * (_HASH + np.uint64(2 * turn))) >> np.uint64(64 - bits)).astype(np.int64)
    chosen = np.zeros(1 << bits, np.int64)
    chosen[buckets] = np.arange(len(which))  # of several with one hash, the last
    same = mine[chosen[buckets]] == mine
    rest: Numbers = which[~same]
    if len(rest):
        buckets, kept = buckets[same], which[same]
    else:
        kept = which
    first = np.zeros(1 << bits, np.int64)
    first[buckets[::-1]] = kept[::-1]
    sizes = np.bincount(buckets, minlength=1 << bits)
    used = np.flatnonzero(sizes)
    last = chosen[used]
    rows = (mine[last], first[used], which[last], sizes[used])
    found += zip(*(row.tolist() for row in rows), strict=True)
    return rest


@lru_cache(maxsize=4096)
def _read_word(word: int) -> tuple[tuple[AnswerTo, ...], int | None]:
    """What the part with this word answers, and the id in it; None if there is none, or nothing that is an id."""
    raw = word.to_bytes(WORD_SIZE, "little")
    answers, is_protobuf = PART_FORMS[raw[-1] - 1]
    if not answers[0].has_id:
        return answers, None
    if is_protobuf:
        return answers, protobuf.signed(protobuf.fields(_FIRST_FIELD + raw[:-1])[1])
    return answers, id_fields.parse_id(raw[:-1].rstrip(b"\0"))
