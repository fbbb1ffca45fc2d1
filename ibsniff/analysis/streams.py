"""Every TCP conversation of a capture, whatever its protocol: what ``ibsniff streams`` lists, hashes and follows.

Frames pass ``net`` and ``tcp``, as in ``pipeline``. Reassembled bytes are counted and hashed as they come and are not
kept; those of a followed conversation are passed on.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from itertools import pairwise

from ibsniff.ib.account_fields import account_places
from ibsniff.ib.dialogue import DialogueReader
from ibsniff.ib.names import DEFAULT_PORTS, RELAY_PORTS
from ibsniff.model import (
    NANOSECONDS,
    Connection,
    Frame,
    Gap,
    InputState,
    Run,
    Segment,
    Side,
    Unreachable,
    WireBytes,
    WireText,
)
from ibsniff.model.streams import Chunk, Stream, StreamList
from ibsniff.net import Dissector
from ibsniff.tcp import ConnectionTable, conn_state
from ibsniff.tcp.connection import Event

MAX_OPEN = 2000
"""Conversations reassembled at a time: one in the middle of a bulk transfer holds about 50 KB."""
MAX_LISTED = 10_000
"""Conversations listed, about 2 KB each: more than anyone reads; a flood of connection attempts has millions."""
STILL_TALKING = 60 * NANOSECONDS
"""A conversation with traffic this recent is not closed while another can be."""
MAX_SECOND_CHANCES = 8
"""How many conversations that still talk are passed over when one must be closed."""
MAX_NAMED = 200
"""Accounts of a followed conversation that are remembered: an advisor has thousands at most, a hostile peer more."""
MAX_PLACES = 200_000
"""Account fields remembered of each side, which is more than fit into what is masked at a time."""
MAX_ZEROS = 1 << 30
"""Bytes of gaps hashed as zeros in one input, a second's work: forged numbers claim a gap of a gigabyte per packet."""

_ZEROS = bytes(1 << 16)


