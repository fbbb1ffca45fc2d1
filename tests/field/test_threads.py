"""Seventy threads of the field: exactly these codes, this turn, these words, and never the wrong cure."""

from __future__ import annotations

import re

import pytest
from field.families import FAMILIES, THREADS
from field.thread import Meets, Thread, Unplayable, short, told
from judging import findings

from ibsniff.model import Confidence, Fault

PLAYED = {name: thread for name, thread in THREADS.items() if isinstance(thread, Thread)}
EACH = pytest.mark.parametrize("name", PLAYED)
SIZES = {"A": 10, "B": 5, "C": 11, "D": 19, "E": 12, "F": 13}
NEVER_ESTABLISHED = ("C8", "C9", "D11", "D17", "D18", "E4", "E5", "E6", "E7")


@EACH
def test_the_codes_and_the_turn_are_exactly_these(name: str) -> None:
    thread, report = PLAYED[name], PLAYED[name].report()
    assert report.verdict is not None
    assert (short(report), report.verdict.fault) == (thread.codes, thread.fault), told(report)


@EACH
def test_it_says_what_helps(name: str) -> None:
    text = told(PLAYED[name].report())
    for pattern in PLAYED[name].says:
        assert re.search(pattern, text), f"'{pattern}' is not in:\n{text}"


@EACH
def test_it_never_says_the_wrong_cure(name: str) -> None:
    text = told(PLAYED[name].report())
    for pattern in PLAYED[name].never:
        assert not re.search(pattern, text, re.IGNORECASE), f"'{pattern}' is in:\n{text}"


@pytest.mark.parametrize("name", [name for name, thread in PLAYED.items() if thread.meets is Meets.OPEN])
def test_what_was_never_established_is_not_claimed(name: str) -> None:
    report = PLAYED[name].report()
    assert report.verdict is not None
    assert report.verdict.confidence is not Confidence.HIGH
    assert report.verdict.fault in (Fault.UNDETERMINED, Fault.TWS_STATE), "a client or a setting would be a claim"
    assert "log" in told(report) or "not to be seen" in told(report) or "as a rule" in told(report)


@pytest.mark.parametrize("name", [name for name, thread in PLAYED.items() if thread.meets is Meets.NAMED])
def test_a_cause_that_is_only_named_stands_among_others(name: str) -> None:
    report = PLAYED[name].report()
    assert report.verdict is not None
    named = any(finding.alternatives for finding in findings(report))
    assert named or report.verdict.fault is Fault.UNDETERMINED


def test_the_open_cases_are_held_as_open() -> None:
    assert all(PLAYED[name].meets is Meets.OPEN for name in NEVER_ESTABLISHED)


def test_all_seventy_are_there() -> None:
    assert {family[0]: len(threads) for family, threads in FAMILIES.items()} == SIZES
    assert len(THREADS) == sum(SIZES.values()) == 70
    assert all(name[0] == family[0] for family, threads in FAMILIES.items() for name in threads)


def test_what_cannot_be_played_says_why() -> None:
    unplayed = {name: thread.reason for name, thread in THREADS.items() if isinstance(thread, Unplayable)}
    assert set(unplayed) == {"C11", "F11"}
    assert all(unplayed.values())
