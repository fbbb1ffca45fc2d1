"""Durations, counts, dates and times of day have one form each."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibsniff.formatting import (
    age,
    counted,
    duration,
    elapsed,
    iso,
    seconds,
    seconds_between,
)
from ibsniff.model import NANOSECONDS, Moment

START_NS = 1_767_605_400 * NANOSECONDS
"""2026-01-05 09:30:00 UTC."""

A_CENTURY_NS = 100 * 366 * 86_400 * NANOSECONDS

FORM = re.compile(
    r"0 s|[1-9]\d{0,2} ns|[1-9]\d? µs|\d\.[1-9] ms|[1-9]\d{0,2} ms|[1-9]\d?(\.[1-9])? s|1[01]\d s"
    r"|[1-9]\d? min [0-5]\d s|[1-9]\d? h [0-5]\d min|[1-9]\d* d [012]\d h"
)

UNITS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


def read_back(text: str) -> float:
    words = text.split()
    return sum(float(number) * UNITS[unit] for number, unit in zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0, "0 s"),
        (-0.0, "0 s"),
        (0.000_000_000_4, "0 s"),
        (0.000_000_250, "250 ns"),
        (0.000_000_999, "999 ns"),
        (0.000_001, "1 µs"),
        (0.000_085, "85 µs"),
        (0.000_099_4, "99 µs"),
        (0.000_099_5, "0.1 ms"),
        (0.000_42, "0.4 ms"),
        (0.004, "4 ms"),
        (0.004_2, "4.2 ms"),
        (0.009_94, "9.9 ms"),
        (0.009_96, "10 ms"),
        (0.037_2, "37 ms"),
        (0.999_4, "999 ms"),
        (0.999_6, "1 s"),
        (2.1, "2.1 s"),
        (4.0, "4 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (59.96, "60 s"),
        (119.4, "119 s"),
        (119.6, "2 min 00 s"),
        (187, "3 min 07 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (28_860, "8 h 01 min"),
        (86_369, "23 h 59 min"),
        (86_399, "1 d 00 h"),
        (273_600, "3 d 04 h"),
        (-0.004, "-4 ms"),
        (-0.000_000_000_4, "0 s"),
        (-3599.999_9, "-1 h 00 min"),
    ],
)
def test_a_duration_is_as_precise_as_its_size_allows(length: float, text: str) -> None:
    assert duration(length) == text


@given(st.integers(0, A_CENTURY_NS).map(seconds))
def test_a_duration_has_one_of_a_few_forms(length: float) -> None:
    assert FORM.fullmatch(duration(length))


@given(st.integers(1, A_CENTURY_NS).map(seconds))
def test_a_negative_duration_is_a_minus_sign_and_the_positive_one(length: float) -> None:
    assert duration(-length) == f"-{duration(length)}"


@given(st.integers(1, A_CENTURY_NS).map(seconds))
def test_a_duration_is_rounded_by_a_twentieth_at_most_from_one_millisecond_on(length: float) -> None:
    assert read_back(duration(length)) == pytest.approx(length, rel=0.05 if length >= 0.001 else 0.34)


@given(st.integers(0, A_CENTURY_NS).map(seconds), st.integers(0, A_CENTURY_NS).map(seconds))
def test_a_longer_duration_never_reads_shorter(one: float, other: float) -> None:
    assert read_back(duration(min(one, other))) <= read_back(duration(max(one, other)))


@pytest.mark.parametrize("boundary", [1e-6, 1e-4, 1e-2, 1.0, 60.0, 120.0, 3600.0, 86_400.0])
@given(st.integers(-2_000, 2_000))
def test_a_duration_never_reads_shorter_across_the_boundary_of_a_unit(boundary: float, step: int) -> None:
    length = boundary * (1 + step / 10_000)
    assert read_back(duration(length)) <= read_back(duration(length + boundary / 10_000)) + 1e-15


def test_an_age_is_given_in_its_largest_unit() -> None:
    assert [age(length) for length in (-1, 0.9, 59.9, 60, 3599, 3600, 86_399, 400_000)] == [
        *("0 s", "0 s", "59 s", "1 min", "59 min", "1 h", "23 h", "4 d")
    ]


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 segments"), (1, "1 segment"), (2, "2 segments"), (1024, "1,024 segments")]
)
def test_a_count_agrees_with_its_noun(number: int, text: str) -> None:
    assert counted(number, "segment") == text


def test_the_time_between_packets_is_exact_and_may_be_negative() -> None:
    first, later = Moment(1, START_NS), Moment(2, START_NS + 1_234_567_891)
    assert seconds_between(first, later) == 1.234567891
    assert seconds_between(later, first) == -1.234567891
    assert (elapsed(first, later), elapsed(later, first)) == ("1.2 s", "-1.2 s")


def test_times_for_programs_are_utc() -> None:
    assert iso(START_NS + 123_456_789) == "2026-01-05T09:30:00.123456789Z"


@given(st.integers(0, 200 * A_CENTURY_NS // 100))
def test_a_time_survives_its_text_to_the_nanosecond(time_ns: int) -> None:
    whole, _, fraction = iso(time_ns).removesuffix("Z").partition(".")
    moment = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    assert round(moment.timestamp()) * NANOSECONDS + int(fraction) == time_ns


@pytest.mark.parametrize("time_ns", [2**63, 2**64 * 1000, -(2**63), -(2**70)])
def test_times_outside_of_any_calendar_do_not_raise(time_ns: int) -> None:
    assert iso(time_ns).startswith(("@", "1", "2"))
