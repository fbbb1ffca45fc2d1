"""A TWS that answered nothing for some time and then went on is not called in order without a word."""

from __future__ import annotations

import pytest
from field.thread import session
from ib_bytes import READY
from judging import Watch, judge
from rule_wires import started, text
from wire import Wire

from ibsniff.model import Confidence, Fault

ASK, TIME = text("49", "1"), text("49", "1", "1790000000")
ASK_IDS, IDS = text("8", "1", "1"), text("9", "1", "5")
WATCH = Watch(ended=1.0)


def concluded(wire: Wire) -> tuple[Confidence, str]:
    """How sure the verdict is, and what it says behind the server version. It is never that somebody must act."""
    verdict = judge(wire, watch=WATCH).verdict
    assert verdict is not None
    assert verdict.fault is Fault.NONE
    return verdict.confidence, verdict.summary.partition("(server version 178).")[2]


def polling(*pauses: float, answers: int = 1) -> Wire:
    """The time is asked for after each of these pauses but the last, and after that one it is answered."""
    wire = session(Wire()).client(ASK, after=1.0).server(TIME, after=0.01)
    for pause in pauses[:-1]:
        wire.client(ASK, after=pause)
    return wire.server(TIME * answers, after=pauses[-1]).client(ASK, after=20.0).server(TIME, after=0.01)


@pytest.mark.parametrize(("ask", "answer", "name"), [(ASK, TIME, "REQ_CURRENT_TIME"), (ASK_IDS, IDS, "REQ_IDS")])
def test_a_question_that_was_answered_after_a_minute(ask: bytes, answer: bytes, name: str) -> None:
    wire = session(Wire()).client(ask, after=10.0).server(answer, after=95.0).client(ask, after=20.0)
    confidence, told = concluded(wire.server(answer, after=0.01))
    assert confidence is Confidence.MEDIUM
    assert told.startswith(f" TWS left {name} unanswered for 95 s, from ")
    assert told.endswith(" on, and then went on: what held it up, the packets do not show.")


def test_questions_asked_again_and_again_count_from_the_first() -> None:
    confidence, told = concluded(polling(*[10.0] * 9, 5.0, answers=9))
    assert confidence is Confidence.MEDIUM
    assert "unanswered for 85 s" in told


def test_the_longest_of_several_hangs_is_told() -> None:
    wire = session(Wire())
    for pause in (40.0, 95.0, 60.0):
        wire.client(ASK, after=20.0).server(TIME, after=pause)
    assert "unanswered for 95 s" in concluded(wire)[1]


def test_a_busy_tws_is_no_hang() -> None:
    assert concluded(polling(20.0, 25.0)) == (Confidence.HIGH, "")


def test_a_request_for_the_time_that_was_dropped_is_no_hang() -> None:
    """The second came 0.3 s after another one, and TWS leaves it unanswered; the next is answered at once."""
    assert concluded(polling(60.0, 0.3, 60.0, 0.01)) == (Confidence.HIGH, "")
    assert concluded(polling(0.3, 60.0, 0.01)) == (Confidence.HIGH, "")


def test_a_question_that_was_lost_on_the_way_is_no_hang() -> None:
    wire = (
        session(Wire()).client(ASK, after=10.0, ack=False).again(after=20.0).again(after=20.0).server(TIME, after=20.0)
    )
    assert concluded(wire) == (Confidence.HIGH, "")


def test_an_answer_that_the_capture_lost_is_no_hang() -> None:
    wire = session(Wire()).client(ASK, after=10.0).lose().server(TIME, ack=False).server(IDS, after=1.0)
    told = concluded(wire.client(ASK, after=60.0).server(TIME, after=0.01))[1]
    assert "unanswered" not in told


def test_a_slow_start_is_no_hang() -> None:
    """What is asked before the session is ready waits for it."""
    slow = started(Wire()).client(ASK).server(READY, after=60.0).server(TIME, after=0.1)
    assert "unanswered" not in concluded(slow)[1]
