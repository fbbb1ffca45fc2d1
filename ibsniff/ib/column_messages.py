"""The messages of both sides in a column run: counted at once, read one by one where their contents matter."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from ibsniff.ib import messages
from ibsniff.ib.columns import COUNTED_IDS, LENGTH_SIZE, FrameColumns, MessageCounts, Words, count_messages, find_frames
from ibsniff.ib.frames import MAX_BEGINNING, MAX_FRAME, payload_beginning
from ibsniff.ib.message_summary import MessageSummary
from ibsniff.ib.request_columns import Parts
from ibsniff.ib.request_ledger import CLIENT_NAMES, LedgerMessage, RequestLedger, ledger_message
from ibsniff.ib.request_words import part_words
from ibsniff.ib.stream_buffer import StreamBuffer
from ibsniff.model import ColumnRun, Side

IS_IN_LEDGER = np.array([name in CLIENT_NAMES for name in COUNTED_IDS[Side.CLIENT][2]] + [False])
"""By kind of the client's messages."""


class _Read(NamedTuple):
    """The messages of one side in a column run."""

    frames: FrameColumns
    buffer: StreamBuffer
    had: int
    """Bytes of the first frame that had come before the run."""
    singles: dict[int, LedgerMessage]
    """What the ledger reads one by one, by index of the frame."""
    words: Words | None = None
    """Of each frame that is a part of an answer; None if no request is open."""

    def end(self, index: int) -> int:
        """Where the bytes end that are read of a frame: then it takes its place in the conversation."""
        start, length = int(self.frames.starts[index]), int(self.frames.lengths[index])
        return start + LENGTH_SIZE + min(length, MAX_BEGINNING)


def read_columns(
    runs: Mapping[Side, tuple[StreamBuffer, ColumnRun]], summary: MessageSummary, ledger: RequestLedger
) -> None:
    """Read the whole frames in a run of bytes of each side."""
    client = server = None
    if Side.CLIENT in runs:
        client = _read_client(*runs[Side.CLIENT], summary)
    if Side.SERVER in runs:
        server = _read_server(
            *runs[Side.SERVER], summary, ledger, with_ledger=bool(ledger or (client and client.singles))
        )
    _enter(ledger, client, server)
    for read in (client, server):
        if read is not None:
            read.buffer.drop(read.frames.end)


def _read_client(buffer: StreamBuffer, run: ColumnRun, summary: MessageSummary) -> _Read:
    data, frames, counted = _frames(Side.CLIENT, buffer, run, summary)
    singles = _count(Side.CLIENT, buffer, summary, frames, counted)
    wanted = np.flatnonzero(IS_IN_LEDGER[counted.kinds]).tolist()
    singles |= _messages(Side.CLIENT, data, buffer, frames, wanted, summary.server_version())
    return _Read(frames, buffer, 0, singles)


def _read_server(
    buffer: StreamBuffer, run: ColumnRun, summary: MessageSummary, ledger: RequestLedger, *, with_ledger: bool
) -> _Read:
    had = len(buffer.unread)
    data, frames, counted = _frames(Side.SERVER, buffer, run, summary)
    singles = _count(Side.SERVER, buffer, summary, frames, counted)
    if not with_ledger:
        return _Read(frames, buffer, had, {})
    words, wanted = part_words(data, frames, counted, ledger.server_version)
    singles |= _messages(Side.SERVER, data, buffer, frames, wanted, ledger.server_version)
    return _Read(frames, buffer, had, singles, words)


def _frames(
    side: Side, buffer: StreamBuffer, run: ColumnRun, summary: MessageSummary
) -> tuple[bytes, FrameColumns, MessageCounts]:
    buffer.append_columns(run)
    data = bytes(buffer.unread)
    frames = find_frames(data, MAX_FRAME, MAX_BEGINNING)
    return data, frames, count_messages(side, data, frames, summary.counts(side))


