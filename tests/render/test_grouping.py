from __future__ import annotations

import pytest
from render.build import START_NS, many, ready, refused, silent

from ibsniff.model import NANOSECONDS
from ibsniff.render.grouping import fold, rhythm


def test_the_same_story_is_one_row() -> None:
    silence, answer = fold(many(300, seconds=60).conversations)
    assert (silence.count, silence.first.id, silence.newest.id, silence.interval) == (300, "c1", "c300", 60)
    assert (answer.count, answer.first, answer.interval) == (1, answer.newest, None)


def test_other_outcomes_and_other_clients_stay_apart() -> None:
    elsewhere = silent(id="c9", input=1)
    assert [each.count for each in fold([silent(), refused(id="c2"), ready(id="c3"), elsewhere])] == [1, 1, 1, 1]


def test_the_order_of_arrival_does_not_matter() -> None:
    talks = many(20).conversations
    assert fold(reversed(talks)) == fold(talks)


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
def test_a_rhythm_is_what_most_intervals_keep(starts: list[int], interval: float | None) -> None:
    found = rhythm([START_NS + start * NANOSECONDS for start in starts])
    assert found == (interval and pytest.approx(interval, rel=0.05))
