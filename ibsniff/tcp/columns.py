"""The column lane of this room: thousands of regular segments of one connection at once.

The result must be what ``ConnectionTracker.feed`` gives segment by segment. So only segments that change little are taken:
data in order and ACKs of captured data, between two sides that have both sent something and miss nothing. The first
segment that is anything else ends the run, and goes through ``ConnectionTracker.feed``.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ibsniff.model import ColumnRun, Moment, Segment, SegmentColumns, Side
from ibsniff.model.arrays import Numbers, Truths
from ibsniff.tcp.connection import ConnectionTracker
from ibsniff.tcp.direction import Direction
from ibsniff.tcp.recent_segments import RECENT_SEGMENTS
from ibsniff.tcp.sequence import advance

MIN_SEGMENTS = 64
"""Fewer segments than this are faster one by one."""

_MASK = 0xFFFF_FFFF


class _SideColumns(NamedTuple):
    """What one side sends in some consecutive segments of a connection."""

    mine: Direction
    which: Numbers
    """Indices of its segments among them."""
    before: Numbers
    """For every segment of either side: the number of bytes that this side sent before it."""
    acked: Numbers
    """For each of its own segments: how many more bytes of the other side it acknowledges than those before all of them."""
    bare_ack_is_recorded: bool
    """The connection's history has this side's bare ACK already."""


def can_feed_columns(tracker: ConnectionTracker) -> bool:
    """Both sides have sent data, nothing is missing, and neither has begun to end the connection."""
    is_open = tracker.lifecycle.is_open and tracker.held is None
    return is_open and _is_in_order(tracker.client) and _is_in_order(tracker.server)


def _is_in_order(mine: Direction) -> bool:
    """Nothing is missing. Damaged segments may be set aside: they are used only when missing bytes are acknowledged."""
    half = mine.half
    return (
        mine.begun
        and half.first_packet is not None
        and half.ack_of_first_data is not None
        and mine.acknowledged <= mine.next == mine.end == half.length
        and not mine.waiting
        and half.stall is None
        and half.fin is None
        and half.rst is None
    )


def feed_columns(
    tracker: ConnectionTracker,
    segments: SegmentColumns,
    which: Numbers,
    from_client: Truths,
    segment_of: Callable[[int], Segment],
) -> tuple[int, list[tuple[Side, ColumnRun]]]:
    """Take the regular segments at the beginning of ``which``, or none if they are fewer than ``MIN_SEGMENTS``.

    The connection must be one that ``can_feed_columns``. ``segment_of`` gives a single segment by its number. Returns how
    many segments were taken, and the bytes that each side sent in them.
    """
    lengths = segments.lengths[which]
    history = tracker.connection.history
    client = _side_columns(tracker.client, segments, which, from_client, lengths, "A" in history)
    server = _side_columns(tracker.server, segments, which, ~from_client, lengths, "a" in history)
    regular = np.ones(len(which), np.bool_)
    for sent, peer in ((client, server), (server, client)):
        regular[sent.which] = _is_regular(sent, peer, segments, which, lengths)
    count = len(which) if regular.all() else int(regular.argmin())
    if count < MIN_SEGMENTS:
        return 0, []
    tracker.connection.last = _moment(segments, int(which[count - 1]))
    sides = []
    for sent in (client, server):
        run = _apply(sent, segments, which[:count], segment_of)
        if run is not None:
            sides.append((sent.mine.side, run))
    for sent, peer in ((client, server), (server, client)):  # after the data that they acknowledge
        _acknowledge(sent, peer.mine, segments, which[:count])
    for sent, peer in ((client, server), (server, client)):
        _note_completeness(sent, peer, segments, which[:count])
    return count, sides


def _side_columns(
    mine: Direction,
    segments: SegmentColumns,
    which: Numbers,
    is_mine: Truths,
    lengths: Numbers,
    bare_ack_is_recorded: bool,
) -> _SideColumns:
    own = np.where(is_mine, lengths, 0)
    acked = (segments.ack[which[is_mine]] - mine.peer.acked_sequence) & _MASK
    return _SideColumns(mine, np.flatnonzero(is_mine), np.cumsum(own) - own, acked, bare_ack_is_recorded)


def _is_regular(
    sent: _SideColumns, peer: _SideColumns, segments: SegmentColumns, which: Numbers, lengths: Numbers
) -> Truths:
    """Its data continues the stream, its ACK covers only captured data and never moves back, and it is no duplicate."""
    mine, own = sent.mine, which[sent.which]
    continues = ((segments.seq[own] - mine.next_sequence) & _MASK) == sent.before[sent.which]
    possible = peer.before[sent.which] + (peer.mine.end - peer.mine.acknowledged)
    moves = sent.acked.copy()
    moves[1:] -= sent.acked[:-1]
    has_data = lengths[sent.which] > 0
    # a segment that brings nothing new may be a duplicate, unless it has no IP identification to recognise one by
    is_no_duplicate = has_data | (moves > 0) | (segments.ip_ids[own] == 0)
    expected: Truths = continues & (sent.acked <= possible) & (moves >= 0) & is_no_duplicate
    return expected & _is_no_first_of_its_kind(sent, segments, own, has_data)


def _is_no_first_of_its_kind(sent: _SideColumns, segments: SegmentColumns, own: Numbers, has_data: Truths) -> Truths:
    """Neither its checksum nor its kind is one that changes ``DamagedSegments`` or the history."""
    trusted = sent.mine.damaged.checksums_trusted
    known = np.ones(len(own), np.bool_)
    if trusted is None:
        known &= ~segments.right[own]
    elif trusted:
        known &= ~segments.wrong[own]
    if not sent.bare_ack_is_recorded:
        known &= has_data
    return known


def _apply(
    sent: _SideColumns, segments: SegmentColumns, which: Numbers, segment_of: Callable[[int], Segment]
) -> ColumnRun | None:
    """Change one side as its segments would have done one by one; return the bytes it sent."""
    mine, half = sent.mine, sent.mine.half
    count = int(np.searchsorted(sent.which, len(which)))
    if not count:
        return None
    own = which[sent.which[:count]]
    half.segments += count
    half.window_closed = None  # a segment with a closed window is not regular
    latest = own[-RECENT_SEGMENTS:].tolist()
    if len(latest) == RECENT_SEGMENTS:
        mine.recent.add_lazily(lambda: map(segment_of, latest))
    else:
        for number in latest:
            mine.recent.add(segment_of(number))
    with_data = own[segments.lengths[own] > 0]
    if not len(with_data):
        return None
    half.last_data = _moment(segments, int(with_data[-1]))
    place = int(np.flatnonzero(segments.lengths[own] > 0)[-1])
    half.last_data_acks = mine.peer.acknowledged + int(sent.acked[place])  # which the other side does not know yet
    run = _column_run(mine.next, segments, with_data)
    mine.next = mine.end = half.length = mine.next + len(run.data)
    mine.next_sequence = advance(mine.next_sequence, len(run.data))
    half.captured += len(run.data)
    return run


def _acknowledge(sent: _SideColumns, peer: Direction, segments: SegmentColumns, which: Numbers) -> None:
    """Change the other side as the ACKs of these segments would have done one by one."""
    acked = sent.acked[: int(np.searchsorted(sent.which, len(which)))]
    moved = int(acked[-1]) if len(acked) else 0
    if moved:
        last = int(which[sent.which[np.searchsorted(acked, moved)]])
        peer.acknowledge(advance(peer.acked_sequence, moved), _moment(segments, last), accept_unseen=True)


def _note_completeness(sent: _SideColumns, peer: _SideColumns, segments: SegmentColumns, which: Numbers) -> None:
    """Its latest segment shows that nothing of it was missed before, and so does an ACK of all of it that came later."""
    own, others = (int(np.searchsorted(each.which, len(which))) for each in (sent, peer))
    latest = int(sent.which[own - 1]) if own else -1
    if others and sent.mine.acknowledged == sent.mine.end:
        latest = max(latest, int(peer.which[others - 1]))
    if latest >= 0:
        sent.mine.half.complete_at = _moment(segments, int(which[latest]))


def _column_run(offset: int, segments: SegmentColumns, with_data: Numbers) -> ColumnRun:
    starts, lengths = segments.starts[with_data], segments.lengths[with_data]
    buffer, ends = segments.packets.buffer, starts + lengths
    return ColumnRun(
        offset,
        b"".join([buffer[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]),
        _array(offset + np.cumsum(lengths) - lengths),
        _array(segments.packets.first_number + segments.indices[with_data]),
        _array(segments.packets.times_ns[segments.indices[with_data]]),
    )


def _array(numbers: Numbers) -> array[int]:
    made = array("q")
    made.frombytes(numbers.astype(np.int64).tobytes())
    return made


def _moment(segments: SegmentColumns, number: int) -> Moment:
    index = int(segments.indices[number])
    return Moment(segments.packets.first_number + index, int(segments.packets.times_ns[index]))
