"""``ibsniff read`` of folders and of many files: the forms, and the same report from one process or several."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ib_bytes import READY, REPLY, START, error
from typer.testing import CliRunner, Result
from wire import Wire

from ibsniff.cli.app import app
from ibsniff.cli.inputs import PARALLEL_FROM_BYTES, cpu_count, find_inputs
from ibsniff.model import UserError

HELLO = b"API\0\0\0\0\x09v157..178"
FILES = 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Seven captures of silent and refused calls, a damaged one, and a text."""
    parent = tmp_path / "captures"
    parent.mkdir()
    for number in range(FILES - 1):
        wire = Wire(client=f"127.0.0.1:{50_000 + number}")
        wire = wire.connect().client(HELLO).fin_client(after=12.0) if number % 2 else wire.syn().rst_server()
        wire.write(parent / f"{number}.pcap")
    whole = (parent / "1.pcap").read_bytes()
    (parent / "7.pcap").write_bytes(whole[:24] + b"\xff" * 40)
    (parent / "notes.txt").write_text("bring milk")
    return parent


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["read", *map(str, arguments)])


def test_a_folder_gives_a_table_and_totals(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 3
    *rows, files, conversations, how_to_open = result.stdout.splitlines()
    assert len(rows) == FILES
    assert [row.split()[0] for row in rows[:2]] == ["IBS101", "IBS301"]
    assert "1 unreadable" in rows[-1]
    assert files == "8 files, 26 packets, 1 unreadable"
    assert conversations == "7 conversations: 4 refused, 3 silent"
    assert how_to_open.startswith("ibsniff read FILE opens one")
    assert "7.pcap cannot be read" in result.stderr
    assert "1 other file" in result.stderr


@pytest.mark.parametrize("form", [[], ["-q"], ["-v"], ["--json"], ["--ndjson"], ["--markdown"]])
def test_the_report_does_not_depend_on_the_number_of_processes(folder: Path, form: list[str]) -> None:
    alone, shared = run(folder, "--jobs", 1, *form), run(folder, "--jobs", 2, *form)
    assert alone.stdout == shared.stdout
    assert alone.stderr == shared.stderr
    assert (alone.exit_code, shared.exit_code) == (3, 3)


def test_each_line_of_ndjson_is_the_document_of_one_input(folder: Path) -> None:
    lines = [json.loads(line) for line in run(folder, "--ndjson").stdout.splitlines()]
    assert len(lines) == FILES
    assert lines[3] == json.loads(run(folder / "3.pcap", "--json").stdout)
    assert set(lines[7]) == {"path", "error"}
    assert set(lines[7]["error"]) == {"what", "what_to_do"}


def test_with_q_each_file_has_a_line(folder: Path) -> None:
    lines = run(folder, "-q").stdout.splitlines()
    assert len(lines) == FILES - 1
    assert lines[0].startswith(f"{folder / '0.pcap'}: refused, ")


def test_with_v_each_file_has_a_report(folder: Path) -> None:
    shown = run(folder, "-v").stdout
    assert shown.count("\nProof ") == FILES - 1
    assert shown.index("0.pcap") < shown.index("1.pcap") < shown.index("6.pcap")


def test_conversations_are_numbered_across_one_document(folder: Path) -> None:
    document = json.loads(run(folder, "--json", "--jobs", 2).stdout)
    assert [one["id"] for one in document["conversations"]] == [f"c{number}" for number in range(1, FILES)]
    assert [one["input"] for one in document["conversations"]] == list(range(FILES - 1))


def test_fail_on_looks_at_every_file(folder: Path) -> None:
    (folder / "7.pcap").unlink()
    assert run(folder).exit_code == 0
    assert run(folder, "--fail-on", "error").exit_code == 1
    assert run(folder, "--fail-on", "error", "--jobs", 2, "--ndjson").exit_code == 1


def test_accounts_are_masked_in_every_form(tmp_path: Path) -> None:
    refused = error(178, 321, "no account DU1234567 here")
    for number in range(6):
        wire = Wire(client=f"127.0.0.1:{50_000 + number}").connect().client(HELLO).server(REPLY).client(START)
        wire.server(READY + refused).rst_server().write(tmp_path / f"{number}.pcap")
    for form in ([], ["-q"], ["-v"], ["--ndjson"]):
        assert "DU1234567" not in run(tmp_path, *form).output
    assert "DU1234567" in run(tmp_path, "--ndjson", "--show-accounts").stdout


def test_a_folder_without_captures_is_an_error_of_two_lines(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("bring milk")
    result = run(tmp_path)
    assert result.exit_code == 3
    assert "no capture among 1 file\n" in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_a_file_that_is_named_and_in_a_named_folder_is_read_once(folder: Path) -> None:
    named = str(folder / "3.pcap")
    inputs = find_inputs([named, str(folder)])
    assert inputs.paths[0] == named
    assert len(inputs.paths) == FILES


def test_a_file_named_twice_is_read_twice(folder: Path) -> None:
    assert len(find_inputs([str(folder / "3.pcap")] * 2).paths) == 2


def test_processes_are_started_only_for_large_inputs(folder: Path) -> None:
    inputs = find_inputs([str(folder)])
    assert inputs.jobs(None) == 1
    assert inputs.jobs(3) == 3
    assert inputs.jobs(100) == FILES
    os.truncate(folder / "3.pcap", PARALLEL_FROM_BYTES)  # sparse: it takes no room
    assert find_inputs([str(folder)]).jobs(None) == min(FILES, cpu_count())


def test_standard_input_is_read_by_one_process(folder: Path) -> None:
    assert find_inputs([str(folder), "-"]).jobs(4) == 1


def test_naming_no_capture_is_a_usage_error() -> None:
    with pytest.raises(UserError) as caught:
        find_inputs([])
    assert caught.value.exit_code == 2


def pieces(tmp_path: Path) -> tuple[Path, list[Path]]:
    """A capture, and the same capture cut into three files whose names do not show their order."""
    wire = Wire(client="127.0.0.1:50000").connect().client(HELLO).wait(2.0).fin_client(after=10.0)
    wire.write(tmp_path / "whole.pcap")
    whole = (tmp_path / "whole.pcap").read_bytes()
    records, at = [], 24
    while at < len(whole):
        end = at + 16 + int.from_bytes(whole[at + 8 : at + 12], "little")
        records.append(whole[at:end])
        at = end
    paths = [tmp_path / name for name in ("z.pcap", "a.pcap", "m.pcap")]
    for path, start in zip(paths, (0, 2, 4), strict=True):
        stop = start + 2 if start < 4 else None
        path.write_bytes(whole[:24] + b"".join(records[start:stop]))
    return tmp_path / "whole.pcap", paths


def test_joined_parts_are_the_whole_capture(tmp_path: Path) -> None:
    whole, parts = pieces(tmp_path)
    joined = json.loads(run("--join", "--json", *sorted(parts)).stdout)
    expected = json.loads(run("--json", whole).stdout)
    assert joined["inputs"][0].pop("path") == f"{parts[0]} and 2 more, joined"
    expected["inputs"][0].pop("path")
    assert joined == expected


@pytest.mark.parametrize("form", [[], ["-v"], ["--markdown"], ["-q"], ["--json"], ["--ndjson"]])
def test_parts_that_are_not_joined_are_recognised(tmp_path: Path, form: list[str]) -> None:
    _, parts = pieces(tmp_path)
    result = run(*parts, *form)
    said = " ".join((result.stdout if not form or form[0] in ("-v", "--markdown") else result.stderr).split())
    assert "These 3 files look like pieces of one capture: read them with --join." in said.replace("\\", "")
    assert "127.0.0.1:50000" in said
    assert "look like pieces" not in run("--join", *parts, *(form if form != ["--ndjson"] else [])).output


def test_before_the_reports_on_parts_it_is_said_what_they_are(tmp_path: Path) -> None:
    _, parts = pieces(tmp_path)
    assert run(*parts).stdout.startswith("These 3 files look like pieces of one capture")
    assert run(*parts, "--markdown").stdout.startswith("**These 3 files look like pieces of one capture")


def test_of_more_files_those_that_are_parts_are_named(tmp_path: Path, folder: Path) -> None:
    _, parts = pieces(tmp_path)
    line, *_ = run(*parts, folder).stdout.splitlines()
    assert all(str(part) in line for part in parts)
    assert "look like pieces of one capture" in line


def test_files_that_have_nothing_to_do_with_each_other_are_no_parts(folder: Path) -> None:
    result = run(folder)
    assert "pieces" not in result.output


def test_one_unreadable_part_is_an_error_without_a_report(tmp_path: Path) -> None:
    _, parts = pieces(tmp_path)
    parts[1].write_text("not a capture")
    result = run("--join", *parts)
    assert result.exit_code == 3
    assert "is not a capture" in result.stderr
    assert result.stdout == ""


def test_standard_input_cannot_be_a_part(tmp_path: Path) -> None:
    _, parts = pieces(tmp_path)
    result = run("--join", *parts, "-")
    assert result.exit_code == 2
