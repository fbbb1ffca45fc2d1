"""Recorded cases as tests: scenarios, the promises they make, and how a new one is begun."""

from ibsniff.regression.creating import Created, create
from ibsniff.regression.running import Result, junit, options_of, promise_of, report_on, run, update
from ibsniff.regression.scenario import (
    SCENARIO,
    Promise,
    Scenario,
    find_captures_without_promise,
    find_scenarios,
    how_to_promise,
    load_scenario,
)

__all__ = [
    "SCENARIO",
    "Created",
    "Promise",
    "Result",
    "Scenario",
    "create",
    "find_captures_without_promise",
    "find_scenarios",
    "how_to_promise",
    "junit",
    "load_scenario",
    "options_of",
    "promise_of",
    "report_on",
    "run",
    "update",
]
