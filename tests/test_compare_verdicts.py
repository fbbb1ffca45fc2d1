"""The tool that compares two versions tells changed words from a changed verdict, and reads what the tests exported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from compare_verdicts import Comparison, documents
from exporting import pcapng
from rule_wires import CASES

from ibsniff.capture.files import open_capture
from ibsniff.model import NANOSECONDS, InputFacts

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


def test_a_new_key_can_be_left_out() -> None:
    assert not list(Comparison({"tool", "outages"}).compare("x", DOCUMENT, {**DOCUMENT, "outages": [1]}))


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
    example, folder = tmp_path / "test_example.py", tmp_path / "exported"
    example.write_text(
        "from judging import Watch, judge\n"
        "from wire import Wire\n"
        "def test_one(): assert judge(Wire().connect())\n"
        "def test_the_same(): assert judge(Wire().connect())\n"
        "def test_another(): assert judge(Wire().syn(), watch=Watch(any_port=True, ended=7.5, dropped=3))\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "-p", "no:cacheprovider", "-c", os.devnull]
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    arguments = ["--rootdir", str(tmp_path), "--export-captures", str(folder), str(example)]
    subprocess.run([*command, *arguments], env=here, check=True, capture_output=True)
    assert len(list(folder.glob("default/*.pcapng"))) == 1
    (special,) = folder.glob("--port=any/*.pcapng")
    assert b"test_example.py::test_another" in special.read_bytes()
    with open_capture(str(special)) as source:
        (frame,) = source.frames()
        facts = source.record.facts()
    assert (facts.dropped, facts.watched_until_ns) == (3, frame.time_ns + 15 * NANOSECONDS // 2)