def _count(
    side: Side, buffer: StreamBuffer, summary: MessageSummary, frames: FrameColumns, counted: MessageCounts
) -> dict[int, LedgerMessage]:
    """Count the messages; return those that were read for that, by index of the frame."""
    counts, read = summary.counts(side), {}
    # in the order of the wire: the report lists names and keeps errors in the order in which they came first
    firsts = [(first, name) for first, name, _ in counted.names]
    for index, name in sorted(firsts + [(index, "") for index in counted.others]):
        if name:
            counts.setdefault(name, 0)
        else:
            at, length = int(frames.starts[index]), int(frames.lengths[index])
            payload = payload_beginning(buffer.unread, at + LENGTH_SIZE, length)
            read[index] = summary.add_message(side, payload, buffer.moment(at), length)
    for _, name, count in counted.names:
        counts[name] += count
    return read


def _messages(
    side: Side,
    data: bytes,
    buffer: StreamBuffer,
    frames: FrameColumns,
    wanted: Iterable[int],
    server_version: int | None,
) -> dict[int, LedgerMessage]:
    """Read messages that are counted already, for the ledger."""
    found = {}
    for index in wanted:
        at = int(frames.starts[index])
        payload = messages.split_payload(payload_beginning(data, at + LENGTH_SIZE, int(frames.lengths[index])))
        found[index] = ledger_message(side, payload, buffer.moment(at), server_version)
    return found


def _enter(ledger: RequestLedger, client: _Read | None, server: _Read | None) -> None:
    """Enter the messages of both sides into the ledger, in the order in which they were complete."""
    asked = [] if client is None else _places_of_requests(client, server, ledger)
    if client is None and server is not None and server.had:
        _read_singly(server, {0}, ledger)
    if server is None or server.words is None:
        for _, _, message in asked:
            ledger.take(message)
        return
    if ledger.may_be_full(len(asked)):
        _read_singly(server, set(np.flatnonzero(server.words).tolist()), ledger)
    events = asked + [(index, 1, message) for index, message in server.singles.items()]
    keys = {message.name if message.number is None else message.number for _, _, message in asked}
    parts = Parts(server.frames, server.buffer, server.words, ledger, keys)
    for place, _, message in sorted(events, key=_place_in_order):
        parts.flush(ledger.keys_of(message), place)
        ledger.take(message)
    parts.flush(None, len(server.frames.starts))


def _place_in_order(event: tuple[int, int, LedgerMessage]) -> tuple[int, int]:
    return event[:2]


def _places_of_requests(
    client: _Read, server: _Read | None, ledger: RequestLedger
) -> list[tuple[int, int, LedgerMessage]]:
    """The client's messages, each with the number of server messages that were complete before it."""
    if server is None:
        return [(0, 0, message) for _, message in sorted(client.singles.items())]
    indices = sorted(client.singles)
    captured = [_captured_before(client.end(index) - 1, client.buffer, server.buffer) for index in indices]
    begun = server.frames.starts.searchsorted(captured).tolist()
    places, overlaps = [], {0} if server.had else set()
    for before, end in zip(begun, captured, strict=True):
        is_partial = before > 0 and server.end(before - 1) > end
        places.append(before - is_partial)
        if is_partial:
            overlaps.add(before - 1)
    _read_singly(server, overlaps, ledger)
    return [(place, 0, client.singles[index]) for place, index in zip(places, indices, strict=True)]


def _captured_before(index: int, buffer: StreamBuffer, other: StreamBuffer) -> int:
    """How many unread bytes of the other side were captured before this one."""
    packet = buffer.moment(index).packet
    offsets, packets = other.marks
    mark = bisect_right(packets, packet)
    captured = offsets[mark] - other.offset if mark < len(offsets) else len(other.unread)
    return min(max(captured, 0), len(other.unread))


def _read_singly(server: _Read, places: set[int], ledger: RequestLedger) -> None:
    """Read these frames one by one: they began before a request and were complete after it, so they do not answer it."""
    if server.words is None:
        return
    wanted = [place for place in places if place < len(server.words) and server.words[place]]
    if not wanted:
        return
    server.words[wanted] = 0
    data = bytes(server.buffer.unread)
    singles = _messages(Side.SERVER, data, server.buffer, server.frames, wanted, ledger.server_version)
    server.singles.update(singles)
