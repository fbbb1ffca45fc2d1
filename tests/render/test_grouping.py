from __future__ import annotations

import pytest
from render.build import START_NS, many, ready, refused, silent

from ibsniff.model import NANOSECONDS
from ibsniff.render.grouping import group_identical, regular_interval


def test_identical_conversations_are_one_group() -> None:
    silence, answer = group_identical(many(300, seconds=60).conversations)
    assert (silence.count, silence.first.id, silence.newest.id, silence.interval) == (300, "c1", "c300", 60)
    assert (answer.count, answer.first, answer.interval) == (1, answer.newest, None)


def test_different_outcomes_and_clients_are_different_groups() -> None:
    elsewhere = silent(id="c9", input=1)
    groups = group_identical([silent(), refused(id="c2"), ready(id="c3"), elsewhere])
    assert [each.count for each in groups] == [1, 1, 1, 1]


def test_the_order_of_arrival_does_not_matter() -> None:
    talks = many(20).conversations
    assert group_identical(reversed(talks)) == group_identical(talks)


@pytest.mark.parametrize(
    ("starts", "interval"),
    [
        ([0, 60, 120, 180], 60),
        ([0, 61, 119, 180, 1000, 1060, 1120, 1181], 60),
        ([0, 60, 120], None),
        ([0, 1, 3, 7, 15, 31], None),
        ([5, 5, 5, 5], None),
        ([], None),
    ],
)
def test_an_interval_is_regular_if_most_intervals_agree(starts: list[int], interval: float | None) -> None:
    found = regular_interval([START_NS + start * NANOSECONDS for start in starts])
    assert found == (interval and pytest.approx(interval, rel=0.05))
