"""Every recorded and synthetic case keeps its promise, and together they cover the rulebook."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import synthesise
from recording.scenarios import RECORDINGS

from ibsniff import regression
from ibsniff.analysis.api_traffic import Ports
from ibsniff.regression.accounts import accounts_in
from ibsniff.regression.creating import LARGEST
from ibsniff.render.text import mask_account
from ibsniff.rules import all_rules

SCENARIOS = regression.find_scenarios(synthesise.CAPTURES)
MADE = ("recorded: ", "synthetic: ", "captured: ")
"""By ``tests/record.py``; by ``tests/synthesise.py``, which says why not recorded; by a user in the field."""

HELD_ELSEWHERE = {"IBS011": "needs two thousand conversations: tests/rules/test_rulebook.py"}
"""Rules no scenario of a few KB can show."""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.folder.name)
def test_it_keeps_its_promise(scenario: regression.Scenario) -> None:
    result = regression.run(scenario)
    assert result.kept, "\n".join(result.difference())


def made(how: str) -> set[str]:
    return {scenario.folder.name for scenario in SCENARIOS if scenario.made.startswith(f"{how}: ")}


def test_what_was_recorded_or_synthesised_can_be_made_again_by_its_script() -> None:
    assert made("recorded") == set(RECORDINGS)
    assert made("synthetic") == set(synthesise.SCENARIOS)


def test_few_are_synthetic() -> None:
    assert 10 * len(made("synthetic")) < len(SCENARIOS)


def test_what_was_captured_says_which_client_and_which_tws() -> None:
    for name in made("captured"):
        (scenario,) = (scenario for scenario in SCENARIOS if scenario.folder.name == name)
        assert re.fullmatch(r"captured: \S.* against \S.*", scenario.made), scenario.folder


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.folder.name)
def test_what_every_scenario_owes(scenario: regression.Scenario) -> None:
    assert scenario.made.startswith(MADE)
    assert scenario.title
    assert scenario.promise.sha256, "ibsniff regress --update adds it"
    assert scenario.capture.stat().st_size <= LARGEST


def test_every_capture_has_a_promise() -> None:
    assert regression.find_captures_without_promise(synthesise.CAPTURES) == []


def test_every_rule_is_promised_by_a_scenario() -> None:
    promised = {code for scenario in SCENARIOS for code in scenario.promise.codes}
    assert {rule.code for rule in all_rules()} - promised == set(HELD_ELSEWHERE)


@pytest.mark.parametrize("name", synthesise.SCENARIOS)
def test_a_synthetic_capture_is_what_its_script_makes(name: str, tmp_path: Path) -> None:
    made = synthesise.write(name, tmp_path)
    assert made.read_bytes() == (synthesise.CAPTURES / name / made.name).read_bytes()


def test_no_capture_holds_an_account_that_is_no_stand_in() -> None:
    found = {}
    for scenario in SCENARIOS:
        report = regression.report_on(scenario.capture, Ports(any=True))
        found[scenario.folder.name] = [*map(mask_account, accounts_in(scenario.capture, report))]
    told = {name: accounts for name, accounts in found.items() if accounts}
    assert not told, "python tests/replace_accounts.py CAPTURE writes stand-ins over them"
