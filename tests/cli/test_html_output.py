"""``ibsniff read --html``: the page is written whole or not at all, and never over something that is no page."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from render.html_check import read_page
from renew import ROOT
from typer.testing import CliRunner, Result

from ibsniff.cli.app import app
from ibsniff.model import ExitCode

SILENT = ROOT / "captures/silent-ib-async-loopback/capture.pcap"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["read", *map(str, arguments)])


def test_the_page_is_written_with_the_usual_rights(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    before = os.umask(0o027)
    try:
        done = run(SILENT, "--html", page)
    finally:
        os.umask(before)
    assert (done.exit_code, done.stdout) == (ExitCode.OK, "")
    assert done.stderr.startswith(f"ibsniff: wrote {page} (")
    read_page(page.read_text("utf-8"))
    assert list(tmp_path.iterdir()) == [page]
    if os.name == "posix":
        assert stat.S_IMODE(page.stat().st_mode) == 0o640


def test_a_page_is_written_again_over_an_older_one(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("<!DOCTYPE html>\n<p>old</p>")
    assert run(SILENT, "--html", page, "-q").stderr == ""
    assert "old</p>" not in page.read_text("utf-8")


def test_a_dash_is_standard_output() -> None:
    done = run(SILENT, "--html", "-")
    read_page(done.stdout)
    assert done.stderr == ""


def test_a_capture_is_never_overwritten(tmp_path: Path) -> None:
    capture = tmp_path / "a.pcap"
    capture.write_bytes(SILENT.read_bytes())
    for arguments in ((SILENT, "--html", capture), (capture, "--html", capture)):
        done = run(*arguments)
        assert done.exit_code == ExitCode.USAGE
        assert "exists and is no HTML page" in done.stderr
    assert capture.read_bytes() == SILENT.read_bytes()


@pytest.mark.parametrize("name", ["", "no/such/folder/report.html", "."])
def test_a_place_that_cannot_be_is_refused_before_anything_is_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("/no/such/capture", "--html", name)
    assert done.exit_code == ExitCode.USAGE
    assert "--html" in done.stderr
    assert "/no/such/capture" not in done.stderr


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "report.html"
    page.write_text("<html>old")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fails)
    done = run(SILENT, "--html", page)
    assert done.exit_code == ExitCode.INPUT
    assert "cannot be written: No space left on device" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert page.read_text() == "<html>old"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:
        assert run(SILENT, "--html", pipe).exit_code == ExitCode.OK
        assert reader.stdout is not None
        read_page(reader.stdout.read())
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("other", ["--json", "--markdown", "--ndjson"])
def test_one_form_of_output_at_a_time(other: str) -> None:
    assert "exclude each other" in run(SILENT, "--html", "-", other).stderr


def test_fail_on_decides_the_exit_code_as_ever(tmp_path: Path) -> None:
    assert run(SILENT, "--html", tmp_path / "a.html", "--fail-on", "error").exit_code == ExitCode.FINDINGS


def test_the_template_engine_is_imported_for_a_page_only() -> None:
    program = f"import sys, ibsniff.cli; sys.argv = ['ibsniff', 'read', {str(SILENT)!r}]\n" + (
        "try:\n    ibsniff.cli.main()\nfinally:\n    assert not {'jinja2', 'markupsafe'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
