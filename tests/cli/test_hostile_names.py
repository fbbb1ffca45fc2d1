"""Not only packets are a stranger's: names of files, folders and interfaces, scenarios, and what a shell expands, too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ib_bytes import HELLO
from typer.testing import CliRunner, Result
from wire import Wire

from ibsniff.analysis.changes import ChangeDetector
from ibsniff.analysis.pipeline import Analysis
from ibsniff.capture import interfaces
from ibsniff.capture.input_record import InputRecord
from ibsniff.capture.interfaces import Interface
from ibsniff.cli.app import app
from ibsniff.cli.errors import print_error
from ibsniff.model import UserError
from ibsniff.screens import JsonLines, Lines, MessageLines

TITLE = "\x1b]0;pwned\x07\x1b[2J\x9b31m\u202e\x7f"
"""Sets the window's title, clears the screen, turns the direction of writing round."""
CAPTURES = Path(__file__).parents[2] / "captures"


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, arguments)
    for printed in (result.stdout, result.stderr):
        assert printed.replace("\n", "").isprintable(), printed
    return result


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    return Wire().connect().client(HELLO).fin_client(after=4.0).write(tmp_path / f"{TITLE}.pcap")


@pytest.mark.parametrize("form", [(), ("-v",), ("-q",), ("--json",), ("--markdown",)])
def test_a_file_name(silent: Path, form: tuple[str, ...]) -> None:
    assert run("read", str(silent), *form).exit_code == 0


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\xd4\xc3\xb2\xa1", b"\x1f\x8b\x08" + bytes(20)])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / f"{TITLE}.txt"
    path.write_bytes(content)
    result = run("read", str(path), str(path) + "x")
    assert result.exit_code == 3
    assert "pwned" in result.stderr


def test_a_name_that_is_not_text_becomes_valid_json() -> None:
    """On Linux a name is bytes; JSON is Unicode, and strict readers refuse half of a surrogate pair."""
    (line,) = run("read", "--ndjson", "no \udcff text.pcap").stdout.splitlines()
    printed = json.loads(line)
    assert printed["path"] == r"no \xff text.pcap"
    assert printed["error"]["what"].encode()


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", TITLE),
        ("read", TITLE),
        ("read", "--port", TITLE, "x"),
        ("read", "--watched-until", TITLE, "x"),
        ("read", "--fail-on", TITLE, "x"),
        ("read", "--" + TITLE.replace("\u202e", "")),  # typer escapes what controls, and lets that letter pass
        ("live", "-a", TITLE),
        ("live", "-i", TITLE),
        ("regress", TITLE),
        ("simulate", TITLE),
        (TITLE,),
    ],
)
def test_an_argument_a_shell_made_of_a_name(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code not in (0, 1)
    assert "pwned" in result.stderr


@pytest.mark.parametrize("update", [(), ("--update",)])
def test_a_scenario(tmp_path: Path, update: tuple[str, ...]) -> None:
    folder = tmp_path / TITLE
    shutil.copytree(CAPTURES / "clock-stepped-back", folder)
    file = folder / "scenario.toml"
    quoted = json.dumps(TITLE).replace("\x7f", "\\u007f")
    lines = [f"title = {quoted}" if line.startswith("title") else line for line in file.read_text().splitlines()]
    lines = [f"outcome = {quoted}" if line.startswith("outcome") else line for line in lines]
    file.write_text("\n".join(lines), "utf-8")
    junit = tmp_path / "junit.xml"
    result = run("regress", str(tmp_path), "--junit", str(junit), *update)
    assert result.stdout.count("pwned") >= 2
    (failure,) = ElementTree.parse(junit).getroot().iter("failure")
    assert "pwned" in (failure.text or "")
    assert run("regress", str(tmp_path)).exit_code == (0 if update else 1)


def test_a_broken_scenario(tmp_path: Path) -> None:
    (tmp_path / TITLE).mkdir()
    (tmp_path / TITLE / "scenario.toml").write_text(f"title = '{TITLE}", "utf-8")
    assert run("regress", str(tmp_path)).exit_code == 2


def test_an_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [Interface(TITLE, 1, (TITLE, "127.0.0.1"), True, True, 1, TITLE)]
    monkeypatch.setattr(interfaces, "list_interfaces", lambda: listed)
    assert "pwned" in run("interfaces").stdout


def test_events_of_a_live_capture() -> None:
    hello = b"API\0\0\0\0\x10v100..187 " + b"\x1b[2J\x7f"
    record = InputRecord(TITLE)
    record.set_dropped(3)
    analysis = Analysis(record)
    analysis.run(Wire().connect().client(hello).server(TITLE.encode() * 9).frames())
    for screen in (Lines, JsonLines, MessageLines):
        printed: list[str] = []
        shown = screen(printed.append, printed.append, False, lambda: TITLE)
        detector = ChangeDetector(analysis)
        shown.show(detector.report, list(detector.update()))
        shown.quiet()
        assert len(printed) > 3
        for line in printed:
            assert line.isprintable()


def test_an_error_message() -> None:
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr("builtins.print", lambda *lines, **_: printed.extend(lines))
        print_error(UserError(TITLE, f"{TITLE}\nand {TITLE}"))
    assert len(printed) == 3
    assert all(line.isprintable() for line in printed)
