"""Every packet that a finding cites is told: its time, its conversation, and what it shows. No accusation without a packet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import synthesise
from corpus import capture_files, needs_corpus
from ib_bytes import HELLO, READY, REPLY, START, error
from judging import judge
from rule_wires import CASES
from wire import Wire

from ibsniff import regression
from ibsniff.analysis.api_traffic import Ports
from ibsniff.masking.sentence import marked
from ibsniff.model import Evidence, Finding, Report, Severity, UserError
from ibsniff.regression.running import options_of
from ibsniff.rules.citations import UNKNOWN

SCENARIOS = regression.find_scenarios(synthesise.CAPTURES)

WITHOUT_PACKETS = {
    "IBS006": "the capture holds no packet of the API",
    "IBS016": "packets of a link type that is not read are counted, and not looked at",
}
"""Warnings that no packet can prove."""


def untold(report: Report) -> Iterator[str]:
    """What the law has to say of a report."""
    for where, finding in _findings(report):
        if tuple(one.packet for one in finding.evidence) != finding.packets:
            yield f"{finding.code} cites {finding.packets} and has evidence of {finding.evidence}"
        is_empty = report.inputs[finding.input].last_packet is None
        is_exempt = finding.severity is Severity.NOTE or is_empty or finding.code in WITHOUT_PACKETS
        if not finding.packets and not is_exempt:
            yield f"{finding.code} cites no packet"
        for one in finding.evidence:
            yield from _untold_packet(finding.code, one, where)


def _untold_packet(code: str, one: Evidence, conversation: str) -> Iterator[str]:
    if not one.what.strip() or UNKNOWN in one.what or code in one.what:
        yield f"{code} does not say what packet {one.packet} is: {one.what!r}"
    if one.time_ns is None:
        yield f"{code} does not say when packet {one.packet} came"
    about_the_capture = code.startswith("IBS0") and one.side is None
    if conversation and not one.conversation and not about_the_capture:
        yield f"{code} does not say to which conversation packet {one.packet} belongs"


def _findings(report: Report) -> Iterator[tuple[str, Finding]]:
    yield from (("c" if finding.conversations else "", finding) for finding in report.findings)
    yield from ((one.id, finding) for one in report.conversations for finding in one.findings)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.folder.name)
def test_a_scenario_tells_every_packet(scenario: regression.Scenario) -> None:
    assert list(untold(regression.report_on(scenario.capture, *options_of(scenario)))) == []


@pytest.mark.parametrize("name", CASES)
def test_a_case_of_the_rulebook_tells_every_packet(name: str) -> None:
    assert list(untold(judge(CASES[name].wire, watch=CASES[name].watch))) == []


@needs_corpus
def test_captures_of_other_projects_tell_every_packet() -> None:
    said = {path.name: list(untold(report)) for path, report in _corpus()}
    assert {name: lines for name, lines in said.items() if lines} == {}
    assert len(said) > 100


def _corpus() -> Iterator[tuple[Path, Report]]:
    for path in capture_files():
        try:
            yield path, regression.report_on(path, Ports(any=True))
        except UserError:
            continue  # not every file of the corpus is a capture


def test_the_law_bites() -> None:
    report = judge(CASES["nothing to cut"].wire)
    (conversation,) = report.conversations
    plain = Finding("IBS301", "", Severity.ERROR, conversation.fault, conversation.confidence, "", (4,))
    wrong = {
        "has evidence of": plain,
        "cites no packet": plain._replace(packets=()),
        "does not say what": plain._replace(evidence=(Evidence(4, 1, None, UNKNOWN, "c1"),)),
        "does not say when": plain._replace(evidence=(Evidence(4, None, None, "SYN", "c1"),)),
        "to which conversation": plain._replace(evidence=(Evidence(4, 1, None, "SYN"),)),
    }
    for words, finding in wrong.items():
        changed = report._replace(findings=(), conversations=(conversation._replace(findings=(finding,)),))
        assert any(words in line for line in untold(changed)), words


def test_what_the_wire_says_stays_between_marks() -> None:
    text = "Order rejected for account U1234567"
    wire = Wire().connect().client(HELLO).server(REPLY).client(START).server(READY).server(error(178, 100, text))
    proof = [one for _, finding in _findings(judge(wire)) for one in finding.evidence if "error 100" in one.what]
    assert proof
    assert all("U1234567" not in one.what and "U1234567" in marked(one.what) for one in proof)
