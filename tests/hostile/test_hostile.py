"""Four times as much of anything hostile is four times the work at most, in memory that does not grow; and it is said.

``python tests/hostile/table.py`` prints the figures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from shapes import SHAPES
from table import GROWTH, HERE

LINEAR = 1.125 * GROWTH
"""Set-up costs pull the ratio below 4, bounds that are reached between n and 4n push it above: a square would be 16."""
FLAT_MEGABYTES = 20.0
"""What four times the input may take more: bounds differ, and some are reached only far beyond these sizes."""


@pytest.fixture(scope="module")
def table() -> dict[str, dict[str, Any]]:
    """All shapes, measured in a process of their own: there nothing else is counted, and nobody's tracing disturbed."""
    command = [sys.executable, str(HERE / "table.py"), "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = map(json.loads, done.stdout.splitlines())
    return {row["shape"]: row for row in rows}


@pytest.mark.parametrize("name", SHAPES)
def test_work_grows_with_the_input_and_memory_does_not(name: str, table: dict[str, dict[str, Any]]) -> None:
    found = table[name]
    small, large = found["work"]
    assert large <= LINEAR * small, found
    less, more = found["megabytes"]
    assert more <= less + FLAT_MEGABYTES, found
    assert any(SHAPES[name].says in said for said in found["said"]) or not SHAPES[name].says, found["said"]
