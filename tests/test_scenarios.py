"""Every recorded and synthetic case keeps its promise, and together they cover the rulebook."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import synthesise
import update_examples
from recording.scenarios import RECORDINGS

from ibsniff import regression
from ibsniff.rules import all_rules

SCENARIOS = regression.find_scenarios(synthesise.CAPTURES)
LARGEST = 64 * 1024
"""Bytes: a case is a few packets; one that is larger was not cut down to what it shows."""

HELD_ELSEWHERE = {"IBS011": "needs two thousand conversations: tests/test_pipeline.py"}
"""Rules no scenario of a few KB can show."""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.folder.name)
def test_it_keeps_its_promise(scenario: regression.Scenario) -> None:
    result = regression.run(scenario)
    assert result.kept, "\n".join(result.difference())


def test_all_are_recorded_but_those_that_say_why_not() -> None:
    recorded = {scenario.folder.name for scenario in SCENARIOS if scenario.made.startswith("recorded")}
    assert recorded == set(RECORDINGS)
    assert {scenario.folder.name for scenario in SCENARIOS} - recorded == set(synthesise.SCENARIOS)
    assert len(recorded) > 10 * len(synthesise.SCENARIOS)


def test_each_says_how_it_was_made_and_is_small() -> None:
    for scenario in SCENARIOS:
        assert scenario.made.startswith(("recorded: ", "synthetic: ")), scenario.folder
        assert scenario.title, scenario.folder
        assert scenario.capture.stat().st_size <= LARGEST, scenario.folder


def test_every_rule_is_promised_by_a_scenario() -> None:
    promised = {code for scenario in SCENARIOS for code in scenario.promise.codes}
    assert {rule.code for rule in all_rules()} - promised == set(HELD_ELSEWHERE)


def test_the_examples_of_explain_are_what_the_scenarios_say() -> None:
    assert json.loads(update_examples.EXAMPLES.read_text("utf-8")) == update_examples.examples()


@pytest.mark.parametrize("name", synthesise.SCENARIOS)
def test_a_synthetic_capture_is_what_its_script_makes(name: str, tmp_path: Path) -> None:
    made = synthesise.write(name, tmp_path)
    assert made.read_bytes() == (synthesise.CAPTURES / name / made.name).read_bytes()


def test_no_capture_holds_an_account_that_was_not_invented() -> None:
    invented = {b"DU1234567", b"DU7654321"}
    for scenario in SCENARIOS:
        found = set(re.findall(rb"\b[DFIU]{1,2}\d{5,9}\b", scenario.capture.read_bytes()))
        assert found <= invented, (scenario.folder, found)
