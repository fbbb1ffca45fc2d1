"""Frames found all at once are those found one by one, and have the same names."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ib_bytes import error, frame, protobuf, text

from ibsniff.ib import columns, messages
from ibsniff.ib.columns import count_messages, find_frames
from ibsniff.ib.frames import MAX_FRAME
from ibsniff.model import Side

payloads = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.sampled_from(
        [b"\0", b"1", b"\0\0", b"1\0", b"12\0", b"123\0", b"1234\0", b"0001\0x\0", b"\0\0\0\1", b"\0\0\1\0x"]
    ),
    st.integers(0, 420).map(lambda number: b"%d\0rest\0" % number),
    st.integers(0, 700).map(lambda number: number.to_bytes(4) + b"rest"),
    st.lists(st.sampled_from([b"\0\0\0\5", b"\0\0\0\1", b"\0\0", b"\0", b"1\0", b"\0\0\1\0"]), min_size=1).map(
        b"".join
    ),
    st.sampled_from([255, 256, 257, 65_535, 65_536, 70_000]).map(lambda size: b"1\0" + bytes(size)),
    st.sampled_from([256, 300, 65_536]).map(lambda size: b"\0\0\0\1" * (size // 4)),
)
streams = st.builds(
    lambda whole, rest: b"".join(map(frame, whole)) + rest,
    st.lists(payloads, max_size=30),
    st.one_of(st.binary(max_size=9), st.sampled_from([b"", bytes(4), b"\xff" * 4, b"\0\xff\xff\xff4\0", b"\0\0\5"])),
)


def walked(data: bytes) -> list[tuple[int, int]]:
    """Find frame after frame."""
    found, at = [], 0
    while at + 4 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        if not 0 < length <= MAX_FRAME or at + 4 + length > len(data):
            break
        found.append((at, length))
        at += 4 + length
    return found


@settings(max_examples=200)
@given(streams)
@example(b"")
@example(bytes(4))
@example(frame(b"1\0") * 3)
@example(frame(bytes(300)) * 3)
@example(b"\0\0\1\0" + b"\0\0\0\1" * 64)
def test_frames_are_those_of_a_walk(data: bytes):
    frames = find_frames(data, MAX_FRAME)
    found = walked(data)
    assert list(zip(frames.starts.tolist(), frames.lengths.tolist(), strict=True)) == found
    assert frames.end == (found[-1][0] + 4 + found[-1][1] if found else 0)


def test_a_frame_may_not_be_longer_than_the_longest():
    data = frame(b"1\0") + frame(b"2\0" * 40_000) + frame(b"3\0")
    assert len(find_frames(data, 80_000).starts) == 3
    assert len(find_frames(data, 79_999).starts) == 1


@settings(max_examples=100)
@given(streams, st.data())
def test_frames_of_a_damaged_stream_are_those_of_a_walk(data: bytes, draw: st.DataObject):
    damaged = bytearray(data[-2000:])
    for place in draw.draw(st.lists(st.integers(0, max(len(damaged) - 1, 0)), max_size=4)) if damaged else ():
        damaged[place] = draw.draw(st.sampled_from([0, 1, 255]))
    frames = find_frames(bytes(damaged), MAX_FRAME)
    assert list(zip(frames.starts.tolist(), frames.lengths.tolist(), strict=True)) == walked(bytes(damaged))


@settings(max_examples=200)
@given(
    st.lists(payloads, max_size=30),
    st.sampled_from(Side),
    st.sets(st.sampled_from(sorted(messages.NAMES[Side.SERVER].values()))),
)
def test_messages_get_the_same_names_as_one_by_one(payloads: list[bytes], side: Side, met: set[str]):
    data = b"".join(map(frame, payloads))
    counted = count_messages(side, data, find_frames(data, MAX_FRAME), met)
    names = [messages.COUNTED_NAMES[side].get(messages.id_bytes(payload[:4])) for payload in payloads]
    assert counted.others == [index for index, name in enumerate(names) if name is None]
    assert {name for _, name, _ in counted.names} == set(names) - {None}
    for name in set(names) - {None}:
        same = [(first, count) for first, other, count in counted.names if other == name]
        assert sum(count for _, count in same) == names.count(name)
        if name not in met:
            assert min(first for first, _ in same) == names.index(name)
    assert all(one <= two for one, two in pairwise(first for first, _, _ in counted.names))


@pytest.mark.parametrize("side", Side)
def test_no_two_ids_leave_the_same_remainder(side: Side):
    """When IB's messages grow in number, ``DIVISOR`` may have to grow as well."""
    heads = [int.from_bytes(head.ljust(4, b"\0")) for head in messages.COUNTED_NAMES[side]]
    assert len(set(heads)) == len(heads)
    assert len({head % int(columns.DIVISOR) for head in heads}) == len(heads)


@pytest.mark.parametrize("side", Side)
def test_every_message_is_known_in_each_of_its_forms(side: Side):
    for number, name in messages.NAMES[side].items():
        if number in messages.DECODED[side]:
            continue
        for raw in (text(178, number, "x"), text(201, number, "x"), protobuf(number, {1: 5})):
            data = raw * 3
            assert count_messages(side, data, find_frames(data, MAX_FRAME), ()).names == [(0, name, 3)]


def test_messages_that_decide_are_read_one_by_one():
    data = error(178, 2104, "x") + text(178, 1, 6) + error(203, 2104, "x")
    counted = count_messages(Side.SERVER, data, find_frames(data, MAX_FRAME), ())
    assert counted.others == [0, 2]
    assert np.sum([count for _, _, count in counted.names]) == 1
