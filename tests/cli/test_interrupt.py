"""Ctrl-C while a capture is read, and the progress that is shown: the real process, on a pipe or a terminal."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from wire import Wire

from ibsniff.analysis.reading_progress import ReadingProgress
from ibsniff.cli.inputs import Inputs, results_of_each
from ibsniff.model import ExitCode, UserError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals are POSIX's")

HELLO = b"API\0\0\0\0\x09v157..178"
DEADLINE = 30
"""Seconds until a test is given up."""


@pytest.fixture
def silent(tmp_path: Path) -> bytes:
    """A client that waited for 30 s and was not answered."""
    path = tmp_path / "silent.pcap"
    Wire().connect().client(HELLO).fin_client(after=30.0).write(path)
    return path.read_bytes()


@contextmanager
def reading(*arguments: str, stdin: int, stderr: int = subprocess.PIPE) -> Iterator[subprocess.Popen[bytes]]:
    """The process with its standard input."""
    command = [sys.executable, "-m", "ibsniff", "read", *arguments]
    with subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def a_pipe_that_stays_open(content: bytes) -> Iterator[int]:
    read_end, write_end = os.pipe()
    try:
        os.write(write_end, content)
        os.set_blocking(write_end, False)
        yield read_end
    finally:
        os.close(read_end)
        os.close(write_end)


def wait_until_taken(pipe: int, process: subprocess.Popen[bytes]) -> None:
    """Until the pipe is empty and the process waits for more: it has read what there was."""
    while select.select([pipe], [], [], 0.01)[0] or not is_waiting(process):
        assert process.poll() is None


def is_waiting(process: subprocess.Popen[bytes]) -> bool:
    """Asleep (proc(5)): with the pipe empty, nothing but more of it can wake it."""
    stat = Path(f"/proc/{process.pid}/stat")
    if not stat.exists():
        pytest.skip("this system does not tell what a process does")
    return stat.read_text().rpartition(") ")[2].startswith("S")


def interrupted(content: bytes, *arguments: str) -> tuple[int, str, str]:
    """Exit code and output of a process that is interrupted when it has read the content of a pipe that stays open."""
    with a_pipe_that_stays_open(content) as pipe, reading(*arguments, "-", stdin=pipe) as process:
        wait_until_taken(pipe, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=DEADLINE)
        return process.returncode, out.decode(), err.decode()


def test_what_was_read_is_reported_as_incomplete(silent: bytes) -> None:
    code, out, err = interrupted(silent)
    assert code == 130
    assert "IBS301" in out
    assert "reading was interrupted after 6 packets" in " ".join(out.split())
    assert err == ""


def test_json_says_that_it_was_interrupted(silent: bytes) -> None:
    code, out, _ = interrupted(silent, "--json")
    assert code == 130
    (facts,) = json.loads(out)["inputs"]
    assert facts["interrupted"] is True
    assert facts["truncated"] is True
    assert facts["truncated_detail"] == f"reading was interrupted after 6 packets ({len(silent)} bytes)"


def test_markdown_says_that_it_was_interrupted(silent: bytes) -> None:
    assert "interrupted" in interrupted(silent, "--markdown")[1]


def test_no_silence_is_reported_beyond_the_last_packet_read(silent: bytes) -> None:
    """The client had just sent its hello when reading was interrupted: how long it waited is not known."""
    code, out, _ = interrupted(silent[: len(silent) // 2], "--json", "--watched-until", "+60")
    assert code == 130
    (conversation,) = json.loads(out)["conversations"]
    assert conversation["outcome"] == "unproven"


def test_without_a_packet_there_is_no_report(silent: bytes) -> None:
    for content in (b"", silent[:24]):
        code, out, err = interrupted(content)
        assert (code, out, err) == (130, "", "")


def test_a_second_interrupt_ends_the_program() -> None:
    work = ReadingProgress()
    work.bytes_done = 1
    work.stop()
    with pytest.raises(KeyboardInterrupt):
        work.stop()


def test_inputs_not_read_are_counted(silent: bytes, tmp_path: Path) -> None:
    code, out, err = interrupted(silent, str(tmp_path / "silent.pcap"), "-", "never.pcap")
    assert code == 130
    assert "silent" in out
    assert "interrupted; 2 of 4 inputs not read" in err


def test_with_several_processes_perhaps_no_input_was_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def in_parallel(*_: object) -> Iterator[str]:
        raise KeyboardInterrupt
        yield ""

    monkeypatch.setattr("ibsniff.analysis.workers.in_parallel", in_parallel)
    with pytest.raises(UserError, match="interrupted before any of 2 inputs was read to its end") as caught:
        list(results_of_each(str, Inputs(["a.pcap", "b.pcap"]), 2, ReadingProgress()))
    assert caught.value.exit_code is ExitCode.INTERRUPTED
    assert "--jobs 1" in caught.value.what_to_do


# -- progress ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def seen_on(terminal: int, until: bytes) -> bytes:
    seen = b""
    while until not in seen:
        assert select.select([terminal], [], [], DEADLINE)[0], seen
        seen += os.read(terminal, 65_536)
    return seen


def test_a_terminal_shows_progress_that_disappears_at_the_end(silent: bytes, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    with a_pipe_that_stays_open(silent) as pipe, reading("-", stdin=pipe, stderr=theirs) as process:
        seen_on(ours, b"1 connection")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=DEADLINE)
        assert b"IBS301" in out
        assert b"\x1b[2K" in seen_on(ours, b"\x1b[?25h\r\x1b[1A\x1b[2K"), "the line is removed"


def test_a_short_reading_shows_no_progress(tmp_path: Path, silent: bytes, terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    with reading(str(tmp_path / "silent.pcap"), stdin=subprocess.DEVNULL, stderr=theirs) as process:
        process.communicate(timeout=DEADLINE)
    assert not select.select([ours], [], [], 0)[0]
