"""The bulk of a connection: thousands of segments, each of which is what was to be expected after the one before.

It must leave behind what ``Tracker.feed`` would have, segment by segment. So it takes only what changes little there: data
in order, ACKs of what was sent, between sides that have both spoken and miss nothing. The first segment that is anything
else ends the stretch, and goes through ``Tracker.feed``.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ibsniff.model import ColumnRun, Moment, Segment, SegmentColumns, Side
from ibsniff.model.arrays import Numbers, Truths
from ibsniff.tcp.connection import Tracker
from ibsniff.tcp.direction import Direction
from ibsniff.tcp.recent import RECENT_SEGMENTS
from ibsniff.tcp.sequence import advance

FEWEST = 64
"""Segments from which on a stretch is worth its making."""

_MASK = 0xFFFF_FFFF


class _Sent(NamedTuple):
    """What one side sends in some consecutive segments of the connection."""

    mine: Direction
    which: Numbers
    """Its segments among them."""
    before: Numbers
    """For every segment, of either side: the bytes this side sent before it."""
    acked: Numbers
    """For its own: how far they acknowledge, in bytes of the other side since the beginning."""
    bare_ack_is_noted: bool
    """In the connection's history."""


def is_steady(tracker: Tracker) -> bool:
    """Both sides have spoken, nothing is missing, and neither has begun to end it."""
    return tracker.is_open and _is_steady(tracker.client) and _is_steady(tracker.server)


def _is_steady(mine: Direction) -> bool:
    half = mine.half
    return (
        mine.begun
        and half.first_packet is not None
        and half.ack_of_first_data is not None
        and mine.acknowledged <= mine.next == mine.end == half.length
        and not mine.waiting
        and not mine.damage.segments
        and half.fin is None
        and half.rst is None
    )


def take_columns(
    tracker: Tracker,
    segments: SegmentColumns,
    which: Numbers,
    from_client: Truths,
    segment_of: Callable[[int], Segment],
) -> tuple[int, list[tuple[Side, ColumnRun]]]:
    """Take as many of the segments ``which`` of a steady connection as are regular, 0 if that is only a few.

    ``segment_of`` gives one of them for itself. Returned is how many were taken, and what each side said in them.
    """
    lengths = segments.lengths[which]
    history = tracker.connection.history
    client = _sent(tracker.client, segments, which, from_client, lengths, "A" in history)
    server = _sent(tracker.server, segments, which, ~from_client, lengths, "a" in history)
    regular = np.ones(len(which), np.bool_)
    for sent, peer in ((client, server), (server, client)):
        regular[sent.which] = _is_expected(sent, peer, segments, which, lengths)
    count = len(which) if regular.all() else int(regular.argmin())
    if count < FEWEST:
        return 0, []
    tracker.connection.last = _moment(segments, int(which[count - 1]))
    sides = []
    for sent in (client, server):
        stretch = _apply(sent, segments, which[:count], segment_of)
        if stretch is not None:
            sides.append((sent.mine.side, stretch))
    for sent, peer in ((client, server), (server, client)):  # only now is there what is acknowledged
        _acknowledge(sent, peer.mine, segments, which[:count])
    return count, sides


def _sent(
    mine: Direction,
    segments: SegmentColumns,
    which: Numbers,
    is_mine: Truths,
    lengths: Numbers,
    bare_ack_is_noted: bool,
) -> _Sent:
    own = np.where(is_mine, lengths, 0)
    acked = (segments.ack[which[is_mine]] - mine.peer.acked_sequence) & _MASK
    return _Sent(mine, np.flatnonzero(is_mine), np.cumsum(own) - own, acked, bare_ack_is_noted)


def _is_expected(sent: _Sent, peer: _Sent, segments: SegmentColumns, which: Numbers, lengths: Numbers) -> Truths:
    """Its data continues the stream, its ACK goes no further than was sent and never back, and it is no second copy."""
    mine, own = sent.mine, which[sent.which]
    continues = ((segments.seq[own] - mine.next_sequence) & _MASK) == sent.before[sent.which]
    possible = peer.before[sent.which] + (peer.mine.end - peer.mine.acknowledged)
    moves = sent.acked.copy()
    moves[1:] -= sent.acked[:-1]
    has_data = lengths[sent.which] > 0
    # what moves nothing is compared with what was captured before, unless it has nothing to be known by
    is_no_copy = has_data | (moves > 0) | (segments.ip_ids[own] == 0)
    expected: Truths = continues & (sent.acked <= possible) & (moves >= 0) & is_no_copy
    return expected & _tells_nothing_new(sent, segments, own, has_data)


def _tells_nothing_new(sent: _Sent, segments: SegmentColumns, own: Numbers, has_data: Truths) -> Truths:
    """Neither its checksum nor its kind is the first of the sort (``Damage``, ``history``)."""
    damage = sent.mine.damage
    known = np.ones(len(own), np.bool_)
    if damage.computes is None:
        known &= ~segments.right[own]
    elif damage.computes:
        known &= ~segments.wrong[own]
    if not sent.bare_ack_is_noted:
        known &= has_data
    return known


def _apply(
    sent: _Sent, segments: SegmentColumns, which: Numbers, segment_of: Callable[[int], Segment]
) -> ColumnRun | None:
    """Do to one side what all its segments would have done to it one by one."""
    mine, half = sent.mine, sent.mine.half
    count = int(np.searchsorted(sent.which, len(which)))
    if not count:
        return None
    own = which[sent.which[:count]]
    half.segments += count
    latest = own[-RECENT_SEGMENTS:].tolist()
    if len(latest) == RECENT_SEGMENTS:
        mine.recent.add_later(lambda: map(segment_of, latest))
    else:
        for number in latest:
            mine.recent.add(segment_of(number))
    with_data = own[segments.lengths[own] > 0]
    if not len(with_data):
        return None
    half.last_data = _moment(segments, int(with_data[-1]))
    stretch = _stretch(mine.next, segments, with_data)
    mine.next = mine.end = half.length = mine.next + len(stretch.data)
    mine.next_sequence = advance(mine.next_sequence, len(stretch.data))
    half.captured += len(stretch.data)
    return stretch


def _acknowledge(sent: _Sent, peer: Direction, segments: SegmentColumns, which: Numbers) -> None:
    """Do the same to the other side."""
    acked = sent.acked[: int(np.searchsorted(sent.which, len(which)))]
    moved = int(acked[-1]) if len(acked) else 0
    if moved:
        last = int(which[sent.which[np.searchsorted(acked, moved)]])
        peer.acknowledge(advance(peer.acked_sequence, moved), _moment(segments, last), of_unseen=True)


def _stretch(offset: int, segments: SegmentColumns, with_data: Numbers) -> ColumnRun:
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
