"""Times on the screen are local, and in UTC with --utc; times that somebody gives are read by the same clock."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ibsniff.cli.app import app

NIGHTS = Path(__file__).parents[2] / "captures" / "week-of-restarts" / "capture.pcap"
"""TWS restarts every day at 14:11:40 UTC, which is 19:41:40 in Kolkata."""


@pytest.fixture(autouse=True)
def in_kolkata(in_zone: Callable[[str], None]) -> None:
    in_zone("Asia/Kolkata")


def said(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_report_is_in_local_time_or_in_utc() -> None:
    assert "19:41:40 IST" in said("read", "-v", NIGHTS)
    assert "IST" not in said("read", "-v", "--utc", NIGHTS)
    assert "IST" in said("read", NIGHTS)


@pytest.mark.parametrize("form", ["--json", "--ndjson", "--markdown", "-q"])
def test_what_travels_is_in_utc_with_and_without_the_option(form: str) -> None:
    assert said("read", form, NIGHTS) == said("read", form, "--utc", NIGHTS)
    assert "IST" not in said("read", form, NIGHTS)


def test_a_folder_of_many(tmp_path: Path) -> None:
    for number in range(6):
        shutil.copy(NIGHTS, tmp_path / f"{number}.pcapng")
    assert re.search(r":[0-9]{2} IST", said("read", "--jobs", "2", tmp_path))
    assert re.search(r":[0-9]{2} UTC", said("read", "--jobs", "2", "--utc", tmp_path))
    assert "IST" in said("read", "-v", "--jobs", "2", tmp_path)
    assert "IST" not in said("read", "-v", "--jobs", "2", "--utc", tmp_path)


@pytest.mark.parametrize("command", ["streams", "requests", "flow"])
def test_every_command_with_times(command: str) -> None:
    assert "IST" in said(command, NIGHTS)
    assert "IST" not in said(command, "--utc", NIGHTS)


def asked(*arguments: str) -> list[str]:
    """When each of the chosen requests was sent: the first at 14:10:50 UTC, 19:40:50 in Kolkata."""
    found = json.loads(said("requests", "--json", NIGHTS, *arguments))["requests"]
    return [each["asked"]["time"][:16] for each in found]


def test_a_time_is_read_by_the_clock_that_shows_it() -> None:
    everything = asked()
    assert (len(everything), everything[0]) == (8, "2026-09-22T14:10")
    assert asked("--to", "2026-09-22 19:00") == []
    assert asked("--to", "2026-09-22 20:00") == everything[:1]
    assert asked("--utc", "--to", "2026-09-22 14:00") == []
    assert asked("--utc", "--to", "2026-09-22 15:00") == asked("--to", "2026-09-22T15:00Z") == everything[:1]
    assert asked("--from", "2026-09-28 15:00") == everything[-2:]
    assert asked("--utc", "--from", "2026-09-28 15:00") == []
