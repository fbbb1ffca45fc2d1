from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibsniff.tcp.sequence import advance, difference

NUMBERS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (5, 3, 2),
        (3, 5, -2),
        (2, 2**32 - 3, 5),
        (2**32 - 3, 2, -5),
        (2**31 - 1, 0, 2**31 - 1),
        (2**31, 0, -(2**31)),
    ],
)
def test_the_shorter_way_round(left: int, right: int, expected: int) -> None:
    assert difference(left, right) == expected


@given(NUMBERS, st.integers(-(2**31), 2**31 - 1))
def test_difference_undoes_advance(start: int, count: int) -> None:
    assert difference(advance(start, count), start) == count
