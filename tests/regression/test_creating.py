"""A new scenario from a capture: what is written, what is never overwritten, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from ib_bytes import HELLO, READY, REPLY, START, error
from typer.testing import CliRunner, Result
from wire import Wire

from ibsniff import regression
from ibsniff.cli.app import app
from ibsniff.model import ExitCode, UserError
from ibsniff.regression.creating import LARGEST


@pytest.fixture
def ticket(tmp_path: Path) -> Path:
    """A capture from a ticket: a TWS that does not answer."""
    path = tmp_path / "ticket.pcap"
    Wire().connect().client(HELLO).fin_client(after=4.0).ack().write(path)
    return path


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["regress", *map(str, arguments)])


def finish(folder: Path) -> None:
    """What the contributor does: title and origin."""
    file = folder / regression.SCENARIO
    _, _, *promise = file.read_text().splitlines()
    file.write_text("\n".join(['title = "It hangs"', 'made = "captured: bot 1 against TWS 10.37"', *promise, ""]))


def test_a_new_scenario_keeps_its_promise_once_it_is_finished(ticket: Path, tmp_path: Path) -> None:
    folder = tmp_path / "captures" / "it-hangs"
    created = regression.create(folder, ticket)
    assert created.capture == folder / "capture.pcap"
    assert created.capture.read_bytes() == ticket.read_bytes()
    assert created.promise.outcome == "silent"
    with pytest.raises(UserError, match="'title' still has to be written"):
        regression.load_scenario(folder)
    finish(folder)
    scenario = regression.load_scenario(folder)
    assert scenario.promise == created.promise
    assert scenario.promise.sha256
    assert regression.run(scenario).kept


def test_the_capture_may_be_in_its_folder_already(ticket: Path, tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    ticket.rename(folder / "capture.pcap")
    assert regression.create(folder).promise.outcome == "silent"
    assert sorted(path.name for path in folder.iterdir()) == ["capture.pcap", regression.SCENARIO]


def test_a_pcapng_file_is_called_so_whatever_its_name_was(tmp_path: Path) -> None:
    ticket = tmp_path / "ticket.cap"
    Wire().connect().client(HELLO).write(tmp_path / "made.pcapng")
    (tmp_path / "made.pcapng").rename(ticket)
    assert regression.create(tmp_path / "new", ticket).capture.name == "capture.pcapng"


def test_nothing_is_overwritten(ticket: Path, tmp_path: Path) -> None:
    folder = tmp_path / "it-hangs"
    folder.mkdir()
    (folder / "capture.pcapng").write_bytes(b"precious")
    with pytest.raises(UserError, match=r"capture\.pcapng exists already"):
        regression.create(folder, ticket)
    (folder / "capture.pcapng").unlink()
    (folder / regression.SCENARIO).write_text("precious")
    with pytest.raises(UserError, match=r"scenario\.toml exists already"):
        regression.create(folder, ticket)
    assert [path.read_text() for path in folder.iterdir()] == ["precious"]


def test_accounts_are_refused_masked_and_nothing_is_written(tmp_path: Path) -> None:
    ticket, folder = tmp_path / "ticket.pcap", tmp_path / "new"
    wire = Wire().connect().client(HELLO).server(REPLY).client(START).server(READY)
    wire.server(error(178, 321, "no account U7654321")).write(ticket)
    with pytest.raises(UserError) as caught:
        regression.create(folder, ticket)
    assert "U*****21" in caught.value.what
    assert "7654321" not in str(caught.value.what + caught.value.what_to_do)
    assert "stand-in" in caught.value.what_to_do
    assert not folder.exists()
    assert regression.create(folder, ticket, private=True).promise.rung == "ready"


def test_what_cannot_be_a_scenario_is_refused(ticket: Path, tmp_path: Path) -> None:
    packed = tmp_path / "ticket.pcap.gz"
    packed.write_bytes(gzip.compress(ticket.read_bytes()))
    for capture, complaint in ((packed, "decompress it first"), (tmp_path / "nowhere", "Name a capture")):
        with pytest.raises(UserError) as caught:
            regression.create(tmp_path / "new", capture)
        assert complaint in caught.value.what_to_do
    with pytest.raises(UserError, match="this folder has 0"):
        regression.create(tmp_path / "new")
    with pytest.raises(UserError, match="cannot write") as caught:
        regression.create(ticket / "below-a-file", ticket)
    assert caught.value.exit_code is ExitCode.USAGE
    assert not (tmp_path / "new").exists()


def test_the_command_says_what_to_review(ticket: Path, tmp_path: Path) -> None:
    folder = tmp_path / "it-hangs"
    result = invoke("--new", folder, ticket)
    assert result.exit_code == 0
    assert 'outcome = "silent"' in result.output
    assert "127.0.0.1" in result.output
    assert f"ibsniff regress {folder}" in result.output
    assert "larger than" not in result.output


def test_a_large_capture_is_said_to_be_too_large_for_the_project(tmp_path: Path) -> None:
    wire = Wire().connect().client(HELLO)
    for _ in range(LARGEST // 1000):
        wire.server(bytes(1000))
    wire.write(tmp_path / "ticket.pcap")
    assert "larger than the 64 KB" in invoke("--new", tmp_path / "new", tmp_path / "ticket.pcap").output


@pytest.mark.parametrize("arguments", [["--new"], ["--new", "a", "--update"], ["--private"], ["a", "b"]])
def test_what_does_not_go_together_is_a_usage_error(arguments: list[str], tmp_path: Path) -> None:
    assert invoke(*arguments).exit_code == ExitCode.USAGE


def test_regress_reports_a_capture_without_a_promise(ticket: Path, tmp_path: Path) -> None:
    result = invoke(tmp_path, "--junit", tmp_path / "junit.xml")
    assert result.exit_code == ExitCode.FINDINGS
    assert f"{ticket}: no scenario promises anything about this capture" in result.output.replace("\n", "")
    assert "0 kept, 0 broken, 1 without a promise" in result.output
    assert 'failures="1"' in (tmp_path / "junit.xml").read_text()
    ticket.unlink()
    assert "contains no scenario" in invoke(tmp_path).output
