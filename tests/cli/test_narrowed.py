"""``ibsniff read`` with the options that choose conversations, in every form of output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from synthesise import CAPTURES
from typer.testing import CliRunner, Result

from ibsniff.cli.app import app
from ibsniff.cli.filters import narrowing_of
from ibsniff.clock import UTC_CLOCK

WEEK = CAPTURES / "week-of-restarts" / "capture.pcap"
"""36 conversations with one server, from the 21st to the 28th."""
RELAY = CAPTURES / "closed-by-relay-socat" / "capture.pcapng"
"""The client's conversation with the relay, and the relay's with TWS."""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["read", "--utc", *map(str, arguments)])


def chosen(*options: object) -> list[str]:
    document = json.loads(run(*options, "--json").stdout)
    return [one["id"] for one in document["conversations"]]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (("--conversation", "c2"), ["c2"]),
        (("--conversation", "c2", "--conversation", "c1"), ["c1", "c2"]),
        (("--server", "127.0.0.1:4004"), ["c1"]),
        (("--server", "127.0.0.1"), ["c1", "c2"]),
        (("--client", "127.0.0.1:33648"), ["c1"]),
    ],
)
def test_conversations_are_chosen_by_number_and_address(options: tuple[str, ...], ids: list[str]) -> None:
    assert chosen(RELAY, *options) == ids


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (("--to", "2026-09-22 14:11:39"), ["c1"]),
        (("--from", "2026-09-28 14:12:00"), ["c33", "c34", "c35", "c36"]),
        (("--from", "2026-09-28 14:13:00Z"), ["c36"]),
        (("--from", "2026-09-22 14:00", "--to", "2026-09-22 14:12"), ["c1", "c2"]),
        (("--from", "+1d", "--to", "+47h"), ["c6"]),
    ],
)
def test_conversations_are_chosen_by_the_time_in_which_they_were_active(
    options: tuple[str, ...], ids: list[str]
) -> None:
    assert chosen(WEEK, *options) == ids


@pytest.mark.parametrize("form", [[], ["-v"], ["-q"], ["--json"], ["--ndjson"], ["--markdown"]])
def test_every_form_is_narrowed(form: list[str]) -> None:
    shown = run(RELAY, "--server", "127.0.0.1:4002", *form).stdout
    assert "other conversation is left out" in shown or "other conversation left out" in shown or '"left_out"' in shown
    assert "4002" in shown


def test_a_page_says_what_is_left_out(tmp_path: Path) -> None:
    assert run(RELAY, "--server", "127.0.0.1:4002", "--html", tmp_path / "page.html").exit_code == 0
    page = (tmp_path / "page.html").read_text()
    assert "<p>Only --server 127.0.0.1:4002: 1 other conversation is left out.</p>" in page


def test_a_table_of_many_files_is_narrowed() -> None:
    rows = run(*[RELAY] * 6, "--server", "127.0.0.1:4002").stdout
    assert "6 conversations: 6 refused\n" in rows
    assert "6 conversations left out" in rows


def test_options_that_choose_nothing_are_an_error_of_two_lines() -> None:
    result = run(WEEK, "--server", "10.0.0.1")
    assert result.exit_code == 2
    assert not result.stdout
    what, what_to_do = result.stderr.splitlines()
    assert what == "ibsniff: none of the 36 conversations is chosen by --server 10.0.0.1"
    assert "Leave these options out" in what_to_do


@pytest.mark.parametrize("option", [("--problem", "1"), ("--conversation", "c1")])
def test_numbers_are_refused_when_each_capture_has_its_own(option: tuple[str, str]) -> None:
    result = run(RELAY, WEEK, *option)
    assert result.exit_code == 2
    assert f"{option[0]}: each of the 2 captures has its own numbers" in result.stderr


def test_without_these_options_nothing_is_narrowed() -> None:
    assert narrowing_of(None, None, None, None, None, UTC_CLOCK) is None
    assert json.loads(run(RELAY, "--json").stdout)["narrowed"] is None
