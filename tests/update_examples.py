"""``python tests/update_examples.py`` writes ``ibsniff/rules/examples.json``: for each code, what it says of a scenario.

The plainest scenario is chosen: one that promises the fewest codes, recorded before synthetic.
"""

from __future__ import annotations

import json
from pathlib import Path

from synthesise import CAPTURES

from ibsniff import regression
from ibsniff.analysis.reading import read_files
from ibsniff.model import Report
from ibsniff.rules import registry

EXAMPLES = Path(registry.__file__).with_name("examples.json")


def plainness(scenario: regression.Scenario, report: Report) -> tuple[int, bool, bool, int, str]:
    """Sort key."""
    name, is_recorded = scenario.folder.name, scenario.made.startswith("recorded")
    return len(scenario.promise.codes), "relay" in name, not is_recorded, len(report.conversations), name


def said_in(report: Report) -> dict[str, str]:
    """Code -> the sentence it says."""
    findings = [*report.findings, *(finding for one in report.conversations for finding in one.findings)]
    return {finding.code: finding.summary for finding in reversed(findings)}


def examples() -> dict[str, dict[str, str]]:
    """What ``explain`` shows."""
    reports = [
        (scenario, read_files([str(scenario.capture)], *regression.options_of(scenario)).report)
        for scenario in regression.find_scenarios(CAPTURES)
    ]
    chosen: dict[str, dict[str, str]] = {}
    for scenario, report in sorted(reports, key=lambda read: plainness(*read)):
        for code, summary in said_in(report).items():
            chosen.setdefault(code, {"scenario": scenario.folder.name, "said": summary})
    return dict(sorted(chosen.items()))


if __name__ == "__main__":
    EXAMPLES.write_text(json.dumps(examples(), indent=1, ensure_ascii=False) + "\n", "utf-8")
