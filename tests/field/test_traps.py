"""The traps: pairs that look alike and want opposite cures, and things that are not what they seem."""

from __future__ import annotations

import re

import pytest
from field.b_unanswered import FIREWALL_AS_CAUSE, full_queue
from field.families import THREADS
from field.thread import IB_ASYNC, Meets, Thread, call, short, silent, told
from judging import Watch, judge
from wire import Wire

from ibsniff.model import Confidence, Fault, Report


def thread(name: str) -> Thread:
    found = THREADS[name]
    assert isinstance(found, Thread)
    return found


def verdict(report: Report) -> str:
    assert report.verdict is not None
    return report.verdict.summary


@pytest.mark.parametrize("name", ["A1", "A5", "A6"])
def test_1_one_cause_on_two_legs_is_a_relay_to_look_behind(name: str) -> None:
    report = thread(name).report()
    assert report.verdict is not None
    assert report.verdict.code == "IBS501"
    assert re.search(
        "is a relay. It accepted the connection .c1. and connected to .*; that connection was refused .c2.",
        verdict(report),
    )


def test_2_the_same_words_of_the_client_and_opposite_cures() -> None:
    ends = ("192.168.1.30:50001", "192.168.1.5:7497")
    closed = judge(Wire(*ends).connect().client(IB_ASYNC).fin_server(after=0.004).fin_client())
    waiting = judge(silent(call(*ends), IB_ASYNC))
    for report in (closed, waiting):
        assert "ib_async, which sends a hello like this, reports TimeoutError" in told(report)
    assert "the server had closed the connection " in verdict(closed)
    assert "localhost only" in told(closed)
    assert "click Yes" not in told(closed)
    assert "click Yes" in told(waiting)
    assert "localhost only" not in told(waiting)


@pytest.mark.parametrize("name", ["B3", "B4"])
def test_3_an_unanswered_call_on_loopback_is_no_firewall(name: str) -> None:
    assert not re.search(FIREWALL_AS_CAUSE, told(thread(name).report()), re.IGNORECASE)
    assert re.search(FIREWALL_AS_CAUSE, told(thread("B2").report()), re.IGNORECASE)


@pytest.mark.parametrize(("every", "began"), [(60.0, "13:29:20"), (300.0, "10:33:20")])
def test_3_the_hang_is_dated_back_by_the_beat_of_the_probes(every: float, began: str) -> None:
    """Seven probes were captured, then a call went unanswered: fifty-one beats before, the queue began to fill."""
    report = judge(*full_queue(every, held=7), watch=Watch(ended=6.0))
    assert re.search(f"it began at about [0-9-]+ {began} UTC", told(report))


def test_4_what_tws_itself_calls_is_no_api() -> None:
    report = thread("D8").report()
    servers = {str(conversation.connection.server) for conversation in report.conversations}
    assert servers == {"127.0.0.1:4001"}


@pytest.mark.parametrize(("name", "address"), [("D2", "172.18.250.7"), ("D4", "172.18.250.7")])
def test_5_the_exact_address_to_add_is_printed(name: str, address: str) -> None:
    assert f"add {address} (this one address, no range)" in told(thread(name).report())


def test_5_an_ipv6_address_is_an_entry_of_its_own() -> None:
    report = judge(silent(call("[fe80::20]:50001", "[fe80::5]:7497")))
    assert "add fe80::20 (this IPv6 address, no range; an IPv4 entry does not cover it)" in told(report)


@pytest.mark.parametrize("name", ["E4", "E5", "E6", "E7", "C8", "C9", "D11", "D17", "D18"])
def test_6_open_cases_are_not_determined(name: str) -> None:
    """Where the packets show whose turn it is (D: TWS is silent to a good hello), the cause stays open all the same."""
    report = thread(name).report()
    assert report.verdict is not None
    assert thread(name).meets is Meets.OPEN
    assert report.verdict.fault is (Fault.TWS_STATE if name[0] == "D" else Fault.UNDETERMINED)
    assert report.verdict.confidence is (Confidence.MEDIUM if name[0] == "D" else Confidence.LOW)
    assert re.search("log|capture (inside|behind|on)", told(report), re.IGNORECASE)


@pytest.mark.parametrize(
    ("name", "came", "sent"), [("D7", "c1", "4 bytes"), ("D10", "c1", "nothing"), ("D11", "c1", "9")]
)
def test_7_the_first_connection_and_what_it_sent_are_named(name: str, came: str, sent: str) -> None:
    assert re.search(
        rf"Before them 127\.0\.0\.1:40000 \({came}\) connected and (said|sent) {sent}", verdict(thread(name).report())
    )


@pytest.mark.parametrize(("name", "since"), [("D6", "c2"), ("D8", "c3")])
def test_7_without_an_odd_one_it_is_said_since_when_and_that_it_worked_before(name: str, since: str) -> None:
    assert re.search(rf"in a row, from {since} on, .* was served before", verdict(thread(name).report()))


def test_8_a_session_that_is_acknowledged_and_mute() -> None:
    report = thread("F9").report()
    assert short(report) == "409"
    assert "TWS stopped answering" in verdict(report)
    assert "frozen or hangs" in verdict(report)
