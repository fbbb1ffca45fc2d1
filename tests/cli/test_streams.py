"""``ibsniff streams`` as a user meets it; and through it, the streams on which four other tools agree."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from corpus import CORPUS, Row, needs_corpus, truth
from tcp.test_corpus import OTHER_LINK_TYPES, UNSEEN_TAIL
from typer.testing import CliRunner, Result
from wire import Wire

from ibsniff.cli.app import app
from ibsniff.model import ExitCode

HELLO = b"API\0\0\0\0\x09v157..178"


@pytest.fixture
def capture(tmp_path: Path) -> str:
    path = tmp_path / "one.pcap"
    Wire().connect().client(HELLO).server(b"\x1b[2J DU1234567\0").close().write(path)
    return str(path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["streams", *arguments])


def listed(*arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run("--json", *arguments).stdout)
    return document


def test_it_lists_all_conversations(capture: str) -> None:
    result = run(capture)
    assert result.exit_code == 0
    assert "0  127.0.0.1:51000 → 127.0.0.1:7497  SF ShADadFf" in result.stdout
    assert "sha256" not in result.stdout
    assert hashlib.sha256(HELLO).hexdigest() in run(capture, "--sha256").stdout


def test_a_legend_explains_the_states_and_letters_that_occur(capture: str) -> None:
    shown = " ".join(run(capture).stdout.split())
    assert "SF established and ended by both letters s SYN, h SYN-ACK, a ACK without data, d data, f FIN; " in shown
    assert "r RST" not in shown
    assert "letters" not in run(capture, "--port", "80").stdout
    assert "letters" not in run(capture, "--json").stdout


def test_several_files_are_several_inputs(capture: str) -> None:
    document = listed(capture, capture)
    assert [one["path"] for one in document["inputs"]] == [capture, capture]
    assert [(one["input"], one["stream"]) for one in document["streams"]] == [(0, 0), (1, 0)]
    assert "sha256" not in document["streams"][0]["from_client"]


def test_a_port_filters(capture: str) -> None:
    assert len(listed(capture, "--port", "7497", "--port", "80")["streams"]) == 1
    assert listed(capture, "--port", "80")["streams"] == []


def test_following_masks_and_escapes(capture: str) -> None:
    text = run(capture, "--follow", "0").stdout
    assert "→ #4  API\\x00" in text
    assert "← #6  \\x1b[2J DU*****67\\x00" in text
    assert "DU1234567" in run(capture, "--follow", "0", "--show-accounts").stdout
    in_hex = run(capture, "--follow", "0", "--hex").stdout
    assert "44 55 2a 2a 2a 2a 2a 36 37" in in_hex
    assert "..[2J" not in in_hex
    assert "DU*****67" in in_hex


def test_one_direction_alone(capture: str) -> None:
    text = run(capture, "--follow", "0", "--side", "client").stdout
    assert "→ #4" in text
    assert "← #6" not in text


def test_raw_writes_the_bytes_unchanged(capture: str) -> None:
    assert run(capture, "--follow", "0", "--raw", "--side", "client").stdout_bytes == HELLO
    assert run(capture, "--follow", "0", "--raw", "--side", "server").stdout_bytes == b"\x1b[2J DU1234567\0"
    assert run(capture, "--follow", "0", "--raw").stdout_bytes == HELLO + b"\x1b[2J DU1234567\0"


def test_raw_writes_gaps_as_zeros_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "gap.pcap")
    Wire().connect().client(b"ab").lose().client(b"cd").client(b"ef").write(Path(path))
    assert run(path, "--follow", "0", "--raw").stdout_bytes == b"ab\0\0ef"
    monkeypatch.setattr("ibsniff.analysis.streams.MAX_ZEROS", 1)
    result = run(path, "--follow", "0", "--raw")
    assert result.exit_code == 3
    assert "too many to write as zeros" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_raw_is_not_sent_to_a_terminal(capture: str) -> None:
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb", buffering=0), os.fdopen(follower, "wb", buffering=0) as terminal:
        command = [sys.executable, "-m", "ibsniff", "streams", capture, "--follow", "0", "--raw"]
        done = subprocess.run(command, stdout=terminal, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == ExitCode.USAGE
    assert "--raw would write" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hex"], "Add --follow N"),
        (["--raw"], "Add --follow N"),
        (["--side", "client"], "Add --follow N"),
        (["--follow", "0", "--hex", "--raw"], "--hex and --raw exclude each other"),
        (["--follow", "0", "--json"], "--follow and --json exclude each other"),
        (["--follow", "0", "--sha256"], "--follow and --sha256 exclude each other"),
        (["--follow", "0", "--port", "80"], "--follow and --port exclude each other"),
        (["--follow", "0", "other.pcap"], "--follow takes one FILE, not 2"),
        (["--follow", "7"], "the capture has 1 conversation"),
        (["--follow", "-1"], "Give a whole number, 0 or more"),
        (["--port", "70000"], "Give a whole number from 1 to 65535"),
    ],
)
def test_options_that_make_no_sense_are_a_usage_error(capture: str, arguments: list[str], message: str) -> None:
    result = run(capture, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_list_without_conversations(capture: str) -> None:
    assert "No TCP conversation found." in run(capture, "--port", "80").stdout


def test_a_number_that_is_too_high_is_a_usage_error(capture: str) -> None:
    result = run(capture, "--follow", "7")
    assert result.exit_code == 2
    assert "--follow 7: the capture has 1 conversation, numbered from 0" in result.stderr


def test_an_unreadable_file_does_not_stop_the_others(capture: str, tmp_path: Path) -> None:
    result = run(str(tmp_path / "none.pcap"), capture)
    assert result.exit_code == 3
    assert "127.0.0.1:7497" in result.stdout


# ---------------------------------------------------------------------------------------------------------------
# The truth about foreign captures


@needs_corpus
def test_every_row_of_the_truth_through_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    tally: Counter[str] = Counter()
    wrong: list[Row] = []
    for name, rows in truth().items():
        document = listed(str(CORPUS / name), "--sha256")
        for row in rows:
            how = judged(name, row, document)
            tally[how] += 1
            wrong += [row] if how == "differs" else []
    table = "\n".join(f"{count:>5}  {how}" for how, count in sorted(tally.items()))
    with capsys.disabled():
        print(f"\n{table}\n{tally.total():>5}  directions")
    assert wrong == []
    assert tally.total() == sum(map(len, truth().values()))
    skipped = {how for how in tally if how.startswith("skipped")}
    assert {how.removeprefix("skipped: ") for how in skipped} == set(OTHER_LINK_TYPES.values())


def judged(name: str, row: Row, document: dict[str, Any]) -> str:
    """How one direction compares: rows are matched by the number of the stream alone."""
    if name in OTHER_LINK_TYPES:
        (reason,) = document["inputs"][0]["skipped"]
        return f"skipped: {OTHER_LINK_TYPES[name]}" if reason.startswith("link type") else "differs"
    (stream,) = [one for one in document["streams"] if one["stream"] == int(row["stream"])]
    client = stream["client"]["port"] == int(row["sport"]) and stream["server"]["port"] == int(row["dport"])
    half = stream["from_client" if client else "from_server"]
    ours = (half["bytes"], half["gap_bytes"], half["sha256"])
    if ours == (int(row["bytes"]), int(row["gapbytes_zero_filled"]), row["sha256"]):
        return "equal in bytes, gaps and SHA-256"
    length = int(row["bytes"])
    if name in UNSEEN_TAIL and half["bytes"] - half["gaps"][-1]["length"] == length:
        side = "client" if client else "server"
        raw = run(str(CORPUS / name), "--follow", row["stream"], "--raw", "--side", side).stdout_bytes
        if hashlib.sha256(raw[:length]).hexdigest() == row["sha256"]:
            return "equal but for a gap at the end: acknowledged, never captured"
    return "differs"
