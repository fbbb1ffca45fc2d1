"""Every scenario with its report, read once for all that is written from them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from ibsniff import regression
from ibsniff.model import Report

CAPTURES = Path(__file__).parents[2] / "captures"


class Case(NamedTuple):
    scenario: regression.Scenario
    report: Report

    @property
    def name(self) -> str:
        return self.scenario.folder.name


@cache
def cases() -> tuple[Case, ...]:
    """In the order of their names."""
    return tuple(
        Case(scenario, regression.report_on(scenario.capture, *regression.options_of(scenario)))
        for scenario in regression.find_scenarios(CAPTURES)
    )
