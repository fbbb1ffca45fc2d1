"""The checksums of many segments at once (RFC 1071)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ibsniff.model.arrays import Numbers

ONES = 0xFFFF


def ones_complement_sums(buffer: bytes, starts: Numbers, ends: Numbers) -> Numbers:
    """Sum the 16-bit words of each piece of the buffer, modulo `ONES`.

    The whole buffer is summed once, in wider words (RFC 1071, 2(C)); the sum of a piece is the difference between two
    prefix sums. The words are little-endian, so the bytes of a piece that begins at an even offset are swapped (2(B)).
    """
    padded = buffer + bytes(8 - len(buffer) % 4)
    words: NDArray[np.uint32] = np.frombuffer(padded, "<u4")
    sums = np.zeros(len(words) + 1, np.int64)
    np.cumsum(words, out=sums[1:])
    pieces = _sum_before(words, sums, ends) - _sum_before(words, sums, starts)
    return (pieces % ONES) * np.where(starts & 1, 1, 256) % ONES


def _sum_before(words: NDArray[np.uint32], sums: Numbers, places: Numbers) -> Numbers:
    inside = (1 << 8 * (places & 3)) - 1
    before: Numbers = sums[places >> 2] + (words[places >> 2] & inside)
    return before
