"""The tool that compares two versions tells changed words from a changed verdict, and reads what the tests exported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from compare_verdicts import Comparison, documents
from exporting import pcapng
from rule_wires import CASES

from ibsniff.model import InputFacts

FINDING = {"code": "IBS301", "packets": [4, 6], "summary": "No answer for 4.0 s.", "remedy": "", "alternatives": []}
DOCUMENT = {"tool": {"version": "1"}, "inputs": [{"skipped": {"not TCP": 3}}], "findings": [FINDING]}


def compared(**changed: Any) -> tuple[list[str], Comparison]:
    comparison = Comparison()
    other = {**DOCUMENT, "findings": [{**FINDING, **changed}]}
    return list(comparison.compare("x.pcap", DOCUMENT, other)), comparison


@pytest.mark.parametrize(
    "changed",
    [
        {"code": "IBS302"},
        {"packets": [4]},
        {"packets": [4, 7]},
        {"remedy": "A sentence that was not there."},
        {"summary": ""},
        {"alternatives": [{"cause": "another", "how_to_tell": "look"}]},
        {"new key": None},
    ],
)
def test_a_changed_verdict_is_a_difference(changed: dict[str, Any]) -> None:
    lines, comparison = compared(**changed)
    assert len(lines) == 1
    assert lines[0].startswith(f"x.pcap: $.findings[0].{next(iter(changed))}")
    assert comparison.differing == 1


def test_other_words_are_listed_and_no_difference() -> None:
    lines, comparison = compared(summary="TWS sent nothing for 4.0 s.")
    assert lines == []
    assert list(comparison.sentences.values()) == [("No answer for 4.0 s.", "TWS sent nothing for 4.0 s.")]


def test_reasons_may_be_called_otherwise_and_count_the_same() -> None:
    for skipped, differs in (({"UDP and others": 3}, False), ({"not TCP": 4}, True), ({}, True)):
        lines = list(Comparison().compare("x", DOCUMENT, {**DOCUMENT, "inputs": [{"skipped": skipped}]}))
        assert bool(lines) is differs


def test_an_exported_capture_is_judged_as_in_the_test(tmp_path: Path) -> None:
    names = ["drops", "whole", "long enough", "truncated"]
    for name in names:
        case = CASES[name]
        frames = case.wire.frames()
        facts: InputFacts = case.watch.facts(frames)
        (tmp_path / f"{name}.pcapng").write_bytes(pcapng(frames, facts, "a test"))
    found = documents(Path(sys.executable), (), [tmp_path / f"{name}.pcapng" for name in names])
    told = [
        {finding["code"] for finding in [*one["findings"], *(f for c in one["conversations"] for f in c["findings"])]}
        for one in found
    ]
    assert told == [{f"IBS{code}" for code in CASES[name].codes.split()} for name in names]


def test_the_tests_write_their_captures_when_asked(tmp_path: Path) -> None:
    test = Path(__file__).parent / "rules" / "test_doubts.py"
    command = [sys.executable, "-m", "pytest", "-q", "--no-cov", "-p", "no:cacheprovider", str(test)]
    subprocess.run([*command, "--export-captures", str(tmp_path)], check=True, capture_output=True)
    assert len(list(tmp_path.glob("default/*.pcapng"))) > len(test.read_text("utf-8").split("\ndef test_")) // 2
