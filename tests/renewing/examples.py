"""``ibsniff/rules/examples.json``: for each code, what ``explain`` shows of a scenario.

The plainest scenario is chosen: one that promises the fewest codes, recorded before synthetic.
"""

from __future__ import annotations

import json

from renewing.cases import Case, cases

from ibsniff.model import Report


def examples() -> str:
    """The file's content."""
    chosen: dict[str, dict[str, str]] = {}
    for case in sorted(cases(), key=plainness):
        for code, summary in summaries(case.report).items():
            chosen.setdefault(code, {"scenario": case.name, "summary": summary})
    return json.dumps(dict(sorted(chosen.items())), indent=1, ensure_ascii=False) + "\n"


def plainness(case: Case) -> tuple[int, bool, bool, int, str]:
    """Sort key."""
    is_synthetic = case.scenario.made.startswith("synthetic")
    codes = len(case.scenario.promise.codes)
    return codes, "relay" in case.name, is_synthetic, len(case.report.conversations), case.name


def summaries(report: Report) -> dict[str, str]:
    """Code -> the summary of its first finding."""
    findings = [*report.findings, *(finding for one in report.conversations for finding in one.findings)]
    return {finding.code: finding.summary for finding in reversed(findings)}
