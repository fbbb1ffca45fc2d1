"""Where output cannot go as usual: full disks, closed streams, small alphabets. Never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from wire import START_NS, Wire

import ibsniff
from ibsniff.capture.backend import Statistics
from ibsniff.capture.files import open_capture
from ibsniff.capture.input_record import InputRecord
from ibsniff.capture.live import LiveSource
from ibsniff.model import NANOSECONDS, ExitCode
from ibsniff.recording.recorder import Recorder

HELLO = b"API\0\0\0\0\x09v157..178"
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="the redirections are a POSIX shell's")


@pytest.fixture
def silent(tmp_path: Path) -> str:
    """The capture of a client that was not answered."""
    path = tmp_path / "silent.pcap"
    Wire().connect().client(HELLO).fin_client(after=4.0).write(path)
    return str(path)


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``ibsniff`` as a shell does, with its redirections."""
    command = ["sh", "-c", f'"$0" -m ibsniff {line}', sys.executable]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment}
    )


@needs_full
@pytest.mark.parametrize("command", ["read {}", "read --json {}", "read -q {}", "rules", "explain IBS301", "read -h"])
def test_a_full_disk_is_an_error_of_two_lines(silent: str, command: str) -> None:
    result = shell(command.format(silent) + " > /dev/full")
    assert result.returncode == ExitCode.INPUT
    assert result.stderr.splitlines()[0] == "ibsniff: cannot write the output: No space left on device"
    assert len(result.stderr.splitlines()) == 2


@needs_full
@pytest.mark.parametrize("redirected", ["2> /dev/full", "2>&-"])
def test_an_error_that_cannot_be_printed_still_sets_the_exit_code(tmp_path: Path, redirected: str) -> None:
    result = shell(f"read {tmp_path / 'none.pcap'} {redirected}")
    assert (result.returncode, result.stdout, result.stderr) == (ExitCode.INPUT, "", "")


@needs_shell
@pytest.mark.parametrize("form", ["", "-q", "--json", "--markdown"])
def test_a_closed_stdout_is_an_error_of_two_lines(silent: str, form: str) -> None:
    result = shell(f"read {form} {silent} >&-")
    assert (result.returncode, result.stdout) == (ExitCode.INPUT, "")
    assert result.stderr.splitlines()[0] == "ibsniff: standard output is closed"
    assert len(result.stderr.splitlines()) == 2


@needs_shell
def test_closed_or_used_standard_input_is_an_error(silent: str) -> None:
    for line in ("read - <&-", f"read - - < {silent}"):
        result = shell(line)
        assert result.returncode == ExitCode.INPUT
        assert "standard input is closed or has been read already" in result.stderr
        assert len(result.stderr.splitlines()) == 2


@needs_shell
@pytest.mark.parametrize("command", ["read -", "streams -"])
def test_a_capture_cannot_be_typed_on_the_keyboard(command: str) -> None:
    ours, theirs = os.openpty()
    with open(theirs) as keyboard:  # noqa: PTH123  (a descriptor has no path)
        whole = [sys.executable, "-m", "ibsniff", *command.split()]
        result = subprocess.run(whole, stdin=keyboard, capture_output=True, text=True, timeout=60, check=False)
    os.close(ours)
    assert result.returncode == ExitCode.INPUT
    assert "standard input is a terminal" in result.stderr


@needs_shell
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("form", ["", "-v", "--markdown", "--json"])
def test_every_form_can_be_printed_in_a_small_encoding(silent: str, form: str, encoding: str) -> None:
    result = shell(f"read {form} {silent}", PYTHONIOENCODING=encoding)
    assert (result.returncode, result.stderr) == (0, "")
    assert "\\u" not in result.stdout


def test_the_demo_runs_from_a_checkout() -> None:
    if not (Path(ibsniff.__file__).parents[1] / "captures").is_dir():
        pytest.skip("this is an installed wheel, which test_wheel looks at")
    result = shell("demo")
    assert result.returncode == 0
    assert result.stdout.count("The client reports TimeoutError.") == 3


def test_packets_are_not_written_to_stdout() -> None:
    result = shell("live -w - -a duration:1")
    assert result.returncode == ExitCode.USAGE
    assert "packets are not written to stdout" in result.stderr


class NoPackets:
    """As much of a live source as a recorder asks for."""

    interfaces = (SimpleNamespace(name="lo", link_type=1, statistics=Statistics(0, 0)),)
    interface_index = pending = 0
    interface_events = losses = ()
    opened_at_ns = START_NS

    def __init__(self) -> None:
        self.record = InputRecord("lo")

    def statistics(self) -> None:
        """Nothing is counted anew."""


def recorder(path: Path, nothing: NoPackets | None = None) -> Recorder:
    source: LiveSource = nothing or NoPackets()  # type: ignore[assignment]
    return Recorder(path, source)


@needs_full
def test_a_full_disk_ends_the_writing_but_not_the_capture() -> None:
    source = NoPackets()
    full = recorder(FULL, source)
    for frame in Wire().connect().frames():
        full.write(frame)
    full.finish(START_NS)
    assert full.failure is not None
    assert full.failure.what == "cannot write /dev/full: No space left on device"
    assert source.record.facts().notes == ("no further packets are saved: No space left on device",)


def test_the_written_file_states_the_end_of_the_capture(tmp_path: Path) -> None:
    kept = recorder(tmp_path / "kept.pcapng")
    frames = Wire().connect().frames()
    for frame in frames:
        kept.write(frame)
    kept.finish(START_NS + 9 * NANOSECONDS)
    assert kept.failure is None
    with open_capture(str(tmp_path / "kept.pcapng")) as capture:
        assert [frame.data for frame in capture.frames()] == [frame.data for frame in frames]
        assert capture.facts.watched_until_ns == START_NS + 9 * NANOSECONDS
