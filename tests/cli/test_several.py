"""``ibsniff read`` of two to five files: a line for each, then what is wrong in each under its name, nothing twice."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from synthesise import CAPTURES
from typer.testing import CliRunner, Result

from ibsniff.cli.app import app


def capture(name: str) -> str:
    (path,) = (CAPTURES / name).glob("capture.pcap*")
    return str(path)


SILENT, HEALTHY, TWO_PROBLEMS = (
    capture(name) for name in ("silent-ib-async-wsl", "ok-ib-async-wsl", "http-check-beside-a-hung-gateway")
)
NO_CONVERSATION = capture("no-api-traffic")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["read", "--utc", *map(str, arguments)])


def test_lines_come_first_and_then_the_reports_of_files_with_problems() -> None:
    lines = run(SILENT, HEALTHY, TWO_PROBLEMS).stdout.splitlines()
    headings = [number for number, line in enumerate(lines) if line.startswith("── ")]
    overview = lines[: headings[0]]
    assert " ".join(" ".join(overview[1:]).split()) == (
        "IBS302 1 silent silent-ib-async-wsl/ 172.24.32.1:7497: TWS accepted the connection from another machine, received a "
        "valid hello, and did not answer (you: TWS or Gateway) "
        "1 replied ok-ib-async-wsl/ 172.24.32.1:7497 replied and the API session is ready (server version 178). "
        "IBS301 2 silent http-check-beside-a-hung-gateway/ 2 problems, the worst at 127.0.0.1:4002: TWS on the same "
        "machine accepted the connection, received a valid hello, and did not answer (you: TWS or Gateway)"
    )
    assert len(headings) == 2
    assert "silent-ib-async-wsl" in lines[headings[0]]
    assert "http-check-beside-a-hung-gateway" in lines[headings[1]]


def report_alone(path: str, *form: str) -> list[str]:
    return run(path, *form).stdout.splitlines()


@pytest.mark.parametrize("form", [[], ["-v"]])
def test_each_report_is_the_one_on_that_file_alone(form: list[str]) -> None:
    together = "\n".join(run(SILENT, TWO_PROBLEMS, *form).stdout.splitlines())
    for path in (SILENT, TWO_PROBLEMS):
        assert together.count("\n".join(report_alone(path, *form))) == 1


def test_with_v_healthy_files_have_a_report_too() -> None:
    assert run(SILENT, HEALTHY, "-v").stdout.count("\n── ") == 2
    assert run(SILENT, HEALTHY).stdout.count("\n── ") == 1


def test_a_file_without_any_conversation_says_what_to_do() -> None:
    shown = run(NO_CONVERSATION, HEALTHY).stdout
    assert shown.count("\n── ") == 1
    assert "What to do" in shown


def test_no_sentence_is_said_twice() -> None:
    shown = " ".join(run(SILENT, HEALTHY, TWO_PROBLEMS, NO_CONVERSATION).stdout.replace("▌", " ").split())
    for path in (SILENT, HEALTHY, TWO_PROBLEMS):
        for problem in json.loads(run(path, "--json").stdout)["problems"]:
            first_sentence = problem["summary"].split(". ")[0]
            assert shown.count(first_sentence) == 1


def test_markdown_has_a_line_for_each_file_and_the_reports_under_their_names() -> None:
    shown = run(SILENT, HEALTHY, TWO_PROBLEMS, "--markdown").stdout
    assert len(re.findall(r"(?m)^\* \S+capture\.pcap", shown)) == 3
    assert len(re.findall(r"(?m)^## \S+capture\.pcap", shown)) == 2
    for path in (SILENT, TWO_PROBLEMS):
        assert run(path, "--markdown").stdout.strip() in shown


def test_an_unreadable_file_has_a_line(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.pcap"
    damaged.write_text("not a capture at all, but some text")
    result = run(SILENT, damaged)
    assert result.exit_code == 3
    assert "1 unreadable" in result.stdout
    assert "is not a capture" in result.stderr
    assert result.stdout.count("\n── ") == 1


def test_in_one_line_each_file_has_one() -> None:
    lines = run(SILENT, HEALTHY, "-q").stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [SILENT, HEALTHY]


def test_a_document_of_several_files_is_one() -> None:
    assert len(json.loads(run(SILENT, HEALTHY, "--json").stdout)["inputs"]) == 2


@pytest.mark.parametrize("form", [[], ["--markdown"]])
def test_of_more_files_there_are_only_lines_and_how_to_open_one(form: list[str]) -> None:
    shown = run(*[SILENT, HEALTHY, TWO_PROBLEMS] * 2, *form).stdout
    assert "── " not in shown
    assert "## " not in shown
    assert "6 files" in shown
    assert shown.splitlines()[-1] == "ibsniff read FILE opens one of them; -v prints the reports on all"


def test_a_heading_is_one_line_however_long_the_name(tmp_path: Path) -> None:
    folder = tmp_path / ("a-folder-with-a-long-name-" * 4)
    folder.mkdir()
    first, second = folder / "first.pcap", folder / "second.pcapng"
    first.write_bytes(Path(SILENT).read_bytes())
    second.write_bytes(Path(TWO_PROBLEMS).read_bytes())
    headings = [line for line in run(first, second).stdout.splitlines() if line.startswith("── ")]
    assert [line.rstrip(" ─").rpartition("/")[2] for line in headings] == ["first.pcap", "second.pcapng"]
