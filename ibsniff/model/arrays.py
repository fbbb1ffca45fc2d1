"""Reading the same kind of record at many offsets of a buffer at once: the basis of the column lane.

A record may begin at any byte, so these functions read from views that overlap themselves: each element begins one byte
after the one before. Only what is requested is copied.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.int64]
Truths: TypeAlias = NDArray[np.bool_]
Records: TypeAlias = NDArray[np.void]


def layout(size: int, **fields: tuple[int, str]) -> np.dtype[np.void]:
    """A record of ``size`` bytes; each field is its offset and its numpy type (``>u2``: two bytes in network order)."""
    formats = [kind for _, kind in fields.values()]
    return np.dtype(
        {"names": list(fields), "formats": formats, "offsets": [at for at, _ in fields.values()], "itemsize": size}
    )


def records_at(buffer: bytes, places: Numbers, record: np.dtype[np.void]) -> Records:
    """Read one record at each offset; all of them must lie within the buffer."""
    size = record.itemsize
    rows: NDArray[np.uint8] = np.ndarray((max(len(buffer) - size + 1, 0), size), np.uint8, buffer, 0, (1, 1))[places]
    return rows.view(record)[:, 0]


def numbers_at(buffer: bytes, places: Numbers, kind: str) -> Numbers:
    """Read one number at each offset."""
    size = int(kind[-1])
    view: NDArray[Any] = np.ndarray((max(len(buffer) - size + 1, 0),), kind, buffer, 0, (1,))
    return view[places].astype(np.int64)


def number(records: Records, field: str) -> Numbers:
    """One field of many records, as integers wide enough for arithmetic."""
    return records[field].astype(np.int64)
