"""tcp -> render: every TCP conversation of a capture, whatever its protocol."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from ibsniff.masking.wire_text import WireBytes
from ibsniff.model.connection import Connection, Side
from ibsniff.model.inputs import InputFacts


@dataclass(slots=True)
class Stream:
    """One TCP conversation, whatever its protocol."""

    number: int
    """Its place among all conversations of the input, from 0: Wireshark's ``tcp.stream``."""
    connection: Connection
    conn_state: str = ""
    """Zeek's conn_state of the connection, once it is no longer followed."""
    gaps: dict[Side, int] = field(default_factory=dict)
    """How many gaps each direction has (``Half.gaps`` contains only the first few)."""
    sha256: dict[Side, str | None] = field(default_factory=dict)
    """Of all bytes of a direction, with gaps as zeros; None if the gaps are too long. Empty unless it was requested."""


@dataclass(slots=True)
class StreamList:
    """The TCP conversations of one input."""

    facts: InputFacts
    streams: list[Stream] = field(default_factory=list)
    """In the order of their first packets (bounded by ``streams``)."""
    unlisted: Counter[str] = field(default_factory=Counter)
    """How many were not listed because there were too many, by conn_state."""
    closed_early: int = 0
    """Conversations that were given up before they ended: if one continued, it counts as another."""


class Chunk(NamedTuple):
    """The bytes of a stream that one packet brought, or a gap."""

    side: Side
    """Who sent it."""
    offset: int
    """Of its first byte in the stream of that direction."""
    packet: int
    data: WireBytes
    missing: int = 0
    """Bytes that were not captured; then ``data`` is empty, and ``packet`` is where that became certain."""
