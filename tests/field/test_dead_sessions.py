"""Sessions that died after they were ready, and beside each the lawful silence that looks nearly like it."""

from __future__ import annotations

import pytest
from field.accusing import accused
from field.thread import short
from judging import Watch, judge
from rule_wires import local, session, text
from wire import Wire

from ibsniff.model import Confidence, Fault

CLOCK, TOLD = text("49", "1"), text("49", "1", "1790000000")
LONG = Watch(ended=20.0)


def polls(wire: Wire, pauses: list[float], *, every: int = 1) -> Wire:
    """Requests for the time after these pauses, of which each so-manieth is answered (0: none)."""
    for number, pause in enumerate(pauses):
        wire.client(CLOCK, after=pause)
        if every and number % every == 0:
            wire.server(TOLD)
    return wire


def gravity(wire: Wire, watch: Watch = LONG) -> tuple[Fault, Confidence]:
    (conversation,) = judge(wire, watch=watch).conversations
    return conversation.fault, conversation.confidence


# -- requests for the time ------------------------------------------------------------------------------------------------

BEFORE = {
    "a pause of ten minutes": [4.0] * 10 + [600.0] + [4.0] * 9,
    "polls every 20 s": [20.0] * 5,
    "a single one": [4.0],
}


@pytest.mark.parametrize("before", BEFORE)
def test_a_row_that_goes_on_for_long_is_no_limit_whatever_the_pace_before(before: str) -> None:
    wire = polls(polls(session(local()), BEFORE[before]), [4.0] * 5, every=0)
    assert gravity(wire) == (Fault.TWS_STATE, Confidence.MEDIUM)


@pytest.mark.parametrize("row", [1, 2])
def test_one_or_two_requests_soon_after_another_are_lawfully_dropped(row: int) -> None:
    wire = polls(polls(session(local()), BEFORE["a pause of ten minutes"]), [3.0] * row, every=0)
    assert accused(judge(wire, watch=Watch(ended=60.0))) == {}


@pytest.mark.parametrize("every", [2, 5])
def test_where_some_polls_are_answered_a_minute_without_any_is_no_limit(every: int) -> None:
    limited = polls(session(local()), [1.0] * 40, every=every)
    assert accused(judge(limited, watch=Watch(ended=60.0))) == {}
    assert gravity(polls(limited, [1.0] * 60, every=0)) == (Fault.TWS_STATE, Confidence.MEDIUM)


def test_polls_that_became_much_quicker_may_all_be_dropped() -> None:
    """A limit that counts from the latest request drops all of them: only a guess."""
    wire = polls(polls(session(local()), [20.0] * 5), [0.4] * 40, every=0)
    assert gravity(wire) == (Fault.TWS_STATE, Confidence.LOW)
    assert short(judge(wire, watch=LONG)) == "409"


def test_any_number_of_open_requests_does_not_hide_that_nothing_is_answered() -> None:
    """Market data of which nothing comes is lawful; what shows whether TWS is alive is followed all the same."""
    wire = polls(session(local()), [4.0] * 3)
    wire.client(b"".join(text("1", "11", str(number), *[""] * 16) for number in range(1_100)), after=1.0)
    alive = polls(wire, [10.0] * 3)
    assert accused(judge(alive, watch=Watch(ended=4.0))) == {}
    assert accused(judge(polls(alive, [10.0] * 3, every=0), watch=LONG)) == {Fault.TWS_STATE: "IBS409"}
