"""Who must never be accused, whatever else is in the capture."""

from __future__ import annotations

import re

import ib_bytes
import pytest
from ib_bytes import BROKEN_HELLOS, READY, REPLY, START, TRAILING_HELLOS
from judging import findings, judge
from rule_wires import CASES, LONG, answered
from synthesise import CAPTURES
from wire import START_NS, Wire

from ibsniff.model import NANOSECONDS, Fault, Report
from ibsniff.regression import find_scenarios
from ibsniff.regression.running import options_of, report_on
from ibsniff.regression.scenario import Scenario

LATER = START_NS + 60 * NANOSECONDS
OPENINGS = BROKEN_HELLOS | TRAILING_HELLOS


def accused(report: Report) -> list[str]:
    return [finding.code for finding in findings(report) if finding.fault is Fault.CLIENT]


@pytest.mark.parametrize("name", TRAILING_HELLOS)
def test_bytes_that_were_answered_at_another_time_are_not_the_reason(name: str) -> None:
    raw = OPENINGS[name]
    served = Wire(start_ns=LATER, client_isn=7).connect().client(raw).server(REPLY).client(START).server(READY)
    report = judge(Wire().connect().client(raw).fin_client(after=4.0), served)
    assert not accused(report)
    assert "the same bytes were answered in c2" in report.conversations[0].summary


def test_a_start_that_was_served_at_another_time_is_not_the_reason() -> None:
    def begun(start_ns: int) -> Wire:
        return answered(Wire(start_ns=start_ns, client_isn=start_ns % 9_999), 203).client(START)

    assert accused(judge(begun(START_NS), watch=LONG)) == ["IBS212"]
    assert not accused(judge(begun(START_NS), begun(LATER).server(ib_bytes.ready(203)), watch=LONG))


@pytest.mark.parametrize("ends", [("127.0.0.1:51000", "127.0.0.1:7497"), ("172.24.46.63:51000", "172.24.32.1:7497")])
@pytest.mark.parametrize("name", BROKEN_HELLOS)
@pytest.mark.parametrize("end", ["fin_client", "fin_server", "rst_server"])
def test_settings_are_not_accused_when_the_hello_was_broken(name: str, ends: tuple[str, str], end: str) -> None:
    wire = Wire(*ends).connect().client(BROKEN_HELLOS[name]).wait(4.0 if end == "fin_client" else 0.01)
    report = judge(getattr(wire, end)())
    assert all(finding.fault is not Fault.TWS_CONFIG for finding in findings(report))


@pytest.mark.parametrize("name", CASES)
def test_a_verdict_is_not_surer_than_the_finding_it_rests_on(name: str) -> None:
    report = judge(CASES[name].wire, watch=CASES[name].watch)
    if report.verdict is None or report.verdict.code is None:
        return
    grounds = [finding.confidence for finding in findings(report) if finding.code == report.verdict.code]
    assert report.verdict.confidence in grounds


ABOUT_TWS = re.compile(r"restart|Trusted IPs|accept(s)? (the|a) dialog|click Yes", re.IGNORECASE)
"""What only somebody in front of TWS can do: no advice for a network that loses packets, or a relay that closes."""


def advice_about_tws(report: Report) -> list[str]:
    return [
        f"{finding.code}: {finding.remedy}"
        for finding in findings(report)
        if finding.fault in (Fault.NETWORK, Fault.CLIENT) and ABOUT_TWS.search(finding.remedy)
    ]


@pytest.mark.parametrize("name", CASES)
def test_a_finding_about_the_network_or_the_program_does_not_end_in_advice_about_tws(name: str) -> None:
    assert not advice_about_tws(judge(CASES[name].wire, watch=CASES[name].watch))


@pytest.mark.parametrize("scenario", find_scenarios(CAPTURES), ids=lambda scenario: scenario.folder.name)
def test_no_scenario_gives_advice_about_tws_for_a_fault_of_somebody_else(scenario: Scenario) -> None:
    assert not advice_about_tws(report_on(scenario.capture, *options_of(scenario)))
