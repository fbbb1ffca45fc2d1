"""Our counters and tshark's analysis, over every packet of the foreign captures."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from corpus import capture_files, needs_corpus
from tcp_oracle import REASONS, compare

import ibsniff.tcp
from ibsniff.model import UserError

README = Path(ibsniff.tcp.__file__).parent / "README.md"

pytestmark = [
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed"),
    needs_corpus,
]


def told() -> dict[str, int]:
    """The README's counts of the foreign captures."""
    return {name: int(count) for name, count in re.findall(r"^\| ([^|]+) \| (\d+) \| \d+ \|", README.read_text(), re.M)}


def test_every_difference_has_a_reason_and_the_readme_counts_them() -> None:
    agreed, explained, unexplained = Counter[str](), Counter[str](), []
    for path in capture_files():
        try:
            same, why, rest = compare(path)
        except UserError:
            continue
        agreed += same
        explained += why
        unexplained += [(path.name, *each) for each in rest]
    assert unexplained == []
    assert set(explained) == set(REASONS), "a reason that explains nothing any more"
    counts = {f"same: {name}": count for name, count in agreed.items()} | explained
    if "4.0." in subprocess.run(["tshark", "--version"], capture_output=True, text=True, check=True).stdout:
        assert counts == {name: count for name, count in told().items() if count}
