"""The latest segments, added one by one or lazily."""

from __future__ import annotations

from collections import deque
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from ibsniff.model import ACK, Endpoint, Segment
from ibsniff.tcp.recent_segments import KEPT_BYTES, RECENT_SEGMENTS, RecentSegments

HERE, THERE = Endpoint(b"\x7f\0\0\1", 1), Endpoint(b"\x7f\0\0\1", 2)


def segment(number: int, size: int = 1) -> Segment:
    return Segment(number, 0, HERE, THERE, number, 0, ACK, 9, bytes(size), size)


def numbers(recent: RecentSegments) -> list[int]:
    return [one.packet for one in recent]


@given(st.lists(st.sampled_from(["add", "add lazily", "ask", "load"]), max_size=60))
def test_lazily_added_segments_are_the_same_at_any_time(steps: list[str]):
    recent, expected, next_number = RecentSegments(), deque[int](maxlen=RECENT_SEGMENTS), count()
    for step in steps:
        if step == "add":
            number = next(next_number)
            recent.add(segment(number))
            expected.append(number)
        elif step == "add lazily":
            latest = [next(next_number) for _ in range(RECENT_SEGMENTS)]
            recent.add_lazily(lambda latest=latest: map(segment, latest))
            expected.extend(latest)
        elif step == "ask":
            assert numbers(recent) == list(expected)
        else:
            recent.load()
    assert numbers(recent) == list(expected)


def test_lazily_added_segments_are_loaded_once_and_only_when_needed():
    asked = []

    def latest() -> list[Segment]:
        asked.append(1)
        return [segment(number) for number in range(RECENT_SEGMENTS)]

    recent = RecentSegments()
    recent.add_lazily(latest)
    recent.add(segment(99))
    assert not asked
    assert numbers(recent) == [*range(1, RECENT_SEGMENTS), 99]
    recent.load()
    assert numbers(recent) == [*range(1, RECENT_SEGMENTS), 99]
    assert len(asked) == 1


def test_lazily_added_segments_that_are_replaced_are_never_loaded():
    def never() -> list[Segment]:
        raise AssertionError

    recent = RecentSegments()
    recent.add_lazily(never)
    recent.add_lazily(lambda: map(segment, range(RECENT_SEGMENTS)))
    assert numbers(recent) == list(range(RECENT_SEGMENTS))


def test_only_the_beginning_of_long_segments_is_kept():
    recent = RecentSegments()
    recent.add(segment(1, 5000))
    assert [len(one.payload) for one in recent] == [KEPT_BYTES]
    recent.add_lazily(lambda: [segment(number, 5000) for number in range(RECENT_SEGMENTS)])
    assert {len(one.payload) for one in recent} == {KEPT_BYTES}
    assert {one.length for one in recent} == {5000}
