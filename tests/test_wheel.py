"""What is installed works without the checkout: the wheel, in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content, unpacked as pip would."""
    pytest.importorskip("hatchling", reason="hatchling is not installed: no wheel can be built")
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    build = [*pip, "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)], check=True)
    return target


def run(installed: Path, empty: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed), "COLUMNS": "80"}
    where = "import ibsniff, sys; assert ibsniff.__file__.startswith(sys.argv.pop(1)), ibsniff.__file__"
    script = f"{where}\nfrom ibsniff.cli import main\nmain()"
    command = [sys.executable, "-c", script, str(installed), *arguments]
    return subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True, check=False)


def test_scapy_comes_by_itself_only_where_nothing_else_captures(installed: Path) -> None:
    (metadata,) = distributions(path=[str(installed)])
    needed = [Requirement(text) for text in metadata.requires or ()]
    for platform, wanted in (("linux", False), ("darwin", True), ("win32", True)):
        environment = {"sys_platform": platform, "extra": ""}
        names = {each.name for each in needed if each.marker is None or each.marker.evaluate(environment)}
        assert ("scapy" in names) is wanted, platform
        assert {"typer", "rich", "numpy", "jinja2"} == names - {"scapy"}


def test_demo_shows_three_cases_with_three_causes(installed: Path, tmp_path: Path) -> None:
    result = run(installed, tmp_path, "demo")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("The client reports TimeoutError.") == 3
    for code in ("IBS301", "IBS501", "IBS105"):
        assert code in result.stdout


def test_regress_without_a_folder_says_that_there_are_no_captures_here(installed: Path, tmp_path: Path) -> None:
    result = run(installed, tmp_path, "regress")
    assert result.returncode == 2
    assert "captures: there is no such folder" in result.stderr


def test_regress_takes_a_folder_of_the_users_own(installed: Path, tmp_path: Path) -> None:
    result = run(installed, tmp_path, "regress", "-q", str(ROOT / "captures"))
    assert result.returncode == 0, result.stdout


def test_a_page_is_made_with_the_templates_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    capture = ROOT / "captures/silent-ib-async-loopback/capture.pcap"
    result = run(installed, tmp_path, "read", str(capture), "--html", "-")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("<!DOCTYPE html>")
