"""Values of which a report over thousands of captures has too many for the memory: they wait in a temporary file."""

from __future__ import annotations

import pickle
from array import array
from collections.abc import Iterator, Sequence
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Self, TypeVar, cast, overload

from ibsniff.model import UserError

Value = TypeVar("Value")

MOST_IN_MEMORY = 2 << 20
"""Bytes that are kept in memory: a report over a few captures needs no file."""


class Spool(Sequence[Value]):
    """Keeps values in order, each as bytes; every access gives a new copy. The file has no name and is readable only here."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=MOST_IN_MEMORY)  # noqa: SIM115 - this is a context manager itself
        self._ends = array("q", [0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, value: Value) -> None:
        """Add a value. Raises UserError if there is no room for it."""
        try:
            self._file.seek(self._ends[-1])
            self._file.write(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
            self._ends.append(self._file.tell())
        except OSError as error:
            what_to_do = "Set TMPDIR to a folder with free space, or use --ndjson, which needs no temporary file"
            raise UserError(f"cannot write a temporary file: {error.strerror}", what_to_do) from None

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[Value]:
        return map(self._value, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Value: ...
    @overload
    def __getitem__(self, index: slice) -> list[Value]: ...
    def __getitem__(self, index: int | slice) -> Value | list[Value]:
        places = range(len(self))[index]
        return self._value(places) if isinstance(places, int) else [self._value(place) for place in places]

    def _value(self, place: int) -> Value:
        self._file.seek(self._ends[place])
        return cast(Value, pickle.loads(self._file.read(self._ends[place + 1] - self._ends[place])))
