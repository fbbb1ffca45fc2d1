"""Every harness holds on its seeds, on what was found before, and for a few seconds of fuzzing. ``run.py`` goes on for long."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from found import FOUND
from harnesses import HARNESSES

SECONDS = 2


@pytest.mark.parametrize("name", HARNESSES)
def test_seeds(name: str) -> None:
    seeds = list(HARNESSES[name].seeds())
    assert len(seeds) > 3
    for seed in seeds:
        HARNESSES[name].target(seed)


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_stays_mended(name: str) -> None:
    harness, data = FOUND[name]
    HARNESSES[harness].target(data)


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed: pip install '.[fuzz]'")
@pytest.mark.parametrize("name", HARNESSES)
def test_a_few_seconds(name: str, tmp_path: Path) -> None:
    runner = str(Path(__file__).parent / "run.py")
    command = [sys.executable, runner, name, "--seconds", str(SECONDS), "--corpus", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
