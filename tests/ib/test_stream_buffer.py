"""Every unread byte can be traced to its packet."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ibsniff.ib.stream_buffer import StreamBuffer
from ibsniff.model import Mark, Moment, Run

PIECES = st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=4), min_size=1, max_size=8)
"""Runs, each of packets, each of so many bytes."""


@given(PIECES, st.data())
def test_every_byte_names_the_packet_that_brought_it(runs: list[list[int]], data: st.DataObject) -> None:
    buffer, owner = StreamBuffer(), []
    offset = packet = dropped = 0
    for sizes in runs:
        marks, start = [], offset
        for size in sizes:
            packet += 1
            marks.append(Mark(offset, packet, packet * 10))
            owner += [packet] * size
            offset += size
        buffer.append(Run(start, bytes(offset - start), tuple(marks)))
        count = data.draw(st.integers(0, len(buffer.unread)))
        buffer.drop(count)
        dropped += count
        unread = owner[dropped:]
        assert len(buffer.unread) == len(unread)
        assert [buffer.moment(index) for index in range(len(unread))] == [Moment(one, one * 10) for one in unread]
        first, last = sorted(data.draw(st.tuples(st.integers(0, len(unread)), st.integers(0, len(unread)))))
        if first < last:
            assert buffer.pieces(first, last) == tuple(
                Moment(one, one * 10) for one in dict.fromkeys(unread[first:last])
            )
        assert buffer.packet_starts() == [
            index for index in range(len(unread)) if dropped + index == 0 or owner[dropped + index - 1] != unread[index]
        ]


def test_a_run_may_begin_in_the_middle_of_a_packet() -> None:
    buffer = StreamBuffer()
    buffer.append(Run(10, b"abcd", (Mark(8, 5, 50), Mark(12, 6, 60))))
    assert [buffer.moment(index).packet for index in range(4)] == [5, 5, 6, 6]
    assert buffer.packet_starts() == [2]


def test_a_cleared_buffer_begins_again_after_a_gap() -> None:
    buffer = StreamBuffer()
    buffer.append(Run(0, b"abc", (Mark(0, 1, 10),)))
    buffer.clear()
    buffer.append(Run(50, b"xyz", (Mark(50, 9, 90),)))
    assert (bytes(buffer.unread), buffer.offset, buffer.moment(0)) == (b"xyz", 50, Moment(9, 90))
