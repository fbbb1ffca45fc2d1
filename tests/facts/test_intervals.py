"""Answers that look at a few numbers are those of looking at all of them."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st
from judging import judge
from wire import Wire

from ibsniff.facts.intervals import CaptureOrder, Interval, RangeMinimum, Timeline, first_that_covers

NUMBERS = st.lists(st.integers(0, 9), max_size=20)
TIMES = st.integers(0, 12)
SPANS = st.lists(st.tuples(st.builds(Interval, TIMES, TIMES | st.just(inf)), st.integers(0, 9)), max_size=12)


@given(NUMBERS, st.integers(0, 20), st.integers(0, 20))
def test_the_least_of_a_stretch(numbers: list[int], first: int, end: int) -> None:
    end = min(end, len(numbers))
    assert RangeMinimum(numbers).between(first, end) == min(numbers[first:end], default=None)


@given(st.lists(st.tuples(TIMES, st.integers(0, 9)), max_size=20), TIMES, TIMES)
def test_the_least_number_of_a_span_of_time(marks: list[tuple[int, int]], from_ns: int, until_ns: int) -> None:
    numbers = [number for time_ns, number in marks if from_ns <= time_ns <= until_ns]
    assert Timeline(marks).least(from_ns, until_ns) == min(numbers, default=None)


@given(SPANS, st.lists(TIMES, max_size=12))
def test_the_first_span_that_covers_a_time(spans: list[tuple[Interval, int]], times: list[int]) -> None:
    covering = {time: [number for span, number in spans if span.covers(time)] for time in times}
    assert first_that_covers(spans, times) == {time: min(found) for time, found in covering.items() if found}


@given(st.permutations(range(5)), st.integers(-1, 6))
def test_the_first_of_a_row_that_began_before(starts: list[int], before: int) -> None:
    """Whatever the clock did between them."""
    wires = [Wire(client=f"10.0.0.9:{50_000 + n}", start_ns=n * 10**9).connect() for n in range(5)]
    by_time = judge(*wires).conversations
    row = [by_time[start] for start in starts]
    earlier = (one for one in row if one.connection.first.time_ns < before * 10**9)
    assert CaptureOrder(row).first_before(before * 10**9) is next(earlier, None)