def zeros(length: int) -> Iterator[bytes]:
    """Yield so many zero bytes, in pieces."""
    for _ in range(length // len(_ZEROS)):
        yield _ZEROS
    yield _ZEROS[: length % len(_ZEROS)]


class StreamReader:
    """Makes a list of the conversations of one input; ``found`` is complete when all frames were taken.

    ``ports`` chooses what is listed (None: all). Every conversation is tracked nevertheless, because the numbers are those
    of the whole input.
    """

    def __init__(self, record: InputState, ports: frozenset[int] | None = None, *, hashing: bool = False) -> None:
        self._record = record
        self.found = StreamList(record.facts())
        self.followed: Stream | None = None
        """The conversation that ``follow`` was called for, once it has begun."""
        self._ports = ports
        self._hashing = hashing
        self._zeros_left = MAX_ZEROS
        self._skipped: Counter[str] = Counter()
        self._dissector = Dissector(None, self._skipped)
        self._table = ConnectionTable(frozenset(DEFAULT_PORTS) | frozenset(RELAY_PORTS))
        self._open: dict[int, _Open] = {}
        """By ``id`` of the connection."""
        self._closable: deque[int] = deque()
        self.total = 0
        """The number of conversations so far, listed or not."""
        self._wanted_number = -1
        self._dialogue: DialogueReader | None = None
        self._named: dict[WireText, None] = {}
        self.account_places: dict[Side, deque[tuple[int, int]]] = {side: deque(maxlen=MAX_PLACES) for side in Side}
        """Of the followed conversation, by sender: where in the stream account fields are; the last ones."""

    @property
    def accounts(self) -> list[WireText]:
        """Accounts that the followed conversation has named so far, in whatever message."""
        return list(self._named)

    def run(self, frames: Iterable[Frame]) -> StreamList:
        """Take all frames of an input; return its conversations."""
        for _ in self.follow(frames, -1):
            pass
        return self.found

    def follow(self, frames: Iterable[Frame], number: int) -> Iterator[Chunk]:
        """The same, and yield the bytes of one conversation, both directions in the order they were reassembled."""
        self._wanted_number = number
        for frame in frames:
            packet = self._dissector.dissect(frame)
            if isinstance(packet, Segment):
                connection, events = self._table.feed(packet)
                if id(connection) not in self._open:
                    self._begin(connection)
                if events:
                    yield from self._take(connection, events)
            elif isinstance(packet, Unreachable):
                self._table.unreachable(packet)
        for connection, side, event in self._table.finish():
            yield from self._take(connection, [(side, event)])
        self._dissector.finish()
        for one in self._open.values():
            self._conclude(one)
        self._open.clear()
        self.found.facts = self._record.facts(skipped=self._skipped)

    # -- one conversation ----------------------------------------------------------------------------------------

    def _begin(self, connection: Connection) -> None:
        stream = Stream(self.total, connection)
        self.total += 1
        wanted = self._ports is None or bool({connection.client.port, connection.server.port} & self._ports)
        listed = wanted and len(self.found.streams) < MAX_LISTED
        if listed:
            self.found.streams.append(stream)
        self._open[id(connection)] = _Open(stream, wanted, listed, hashed=listed and self._hashing)
        if stream.number == self._wanted_number:
            self.followed = stream
            seen_from_start = bool(connection.syn_count) or connection.syn_ack is not None
            self._dialogue = DialogueReader(seen_from_start, self._note_accounts)
        else:
            self._closable.append(id(connection))
        if len(self._open) > MAX_OPEN:
            self._close_one(connection.first.time_ns)

    def _take(self, connection: Connection, events: Iterable[Event]) -> Iterator[Chunk]:
        one = self._open[id(connection)]
        followed = one.stream is self.followed
        for side, event in events:
            if isinstance(event, Gap):
                one.stream.gaps[side] = one.stream.gaps.get(side, 0) + 1
            if one.hashes:
                self._hash(one, side, event)
            if followed and self._dialogue is not None:
                self._dialogue.take(side, event)
                yield from chunks(side, event)

    def _note_accounts(self, side: Side, offset: int, payload: bytes) -> None:
        """Write down where a message of the followed conversation has accounts, and which."""
        reply = self._dialogue.dialogue.reply if self._dialogue else None
        for start, end in sorted(account_places(side, payload, reply.server_version if reply else None)):
            self.account_places[side].append((offset + start, offset + end))
            if len(self._named) < MAX_NAMED:
                self._named[WireText(payload[start:end].decode("utf-8", "surrogateescape"))] = None

    def _hash(self, one: _Open, side: Side, event: Run | Gap) -> None:
        if isinstance(event, Run):
            one.hashes[side].update(event.data)
            return
        if event.length > self._zeros_left:
            one.stream.sha256[side] = None
            return
        self._zeros_left -= event.length
        for piece in zeros(event.length):
            one.hashes[side].update(piece)

    # -- closing -----------------------------------------------------------------------------------------------

    def _close_one(self, now_ns: int) -> None:
        """Close the oldest conversation; one with recent traffic gets a second chance."""
        for _ in range(MAX_SECOND_CHANCES):
            key = self._closable.popleft()
            if _is_over(self._open[key].stream.connection, now_ns):
                break
            self._closable.append(key)
        else:
            key = self._closable.popleft()
        one = self._open[key]
        connection = one.stream.connection
        self.found.closed_early += connection.ended is None and not connection.refusals
        for _ in self._take(connection, self._table.close(connection)):
            pass
        del self._open[key]
        self._conclude(one)

    def _conclude(self, one: _Open) -> None:
        one.stream.conn_state = conn_state(one.stream.connection)
        for side, computed in one.hashes.items():
            one.stream.sha256.setdefault(side, computed.hexdigest())
        if one.wanted and not one.listed:
            self.found.unlisted[one.stream.conn_state] += 1


class _Open:
    """A conversation that is still being reassembled."""

    __slots__ = ("hashes", "listed", "stream", "wanted")

    def __init__(self, stream: Stream, wanted: bool, listed: bool, hashed: bool) -> None:
        self.stream = stream
        self.wanted = wanted
        self.listed = listed
        self.hashes = {side: hashlib.sha256() for side in Side} if hashed else {}


def chunks(side: Side, event: Run | Gap) -> Iterator[Chunk]:
    """Cut a run into what each packet brought."""
    if isinstance(event, Gap):
        yield Chunk(side, event.offset, event.noticed.packet, WireBytes(b""), event.length)
        return
    starts = [max(mark.offset, event.offset) - event.offset for mark in event.marks]
    for mark, (start, end) in zip(event.marks, pairwise([*starts, len(event.data)]), strict=True):
        yield Chunk(side, event.offset + start, mark.packet, WireBytes(event.data[start:end]))


def _is_over(connection: Connection, now_ns: int) -> bool:
    """It has ended, was never established, or had no packets for long."""
    if connection.ended is not None or connection.refusals:
        return True
    began = connection.from_server.segments > 0 or connection.from_client.first_data is not None
    return not began or now_ns - connection.last.time_ns > STILL_TALKING
