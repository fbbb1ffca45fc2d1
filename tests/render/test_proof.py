"""The proof of a problem: every packet that its finding cites is shown, in every form of output, with what it shows."""

from __future__ import annotations

import pytest
from corpus import capture_files, needs_corpus
from render.build import at, finding, report, shown, silent, with_evidence
from render.scenarios import scenario_names, scenario_reports
from render.whole_proof import what_is_missing

from ibsniff.analysis.api_traffic import Ports
from ibsniff.analysis.reading import read_files
from ibsniff.model import NANOSECONDS, Evidence, Side
from ibsniff.render import terminal
from ibsniff.render.proof import MIN_ALIKE, proof_of

EVERY_PORT = Ports(frozenset(range(1, 65536)))
"""Whatever is spoken there, each connection is judged as if TWS were asked."""


@pytest.mark.parametrize("name", scenario_names())
def test_the_proof_of_every_scenario_is_whole(name: str) -> None:
    assert not list(what_is_missing(scenario_reports()[name]))


@needs_corpus
def test_the_proof_is_whole_in_captures_of_other_projects() -> None:
    incomplete = {}
    for path in capture_files():
        made = read_files([str(path)], EVERY_PORT).report
        if made.problems and (missing := list(what_is_missing(made))):
            incomplete[path.name] = missing[:3]
    assert not incomplete


def citing(*evidence: Evidence) -> list[tuple[int | None, str]]:
    cause = finding(packets=tuple(one.packet for one in evidence))._replace(evidence=evidence)
    return [(row.packet, row.what) for row in proof_of(cause, silent(), (), verbose=False).rows]


def resent(packet: int) -> Evidence:
    return Evidence(packet, at(packet, packet).time_ns, Side.CLIENT, "hello, sent again", "c1")


def test_packets_that_show_the_same_are_told_in_one_row_that_names_them_all() -> None:
    few = citing(*map(resent, range(4, 3 + MIN_ALIKE)))
    assert few == [(number, "hello, sent again") for number in range(4, 3 + MIN_ALIKE)]
    assert citing(*map(resent, range(4, 9))) == [
        (4, "hello, sent again"),
        (None, "4 more alike until then: #5, #6, #7, #8"),
    ]


def test_times_count_from_the_first_packet_that_is_shown() -> None:
    """Nobody reads a negative time."""
    talk = with_evidence(silent())
    before = Evidence(1, talk.connection.first.time_ns - NANOSECONDS, None, "the packet before", "c9")
    cause = finding(packets=(1,))._replace(evidence=(before,))
    proof = proof_of(cause, talk, (), verbose=False)
    assert (proof.zero, proof.since_zero(proof.rows[0])) == ("packet 1", "0 s")


def test_what_lies_hours_apart_has_the_time_of_day() -> None:
    talk = with_evidence(silent())
    later = Evidence(9, talk.connection.first.time_ns + 7200 * NANOSECONDS, None, "two hours later", "c1")
    cause = finding(packets=(9,), remedy="x")._replace(evidence=(*talk.findings[0].evidence, later))
    text = shown(terminal.renderable(report(talk._replace(cause=cause, findings=(cause,)))))
    assert "Proof   UTC; → to the server" in text
    assert "#9 01-05 11:30:00   two hours later" in text
