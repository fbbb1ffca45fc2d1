"""The rows of a sequence diagram: what one stands for, and what the diagram has of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from ibsniff.formatting import counted
from ibsniff.model import (
    Endpoint,
    Side,
    WireBytes,
)
from ibsniff.timeline.event import NOTHING

MIN_SILENCE_NS = 800_000_000
"""Shorter pauses are not drawn: programs compute, and TWS asks IB's servers. What comes every second has a pause before it."""

MAX_NAMES = 3
"""Kinds of messages that a folded row names; the others are counted."""


class Kind(Enum):
    """What a row stands for."""

    PACKET = "packet"
    MESSAGES = "messages"
    """One packet, or several in a row, of which only the names of the messages are known."""
    BULK = "bulk"
    """All messages after the first ones: their number is known, and when the last one came."""
    SILENCE = "silence"
    LOSS = "loss"
    """Bytes that the capture does not have."""
    END = "end"
    """The capture ends before the conversation does."""


class Row(NamedTuple):
    """One row of the diagram."""

    kind: Kind
    time_ns: int | None
    """None if the time of a packet is not known."""
    side: Side | None
    """Who sent it; None if both did, or neither."""
    what: str
    """In words; what it quotes of the wire stands between marks."""
    packets: tuple[int, ...] = ()
    """Of a row that stands for many: the first and the last."""
    raw: WireBytes = NOTHING
    until_ns: int | None = None
    """When a silence, or the last of many messages, ended."""
    messages: tuple[str, ...] = ()
    """The names of the messages that it stands for, as far as they are kept one by one."""
    is_resent: bool = False
    is_unacknowledged: bool = False
    """The other side never acknowledged it."""
    is_the_end: bool = False
    """It ended the conversation."""
    is_cited: bool = False
    """A finding names it as its proof."""

    @property
    def length_ns(self) -> int:
        """How long a silence, or many messages, lasted."""
        return max(0, self.until_ns - self.time_ns) if self.time_ns is not None and self.until_ns is not None else 0


class Diagram(NamedTuple):
    """The rows of one conversation, in the order of its packets."""

    id: str
    client: Endpoint
    server: Endpoint
    began_ns: int
    rows: tuple[Row, ...]
    packets: int
    """How many packets the conversation has; many of them may be folded."""
    retransmissions: int

    def within(self, takes_time: Callable[[int], bool]) -> Diagram:
        """The same without rows that lie outside a chosen time; one that lasts belongs to it with its begin or its end."""
        times = ((row, (row.time_ns, row.until_ns)) for row in self.rows)
        kept = (row for row, both in times if any(takes_time(time_ns) for time_ns in both if time_ns is not None))
        return self._replace(rows=tuple(kept))

    def shortened(self, limit: int) -> Diagram:
        """The same with the first and the last rows only, if there are more; one row says how many are not drawn."""
        beyond = len(self.rows) - limit
        if beyond <= 0:
            return self
        head, tail = self.rows[: limit // 2], self.rows[len(self.rows) - limit // 2 :]
        folded = Row(Kind.MESSAGES, head[-1].time_ns, None, f"… {counted(beyond, 'more row')}, not drawn")
        return self._replace(rows=(*head, folded, *tail))


def first_packet(row: Row) -> int:
    """The number of its first packet; 0 if it has none."""
    return row.packets[0] if row.packets else 0


def named(names: Counter[str]) -> str:
    """``3 TICK_PRICE, TICK_SIZE and 5 others``."""
    named = names.most_common(MAX_NAMES)
    told = ", ".join(name if count == 1 else f"{count:,} {name}" for name, count in named)
    others = names.total() - sum(count for _, count in named)
    return f"{told} and {counted(others, 'other')}" if others else told
