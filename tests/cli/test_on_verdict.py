from __future__ import annotations

import errno
import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from judging import Watch, judge
from rights import as_root
from wire import START_NS, Wire

from ibsniff.cli import on_verdict
from ibsniff.cli.on_verdict import OnVerdict
from ibsniff.model import NANOSECONDS, Report

HELLO = b"API\0\0\0\0\x09v157..178"

needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
pytestmark = needs_shell


def silent(number: int = 0) -> Wire:
    wire = Wire(client=f"127.0.0.1:{50_000 + number}", start_ns=START_NS + number * NANOSECONDS)
    return wire.connect().client(HELLO).fin_client(after=4.0)


def ran(command: str, *reports: Report) -> list[str]:
    """The lines printed about the commands that are run for these reports, one after the other."""
    printed: list[str] = []
    commands = OnVerdict(command, False, printed.append)
    for report in reports:
        commands.update(report)
    commands.close()
    return printed


def test_a_command_gets_the_verdict_in_its_environment() -> None:
    names = ("CONVERSATION", "OUTCOME", "RUNG", "FAULT", "CONFIDENCE", "CODE", "CLIENT", "SERVER", "DROPPED")
    command = "echo " + " ".join(f"$IBSNIFF_{name}" for name in names)
    (printed,) = ran(command, judge(silent(), watch=Watch(dropped=3)))
    expected = "c1 silent greeted tws_state medium IBS301 127.0.0.1:50000 127.0.0.1:7497 3"
    assert printed == f"--on-verdict c1: {expected}"


def test_the_summary_is_text_and_never_code(tmp_path: Path) -> None:
    evil = b"HTTP/1.1 400 $(touch " + str(tmp_path / "pwned").encode() + b") `id` \x1b[31m'\";\r\n\r\n"
    wire = Wire().connect().client(HELLO).server(evil).fin_server(after=0.1)
    printed = ran('printf "%s" "$IBSNIFF_SUMMARY"', judge(wire))
    assert printed
    assert not (tmp_path / "pwned").exists()
    assert all(line.isprintable() for line in printed)


def test_it_runs_once_per_conversation_when_it_is_settled() -> None:
    waiting = judge(Wire().connect().client(HELLO))
    settled = judge(silent())
    assert ran("echo ran", waiting) == []
    assert ran("echo ran", waiting, settled, settled) == ["--on-verdict c1: ran"]


def test_the_exit_code_of_a_failed_command_is_reported() -> None:
    assert ran("exit 3", judge(silent())) == ["--on-verdict c1: exit code 3"]


def test_a_full_disk_is_reported_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(on_verdict.tempfile, "TemporaryFile", full)
    assert ran("echo ran", judge(silent())) == ["--on-verdict: the command cannot be run: No space left on device"]


def test_updating_does_not_wait_for_a_command(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    commands = OnVerdict(f"cat {shlex.quote(str(gate))}", False, (printed := []).append)
    commands.update(judge(silent()))
    gate.write_text("done")  # who waited would not come here
    commands.close()
    assert printed == ["--on-verdict c1: done"]


def test_many_verdicts_do_not_start_many_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(on_verdict, "MAX_RUNNING", 2)
    monkeypatch.setattr(on_verdict, "MAX_WAITING", 5)
    printed = ran("echo ran", judge(*(silent(number) for number in range(9))))
    assert printed.count("--on-verdict: not run for 4 conversations, because there were too many at once") == 1
    assert len([line for line in printed if line.endswith(": ran")]) == 5


def test_a_command_still_running_at_the_end_is_named_and_not_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_verdict, "MAX_WAIT_SECONDS", 0.1)
    printed: list[str] = []
    commands = OnVerdict("exec sleep 1", False, printed.append)
    commands.update(judge(silent()))
    commands.close()
    (line,) = printed
    process = int(re.findall(r"^--on-verdict: the command for c1 is still running \(process (\d+)\)$", line)[0])
    with pytest.warns(ResourceWarning, match=f"subprocess {process} is still running"):
        del commands
    assert os.waitpid(process, 0) == (process, 0), "it ended by itself, and well"


def test_its_output_is_bounded_and_made_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_verdict, "MAX_SHOWN_BYTES", 10)
    assert ran(r"printf '\033[2Jabcdefghijkl'", judge(silent())) == [r"--on-verdict c1: \x1b[2Jabcdef"]


def test_evicted_conversations_are_forgotten() -> None:
    """Their ids never come back; if one did, it would belong to another conversation."""
    assert ran("echo ran", judge(silent()), judge(silent())) == ["--on-verdict c1: ran"]
    nothing = Report((), None, (), ())
    assert ran("echo ran", judge(silent()), nothing, judge(silent())) == ["--on-verdict c1: ran"] * 2


@as_root
@pytest.mark.parametrize("as_root", [False, True])
def test_the_command_of_root_has_its_capabilities_only_when_asked(as_root: bool) -> None:
    printed: list[str] = []
    commands = OnVerdict("awk '/CapPrm|CapEff/ { print $2 }' /proc/self/status", False, printed.append, as_root=as_root)
    commands.update(judge(silent()))
    commands.close()
    bits = [int(line.split()[-1], 16) for line in printed]
    assert len(bits) == 2, printed
    assert all(bits) if as_root else not any(bits)
