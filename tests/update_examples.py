"""``python tests/update_examples.py`` writes ``ibsniff/rules/examples.json``: for each code, what it says of a scenario.

The plainest scenario is chosen: one that promises the fewest codes, recorded before synthetic.
"""

from __future__ import annotations

import json
from pathlib import Path

from synthesise import CAPTURES

from ibsniff import regress
from ibsniff.reading import read_files
from ibsniff.rules import registry

EXAMPLES = Path(registry.__file__).with_name("examples.json")


def plainness(scenario: regress.Scenario) -> tuple[int, bool, bool, str]:
    name = scenario.folder.name
    return len(scenario.promise.codes), "relay" in name, not scenario.made.startswith("recorded"), name


def said_of(scenario: regress.Scenario) -> dict[str, str]:
    """Code -> the sentence it says of this scenario."""
    ports, watched = regress.options_of(scenario)
    report = read_files([str(scenario.capture)], ports, watched).report
    findings = [*report.findings, *(finding for one in report.conversations for finding in one.findings)]
    return {finding.code: finding.summary for finding in reversed(findings)}


def examples() -> dict[str, dict[str, str]]:
    """What ``explain`` shows."""
    chosen: dict[str, dict[str, str]] = {}
    for scenario in sorted(regress.find_scenarios(CAPTURES), key=plainness):
        for code, summary in said_of(scenario).items():
            chosen.setdefault(code, {"scenario": scenario.folder.name, "said": summary})
    return dict(sorted(chosen.items()))


if __name__ == "__main__":
    EXAMPLES.write_text(json.dumps(examples(), indent=1, ensure_ascii=False) + "\n", "utf-8")
