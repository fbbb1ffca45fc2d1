"""tcp -> render: every TCP conversation of a capture, whatever it speaks."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from ibsniff.model.connection import Connection, Side
from ibsniff.model.inputs import InputFacts


@dataclass(slots=True)
class Stream:
    """One TCP conversation, whatever it speaks."""

    number: int
    """Its place among all conversations of the input, from 0: Wireshark's ``tcp.stream``."""
    connection: Connection
    conn_state: str = ""
    """Zeek's conn_state of the connection, once it is no longer followed."""
    gaps: dict[Side, int] = field(default_factory=dict)
    """How many gaps each direction has (``Half.gaps`` tells the first few)."""
    sha256: dict[Side, str | None] = field(default_factory=dict)
    """Of all bytes of a direction, gaps as zeros; None when they are too many to write out. Empty unless asked for."""


@dataclass(slots=True)
class StreamList:
    """The TCP conversations of one input."""

    facts: InputFacts
    streams: list[Stream] = field(default_factory=list)
    """In the order of their first packets (bounded by ``streams``)."""
    unlisted: Counter[str] = field(default_factory=Counter)
    """Those beyond the bound, by conn_state."""
    closed_early: int = 0
    """Conversations no longer followed though they had not ended: if one went on, it counts as another."""


class Chunk(NamedTuple):
    """What one packet brought of a stream, or what none did."""

    side: Side
    """Who sent it."""
    offset: int
    """Of its first byte in that direction's stream."""
    packet: int
    data: bytes
    missing: int = 0
    """Bytes that were not captured; then ``data`` is empty, and ``packet`` is where that was noticed."""
