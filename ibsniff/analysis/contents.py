"""The bytes of every TCP conversation of a capture, reassembled: what a search has to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ibsniff.model import Connection, Frame, Run, Segment, Side
from ibsniff.net import Dissector
from ibsniff.tcp import ConnectionTable


class Piece(NamedTuple):
    """Some bytes of one direction, in order; bytes that were not captured are left out."""

    connection: Connection
    side: Side
    data: bytes


def contents(frames: Iterable[Frame]) -> Iterator[Piece]:
    """Yield the bytes of all conversations, whatever their ports, as they are reassembled."""
    dissector, table = Dissector(None, Counter()), ConnectionTable(frozenset())
    for frame in frames:
        packet = dissector.dissect(frame)
        if isinstance(packet, Segment):
            connection, events = table.feed(packet)
            for side, event in events:
                if isinstance(event, Run):
                    yield Piece(connection, side, event.data)
    for connection, side, event in table.finish():
        if isinstance(event, Run):
            yield Piece(connection, side, event.data)
