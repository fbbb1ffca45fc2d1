"""The reports on all scenarios, for tests of what every form of output shares."""

from __future__ import annotations

from functools import cache

import synthesise

from ibsniff import regression
from ibsniff.model import Conversation, Report
from ibsniff.regression.running import options_of, report_on


def scenario_names() -> list[str]:
    """The names alone, for tests of each: pytest asks for them when it collects, in every process."""
    return [one.folder.name for one in regression.find_scenarios(synthesise.CAPTURES)]


@cache
def scenario_reports() -> dict[str, Report]:
    """By the name of the scenario."""
    found = regression.find_scenarios(synthesise.CAPTURES)
    return {one.folder.name: report_on(one.capture, *options_of(one)) for one in found}


def report_of(name: str) -> Report:
    return scenario_reports()[name]


def conversation_of(name: str, number: int = 1) -> Conversation:
    return report_of(name).conversations[number - 1]
