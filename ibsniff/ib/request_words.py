"""The words of the column lane: the id in each part of an answer, found in thousands of frames at once."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ibsniff.ib import id_fields, messages, protobuf
from ibsniff.ib.columns import COUNTED_IDS, LENGTH_SIZE, WORD_SIZE, FrameColumns, MessageCounts, Words, words_at
from ibsniff.ib.part_forms import PART_NAMES, part_forms
from ibsniff.ib.request_ledger import SERVER_NAMES
from ibsniff.ib.request_table import ANSWERS, AnswerTo
from ibsniff.model import Side
from ibsniff.model.arrays import Truths

FORM_SHIFT = 56
_ONES, _HIGH_BITS = np.uint64(0x0101_0101_0101_0101), np.uint64(0x8080_8080_8080_8080)
_HIGH_BITS_OF_ID = _HIGH_BITS >> np.uint64(8)
"""A varint as long as a word leaves no room for the form."""
_BEFORE_ID = 2
"""Bytes before the id that tell whether it is one."""
PART_FORMS = [
    (answers, is_protobuf)
    for is_protobuf in (False, True)
    for answers in dict.fromkeys(answers for name, answers in ANSWERS.items() if name in PART_NAMES)
]
"""What parts answer, and whether they are in protobuf: those that answer the same requests are entered together."""


class _PartForms(NamedTuple):
    """By the kinds of ``COUNTED_IDS``: how a part is written at one server version."""

    tags: Words
    """The place in ``PART_FORMS``, from 1, in the highest byte; 0: no part."""
    offsets: NDArray[np.uint8]
    """Of the id in the payload; 0: there is none."""
    shifts: Words
    """Of the head, to have the two bytes before the id lowest."""
    before: Words
    """The least that these two bytes may be as a number; see ``spans``."""
    spans: Words
    """How many numbers from there on they may be."""
    is_protobuf: Truths
    is_single: Truths
    """It is read one by one."""


@cache
def _forms(server_version: int | None) -> _PartForms:
    kinds = COUNTED_IDS[Side.SERVER][2]
    size = len(kinds) + 1
    forms = _PartForms(
        tags=np.zeros(size, np.uint64), offsets=np.zeros(size, np.uint8), shifts=np.zeros(size, np.uint64),
        before=np.zeros(size, np.uint64), spans=np.full(size, 1 << 16, np.uint64),
        is_protobuf=np.zeros(size, np.bool_), is_single=np.zeros(size, np.bool_),
    )  # fmt: skip
    parts = part_forms(server_version)
    for kind, (name, head) in enumerate(zip(kinds, messages.COUNTED_NAMES[Side.SERVER], strict=True)):
        part = parts.get(head)
        if part is None:
            forms.is_single[kind] = name in SERVER_NAMES
            continue
        forms.tags[kind] = PART_FORMS.index((part.answers, part.is_protobuf)) + 1 << FORM_SHIFT
        if not part.has_id:
            continue
        forms.offsets[kind] = len(head)
        if part.is_protobuf:
            forms.is_protobuf[kind] = True
            forms.offsets[kind] += len(protobuf.FIRST_INTEGER)
            forms.before[kind], forms.spans[kind] = protobuf.FIRST_INTEGER[0] << 8, 1 << 8
        elif part.has_version_field:
            forms.offsets[kind] += 2  # a digit and its NUL
            forms.before[kind], forms.spans[kind] = 1, (1 << 8) - 1
        forms.shifts[kind] = 8 * (int(forms.offsets[kind]) - _BEFORE_ID)
    return forms


def part_words(
    data: bytes, frames: FrameColumns, counted: MessageCounts, server_version: int | None
) -> tuple[Words, list[int]]:
    """The word of each frame that is a part of an answer; and the indices of the frames to read one by one.

    A word has the bytes of the id, the first one lowest, and in the highest byte the form of the part. Frames that are no
    parts, or must be read one by one, have 0.
    """
    forms = _forms(server_version)
    kinds, heads, (starts, lengths) = counted.kinds, counted.heads, frames
    offsets = forms.offsets[kinds]
    found, fits = _first_bytes(
        words_at(data, starts + (offsets + np.uint8(LENGTH_SIZE)), lengths - offsets), forms.is_protobuf[kinds]
    )
    # below ``before``, the difference is a large number
    fits &= ((heads >> forms.shifts[kinds]) & np.uint64(0xFFFF)) - forms.before[kinds] < forms.spans[kinds]
    if not offsets.all():
        without = offsets == 0
        found[without] = 0
        fits |= without
    found |= forms.tags[kinds]
    is_single = forms.is_single[kinds]
    if not fits.all():
        found[~fits] = 0
        is_single |= ~fits
    return found, np.flatnonzero(is_single).tolist()


def _first_bytes(words: Words, is_protobuf: Truths) -> tuple[Words, Truths]:
    """The bytes of the id in each word, and whether it ends there."""
    ends = (words - _ONES) & ~words & _HIGH_BITS  # the lowest bit set is that of the first NUL
    mixed = is_protobuf.any()
    if mixed:
        ends = np.where(is_protobuf, ~words & _HIGH_BITS_OF_ID, ends)  # or of the last byte of a varint
    lowest = ends & (~ends + np.uint64(1))
    masks = (lowest >> np.uint64(7)) - np.uint64(1)
    if mixed:
        masks = np.where(is_protobuf, (lowest << np.uint64(1)) - np.uint64(1), masks)
    return words & masks, ends != 0


def read_word(word: int) -> tuple[tuple[AnswerTo, ...], int | None]:
    """What the part with this word answers, and the id in it; None if there is none, or nothing that is an id."""
    raw = word.to_bytes(WORD_SIZE, "little")
    answers, is_protobuf = PART_FORMS[raw[-1] - 1]
    if not answers[0].has_id:
        return answers, None
    if is_protobuf:
        return answers, protobuf.signed(protobuf.fields(protobuf.FIRST_INTEGER + raw[:-1])[1])
    return answers, id_fields.parse_id(raw[:-1].rstrip(b"\0"))
