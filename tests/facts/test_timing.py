"""A clock that steps back makes a time negative: that is no short time, and a reason to blame nobody."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from field.thread import told
from ib_bytes import HELLO, READY, REPLY, START, text
from judging import codes, findings, judge, only
from rule_wires import answered, local, remote, session
from wire import Wire

from ibsniff.facts.timing import clock_stepped_back, is_within, waited_long_enough
from ibsniff.model import Confidence, Fault, Moment, Side

AN_HOUR_BACK = -3600.0
CURRENT_TIME = text(178, 49, 1)
NEGATIVE = re.compile(r"(?<![\w.-])-\d[\d,.]* ?(ns|µs|ms|s|min|h|d)\b")

STEPS: dict[str, Callable[[Wire, float], Wire]] = {
    "hello, client closes": lambda wire, after: wire.connect().client(HELLO).fin_client(after=after),
    "hello, client resets": lambda wire, after: wire.connect().client(HELLO).rst_client(after=after),
    "hello, server closes": lambda wire, after: wire.connect().client(HELLO).fin_server(after=after),
    "half a hello, server closes": lambda wire, after: wire.connect().client(HELLO[:6]).fin_server(after=after),
    "nothing, server closes": lambda wire, after: wire.connect().fin_server(after=after),
    "reply, server closes": lambda wire, after: answered(wire).fin_server(after=after),
    "request, server closes": lambda wire, after: session(wire).client(CURRENT_TIME).fin_server(after=after),
}
"""What comes before the clock steps back and what after it."""


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("make", [local, remote, lambda: remote(4004)], ids=["local", "remote", "relay's port"])
def test_a_negative_time_blames_nobody_and_is_not_printed(make: Callable[[], Wire], name: str) -> None:
    report = judge(STEPS[name](make(), AN_HOUR_BACK))
    (conversation,) = report.conversations
    assert conversation.fault is Fault.UNDETERMINED, conversation.summary
    for finding in findings(report):
        assert not NEGATIVE.search(finding.summary), finding.summary


def test_a_server_that_ends_a_quiet_session_is_named_whatever_the_clock_does() -> None:
    """That rests on its FIN, and on no time."""
    conversation = only(session(local()).fin_server(after=AN_HOUR_BACK))
    assert conversation.fault is Fault.TWS_STATE
    assert "worked for an unknown time" in conversation.summary


def test_no_early_close_is_reported_when_the_clock_stepped_back() -> None:
    known, unknown = (only(local().connect().client(HELLO).fin_client(after=wait)) for wait in (0.1, AN_HOUR_BACK))
    assert known.cause is not None
    assert unknown.cause is not None
    assert (known.cause.code, unknown.cause.code) == ("IBS214", "IBS214")
    assert "too early" in known.cause.summary
    assert "timeout" in known.cause.remedy
    assert "clock stepped back" in unknown.cause.summary
    assert "timeout" not in unknown.cause.summary + unknown.cause.remedy
    assert (unknown.fault, unknown.confidence) == (Fault.UNDETERMINED, Confidence.LOW)


def test_a_wait_that_is_not_known_is_neither_short_nor_long() -> None:
    for wait, enough in ((0.1, False), (4.0, True), (AN_HOUR_BACK, False)):
        assert waited_long_enough(only(local().connect().client(HELLO).fin_client(after=wait))) is enough
    assert waited_long_enough(only(local().connect().client(HELLO))), "the client has not given up"
    assert not re.search("hangs|dialog", told(judge(remote().connect().client(HELLO).fin_client(after=AN_HOUR_BACK))))


def test_less_than_holds_only_for_known_times() -> None:
    early, late = Moment(1, 10**18), Moment(2, 10**18 + 5 * 10**8)
    assert is_within(early, late, 1.0)
    assert not is_within(early, late, 0.5)
    assert not is_within(Moment(1, 10**18), Moment(2, 10**18 - 1), 1.0)
    assert is_within(late, early, 0.1), "what stands before the other in the capture did not come later"
    assert clock_stepped_back(Moment(1, 10**18), Moment(2, 10**18 - 1))
    assert not clock_stepped_back(late, early), "the first of these came later in the capture: its time is in order"


RTT = 2.0


def far_away(*, handshake: bool = True, lost: bool = False) -> Wire:
    """A server two seconds away; its kernel's ACK comes with the answer, or is lost in the capture."""
    wire = remote().syn().syn_ack(after=RTT).ack().client(HELLO, ack=False)
    wire.ack(Side.SERVER, after=RTT) if not lost else wire.wait(RTT)
    wire.server(REPLY).client(START, ack=False).ack(Side.SERVER, after=RTT).server(READY)
    return wire if handshake else wire.from_packet(4)


@pytest.mark.parametrize("handshake", [True, False])
@pytest.mark.parametrize("lost", [True, False])
def test_the_way_to_a_far_server_is_not_its_delay(handshake: bool, lost: bool) -> None:
    assert only(far_away(handshake=handshake, lost=lost)).findings == ()


@pytest.mark.parametrize("handshake", [True, False])
def test_a_late_answer_is_told_from_the_way(handshake: bool) -> None:
    wire = remote().connect().client(HELLO).wait(2.0).server(REPLY).client(START).server(READY)
    assert "IBS313" in codes(judge(wire if handshake else wire.from_packet(4)))
