"""A run of segments has the same result as its segments one by one; an irregular segment ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest
from wire import Wire

from ibsniff.analysis.api_traffic import API_PORTS
from ibsniff.model import ACK, PSH, Columns, Segment, SegmentColumns, Side
from ibsniff.model.arrays import Numbers
from ibsniff.tcp import ConnectionTable, columns
from ibsniff.tcp.columns import can_feed_columns, feed_columns
from ibsniff.tcp.connection import ConnectionTracker

BEGINNING = 9
"""Segments until both sides have sent data."""


@pytest.fixture(autouse=True)
def _short_runs_count(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(columns, "MIN_SEGMENTS", 1)


def begun() -> Wire:
    return Wire(server_isn=2**32 - 150).connect().client(b"hello").server(b"reply").segment("client").segment("server")


def as_columns(segments: list[Segment]) -> SegmentColumns:
    """What ``net`` would make of them; only the columns that ``tcp`` reads."""
    buffer = b"".join(segment.payload for segment in segments)
    lengths = numbers(segments, lambda one: one.length)
    ends = sorted({(one.source, one.destination) for one in segments})
    starts = np.cumsum(lengths) - lengths
    packets = Columns(
        segments[0].packet, 1, buffer, starts, lengths, lengths, numbers(segments, lambda one: one.time_ns)
    )
    return SegmentColumns(
        packets,
        indices=np.arange(len(segments)),
        flows=numbers(segments, lambda one: ends.index((one.source, one.destination))),
        ends=ends,
        seq=numbers(segments, lambda one: one.seq),
        ack=numbers(segments, lambda one: one.ack),
        starts=starts,
        lengths=lengths,
        ip_ids=numbers(segments, lambda one: one.ip_id or 0),
        wrong=numbers(segments, lambda one: one.intact is False).astype(bool),
        right=numbers(segments, lambda one: one.intact is True).astype(bool),
    )


def numbers(segments: list[Segment], of: Callable[[Segment], int]) -> Numbers:
    return np.array([of(one) for one in segments], np.int64)


def after(segments: list[Segment]) -> tuple[ConnectionTable, ConnectionTracker]:
    table = ConnectionTable(API_PORTS)
    for segment in segments:
        table.feed(segment)
    found = table.find(segments[0].source, segments[0].destination)
    assert found is not None
    return table, found[0]


def everything(tracker: ConnectionTracker) -> list[object]:
    """All that is remembered of a connection."""
    told: list[object] = [asdict(tracker.connection), tracker.lifecycle.is_open]
    for side in (tracker.client, tracker.server):
        names = [name for name in type(side).__slots__ if name not in ("peer", "half", "recent", "damaged", "waiting")]
        told += [{name: getattr(side, name) for name in names}, list(side.recent), side.damaged.checksums_trusted]
        told += [list(side.damaged.segments), bool(side.waiting)]
    return told


def taken(segments: list[Segment], beginning: int = BEGINNING) -> int:
    """Take what comes after the beginning as a run and compare with one by one; return how many were taken."""
    before, rest = segments[:beginning], segments[beginning:]
    _, tracker = after(before)
    assert can_feed_columns(tracker)
    columns = as_columns(rest)
    from_client = np.array([one.source == tracker.connection.client for one in rest])
    count, sent = feed_columns(tracker, columns, np.arange(len(rest)), from_client, rest.__getitem__)
    _, expected = after(segments[: beginning + count])
    assert everything(tracker) == everything(expected)
    for side, run in sent:
        mine = [one for one in rest[:count] if (one.source == tracker.connection.client) == (side is Side.CLIENT)]
        with_data = [one for one in mine if one.length]
        assert run.data == b"".join(one.payload for one in with_data)
        assert list(run.mark_packets) == [one.packet for one in with_data]
        assert list(run.mark_times_ns) == [one.time_ns for one in with_data]
        assert run.mark_offsets[0] == run.offset
        assert list(np.diff(run.mark_offsets)) == [one.length for one in with_data[:-1]]
    return count


def test_data_in_order_across_the_end_of_the_sequence_numbers():
    wire = begun()
    for number in range(40):
        wire.server(b"x" * (number + 1))
        if number % 5 == 0:
            wire.client(b"y")
    segments = wire.segments()
    assert any(one.seq < 1000 for one in segments)
    assert any(one.seq > 2**32 - 1000 for one in segments)
    assert taken(segments) == len(segments) - BEGINNING


def test_one_side_alone():
    wire = begun()
    for number in range(30):
        wire.segment("server", ACK | PSH, bytes([number]) * 9)
    assert taken(wire.segments()) == 30


@pytest.mark.parametrize("side", Side)
def test_one_byte_and_its_ack(side: Side):
    other = Side.SERVER if side is Side.CLIENT else Side.CLIENT
    wire = (
        begun()
        .segment(other, ACK | PSH, b"some")
        .segment(side, ACK | PSH, b"1")
        .segment(other)
        .segment(side, ACK, b"2")
    )
    assert taken(wire.segments()) == 4


ODD: dict[str, Callable[[Wire], Wire]] = {
    "a hole": lambda wire: wire.lose().server(b"lost"),
    "a keep-alive": lambda wire: wire.keep_alive("client"),
    "a retransmission": lambda wire: wire.again(2),
    "another window": lambda wire: wire.ack("client", window=77),
    "the same packet twice": lambda wire: wire.copy(),
    "an ACK of what was never seen": lambda wire: wire.segment("client", ACK, ack=(2**32 - 150 + 4000) % 2**32),
    "an ACK gone back": lambda wire: wire.segment("client", ACK, ack=2**32 - 145),
    "an ACK gone back, but not past the first of them": lambda wire: wire.segment("client", ACK, b"!", ack=2**32 - 138),
    "a number too low": lambda wire: wire.segment("server", ACK, b"zz", seq_offset=-1),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_irregular_segment_ends_the_run(odd: str):
    wire = begun().server(b"before").server(b"it")
    regular = len(wire.segments()) - BEGINNING
    wire = ODD[odd](wire).server(b"behind")
    assert taken(wire.segments()) == regular


def test_the_first_segment_of_its_kind_is_not_part_of_the_run():
    """A segment that changes the history, or shows that checksums can be trusted, is taken one by one."""
    bare = Wire().connect().client(b"hello", ack=False).server(b"reply", ack=False)
    bare.segment("client", ACK, b"more").segment("client", ACK, b"and more").segment("server").segment("client")
    assert taken(bare.segments(), beginning=6) == 1, "the server has never sent a bare ACK"
    joined = Wire().segment("client", ACK, b"ask").segment("server", ACK, b"reply").segment("client", ACK, b"more")
    joined.segment("server").segment("server", ACK, b"data").segment("server", ACK, b"data").segment("client")
    assert taken(joined.segments(), beginning=4) == 2, "nor has the client of one that was joined"
    segments = begun().server(b"one").server(b"two").segments()
    segments[-2] = segments[-2]._replace(intact=True)
    assert taken(segments) == 2
    segments[-2] = segments[-2]._replace(intact=False)
    assert taken(segments) == 4, "wrong ones alone tell nothing"
    before = [segment._replace(intact=True) for segment in segments[:BEGINNING]]
    assert taken(before + segments[BEGINNING:]) == 2, "but behind right ones they do"


def checked(wire: Wire, damaged: set[int]) -> list[Segment]:
    """All checksums are right but those of these packets."""
    return [one._replace(intact=one.packet not in damaged) for one in wire.segments()]


DAMAGED: dict[str, Callable[[Wire], Wire]] = {
    "and was sent again before": lambda wire: wire.server(b"damaged", ack=False).again(after=0.2).ack("client"),
    "and is sent again now": lambda wire: wire.server(b"damaged", ack=False).again(after=0.2).ack("client"),
    "and is sent again in pieces": lambda wire: (
        wire.segment("server", ACK, b"damaged", advance=False).server(b"dam").server(b"aged")
    ),
    "and only a part of it is ever sent again": lambda wire: wire.segment(
        "server", ACK, b"damaged", advance=False
    ).server(b"da"),
    "and lies ahead of what is sent now": lambda wire: (
        wire.segment("server", ACK, b"ahead", seq_offset=5, advance=False).server(b"first").server(b"ahead")
    ),
}


@pytest.mark.parametrize("damaged", DAMAGED)
def test_after_a_damaged_segment_the_run_goes_on(damaged: str):
    """It lies aside, and what follows is as regular as ever."""
    wire = DAMAGED[damaged](begun())
    for number in range(20):
        wire.server(bytes([number]) * 3).client(b"yes")
    segments = checked(wire, {BEGINNING + 1})
    beginning = BEGINNING + (2 if "before" in damaged else 1)
    assert after(segments[:beginning])[1].server.damaged.segments
    assert taken(segments, beginning) == len(segments) - beginning


def test_a_damaged_segment_that_was_acknowledged_is_irregular():
    """Its bytes are acknowledged, so its checksum means nothing: that is found out one by one."""
    wire = begun().server(b"damaged").server(b"behind it").server(b"and more")
    segments = checked(wire, {BEGINNING + 1})
    assert taken(segments, BEGINNING) == 0
    assert not can_feed_columns(after(segments[: BEGINNING + 2])[1])


def test_a_few_segments_are_left_to_the_plain_lane(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(columns, "MIN_SEGMENTS", 3)
    assert taken(begun().server(b"x").segments()) == 0
    assert taken(begun().server(b"x").server(b"y").segments()) == 4


def test_connections_that_cannot_be_fed_in_columns():
    def steady(wire: Wire) -> bool:
        return can_feed_columns(after(wire.segments())[1])

    assert steady(begun())
    assert not steady(Wire().connect())
    assert not steady(Wire().connect().client(b"hello"))
    assert not steady(begun().lose().segment("server", ACK, b"lost").segment("server", ACK, b"behind a hole"))
    assert not steady(begun().segment("client", ACK, ack=500))
    assert not steady(begun().segment("server", seq_offset=5, advance=False)), "bytes before it were sent"
    next_byte = begun().segments()[-1].seq
    assert steady(begun().segment("client", ACK, ack=next_byte))
    assert not steady(begun().segment("client", ACK, ack=next_byte + 1)), "a FIN, or a byte, that was not captured"
    joined = Wire().lose(2).syn().syn_ack().segment("client", ACK, b"ask").segment("server", ACK, b"reply")
    assert steady(joined.segment("client", ACK, b"more"))
    assert not steady(joined.again(4)), "the handshake was captured late, and its ACK comes later still"
    assert not steady(begun().fin_client())
    assert not steady(begun().rst_server())
