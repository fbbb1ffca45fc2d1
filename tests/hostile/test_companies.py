"""The report over four times as many conversations is four times the work at most, whatever they are to each other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from companies import COMPANIES  # noqa: E402  (the path comes first)
from table import GROWTH  # noqa: E402

LINEAR = 1.125 * GROWTH
"""What is sorted takes a little more than four times the work; a square would be 16."""

REACHED = {
    "sessions and refusals": {"IBS102"},
    "sessions ended and others hung up on later": {"IBS305", "IBS405"},
    "served at once and silent later": {"IBS302", "IBS503"},
    "many wait for one": {"IBS313", "IBS502"},
    "one client id again and again": {"IBS311"},
    "client ids refused": {"IBS310"},
    "broken hellos beside answered ones": {"IBS204"},
    "start api in a wrong form beside sessions": {"IBS212"},
    "relays": {"IBS501"},
}
"""What shows that a company is the one it is meant to be."""


@pytest.fixture(scope="module")
def grown() -> dict[str, dict[str, Any]]:
    """All companies, measured in a process of their own: there nobody's tracing is disturbed."""
    command = [sys.executable, str(HERE / "companies.py"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = map(json.loads, done.stdout.splitlines())
    return {row["company"]: row for row in rows}


@pytest.mark.parametrize("name", COMPANIES)
def test_the_work_of_a_report_grows_with_the_conversations(name: str, grown: dict[str, dict[str, Any]]) -> None:
    found = grown[name]
    few, many = found["conversations"]
    assert many >= 0.95 * GROWTH * few, found
    small, large = found["work"]
    assert large <= LINEAR * small, found
    assert REACHED.get(name, set()) <= set(found["said"]), found["said"]
