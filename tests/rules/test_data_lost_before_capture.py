"""Error 1101 in a session whose subscriptions were made before the capture began; and a client that stops reading twice."""

from __future__ import annotations

import pytest
from field.accusing import ASK
from field.thread import session
from judging import Watch, findings, judge
from rule_wires import asked, later, said, ticking
from wire import Wire

from ibsniff.model import Confidence, Fault, Severity

CUT_OFF, LOST, KEPT = said(1100, "lost"), said(1101, "restored - data lost"), said(1102, "restored - data maintained")
LONG = Watch(ended=60.0)
JOINED = 16
"""The packet of a session with two subscriptions with which their ticks begin."""


def subscribed() -> Wire:
    wire = session(Wire()).client(asked("REQ_MKT_DATA", 1)).client(asked("REQ_MKT_DATA", 2))
    return ticking(wire, 1, 2)


def cut_off(wire: Wire, back: bytes = LOST) -> Wire:
    return wire.server(CUT_OFF, after=5.0).server(back, after=20.0)


def told(*wires: Wire, watch: Watch = LONG) -> list[str]:
    """The warnings about lost subscriptions."""
    return [found.summary for found in findings(judge(*wires, watch=watch)) if found.code == "IBS423"]


def test_a_joined_session_that_subscribes_to_nothing_after_1101_is_a_guess() -> None:
    report = judge(cut_off(subscribed()).from_packet(JOINED), watch=LONG)
    (found,) = (one for one in findings(report) if one.code == "IBS423")
    assert (found.severity, found.fault, found.confidence) == (Severity.WARNING, Fault.CLIENT, Confidence.LOW)
    assert "within 60 s the client made none again" in found.summary
    assert report.verdict is not None
    assert report.verdict.code == "IBS423"


LAWFUL = {
    "made again": lambda: cut_off(subscribed()).client(asked("REQ_MKT_DATA", 3)),
    "kept": lambda: cut_off(subscribed(), KEPT),
    "no data before": lambda: cut_off(session(Wire()).client(ASK).client(ASK).ack()),
    "lost again": lambda: cut_off(subscribed()).server(CUT_OFF, after=5.0),
}


@pytest.mark.parametrize("why", LAWFUL)
def test_a_joined_session_is_not_accused(why: str) -> None:
    assert told(LAWFUL[why]().from_packet(JOINED)) == []


def test_a_joined_session_is_given_time_and_may_be_replaced() -> None:
    joined = cut_off(subscribed()).from_packet(JOINED)
    assert told(joined, watch=Watch(ended=5.0)) == []
    anew = session(later(200)).client(asked("REQ_MKT_DATA", 1))
    assert told(joined, anew, watch=Watch(ended=1.0)) == []


def test_a_client_that_stopped_reading_twice_is_told_so() -> None:
    once = session(Wire()).ack(window=0)
    (found,) = findings(judge(once, watch=LONG))
    assert "It had stopped before" not in found.summary
    twice = session(Wire()).ack(window=0).ack(after=17.0).wait(13.0).ack(window=0)
    (found,) = findings(judge(twice, watch=LONG))
    assert "It had stopped before: the first time 30 s earlier" in found.summary
    assert len(found.evidence) == 2
