"""What an object keeps alive: bounds are tested by what is held, not by the names it is held under."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType

EVERYBODYS = (type, ModuleType, FunctionType, BuiltinFunctionType)
"""These would lead to the whole program."""


def kept(thing: object) -> Iterator[object]:
    """Everything that can be reached from it, itself included, each once."""
    seen: dict[int, object] = {}
    waiting = [thing]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, EVERYBODYS):
            continue
        seen[id(one)] = one
        waiting += gc.get_referents(one)
    return iter(seen.values())


def count_kept(thing: object, kind: type) -> int:
    """How many objects of this type it keeps."""
    return sum(isinstance(one, kind) for one in kept(thing))


def bytes_kept(thing: object) -> int:
    """How many bytes of what was captured it keeps, in however many pieces."""
    return sum(len(one) for one in kept(thing) if isinstance(one, bytes | bytearray))


def size_kept(thing: object) -> int:
    """All the memory it takes, in bytes, as far as Python knows."""
    return sum(map(sys.getsizeof, kept(thing)))
