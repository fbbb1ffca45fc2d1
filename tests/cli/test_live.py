"""``ibsniff live`` as a user runs it: a real process, a stand-in TWS, and a real client, in a network of their own."""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from live_namespace import in_namespace, needs_namespace
from standin_server import HELLO, Caller, running

if sys.platform == "linux":
    import fcntl
    import termios

pytestmark = needs_namespace

PR_CAPBSET_DROP, CAP_NET_RAW = 24, 13

PATIENCE = 30.0
"""Seconds after which a test gives up; reached only by a failing one."""

needs_ib_async = pytest.mark.skipif(importlib.util.find_spec("ib_async") is None, reason="needs the client ib_async")

IB_ASYNC = """
import sys
from ib_async import IB
ib = IB()
try:
    ib.connect("127.0.0.1", int(sys.argv[1]), clientId=5)
    ib.disconnect()
except (TimeoutError, ConnectionError) as error:
    sys.exit(type(error).__name__)
"""


@contextmanager
def live(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that listens on lo: armed when this yields."""
    command = [sys.executable, "-m", "ibsniff", "live", "-i", "lo", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("listening on lo")
        yield process
    finally:
        process.kill()
        process.communicate()


def watch(mode: str, call: Callable[[int], None], *arguments: str, **options: Any) -> list[dict[str, Any]]:
    """Run the stand-in and a client beside ``live --json``; its NDJSON."""

    def inside() -> list[dict[str, Any]]:
        with running(mode, port=7497, **options) as server, live("--json", *arguments) as process:
            call(server.port)
            printed, messages = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, messages
        return [json.loads(line) for line in printed.splitlines()]

    return in_namespace(inside)


def ib_async(port: int) -> None:
    subprocess.run([sys.executable, "-c", IB_ASYNC, str(port)], capture_output=True, timeout=PATIENCE, check=False)


def says_hello(port: int) -> None:
    with Caller(port) as caller:
        caller.greet()


def as_file(path: Path) -> dict[str, Any]:
    """What ``read`` reports about the file that ``live`` wrote."""
    command = [sys.executable, "-m", "ibsniff", "read", "--json", str(path)]
    document = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert isinstance(document, dict)
    return without_path(document)


def without_path(document: dict[str, Any]) -> dict[str, Any]:
    for facts in document["inputs"]:
        del facts["path"]
    return document


@needs_ib_async
def test_a_silent_tws_is_reported_within_six_seconds_and_never_blamed_on_the_client(tmp_path: Path) -> None:
    kept = tmp_path / "silent.pcapng"
    events = watch("silent", ib_async, "--until-verdict", "-w", str(kept))
    document = events[-1]["report"]
    verdict, (conversation,) = document["verdict"], document["conversations"]
    assert (verdict["outcome"], verdict["fault"], verdict["code"]) == ("silent", "tws_state", "IBS301")
    hello = conversation["hello"]["packets"][0]
    assert {hello, hello + 1} <= set(conversation["findings"][0]["packets"]), "the hello, and the ACK after it"
    assert conversation["timings"]["watched"] < 6.0, "packet time, not this machine's speed"
    assert without_path(document) == as_file(kept)


@needs_ib_async
def test_a_good_session_is_ready_and_has_no_fault(tmp_path: Path) -> None:
    kept = tmp_path / "ok.pcapng"
    events = watch("ok", ib_async, "--until-verdict", "-w", str(kept))
    document = events[-1]["report"]
    assert (document["verdict"]["outcome"], document["verdict"]["fault"]) == ("replied", "none")
    assert document["conversations"][0]["rung"] == "ready"
    assert without_path(document) == as_file(kept)


def test_silence_is_concluded_while_no_packet_comes() -> None:
    """A client that waits for ever: only ticks can tell."""

    def inside() -> dict[str, Any]:
        with running("silent", port=7497) as server, live("--json", "--until-verdict") as process:
            with Caller(server.port) as caller:
                caller.send(HELLO)
                printed, _ = process.communicate(timeout=PATIENCE)
            return json.loads(printed.splitlines()[-1])["report"]["verdict"]  # type: ignore[no-any-return]

    assert in_namespace(inside)["code"] == "IBS301"


def test_ndjson_events_are_in_order_and_end_with_the_document() -> None:
    kinds = [event["type"] for event in watch("close-after-hello", closes, "--until-verdict")]
    assert kinds[0] == "listening"
    assert kinds[1] == "conversation"
    assert kinds[-1] == "report"
    assert {"rung", "outcome", "finding"} <= set(kinds)


def closes(port: int) -> None:
    with Caller(port) as caller:
        caller.send(HELLO)
        assert caller.rest() == b""


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_capture_but_not_the_report(stop: signal.Signals, tmp_path: Path) -> None:
    kept = tmp_path / "stopped.pcapng"

    def inside() -> tuple[int, str]:
        with running("ok", port=7497) as server, live("-w", str(kept)) as process:
            says_hello(server.port)
            assert process.stdout is not None
            assert "connects to 127.0.0.1:7497" in process.stdout.readline()
            process.send_signal(stop)
            printed, _ = process.communicate(timeout=PATIENCE)
            return process.returncode, printed

    code, printed = in_namespace(inside)
    assert code == 0
    assert "127.0.0.1:7497" in printed
    assert as_file(kept)["inputs"][0]["watched_by"] == "capture"


def test_it_stops_after_a_number_of_packets() -> None:
    document = watch("ok", says_hello, "-c", "3")[-1]["report"]
    assert document["inputs"][0]["packets"] == 3


def test_it_stops_after_a_time_and_explains_missing_traffic() -> None:
    def inside() -> tuple[str, str]:
        with live("-a", "duration:6") as process:
            return process.communicate(timeout=PATIENCE)

    printed, messages = in_namespace(inside)
    assert "No API conversation was found" in printed
    assert "No packet has passed through lo" in messages


def test_both_back_ends_report_the_same() -> None:
    pytest.importorskip("scapy", reason="needs scapy")
    verdicts = [
        watch("close-after-hello", closes, "--until-verdict", "--backend", name)[-1]["report"]["verdict"]["code"]
        for name in ("socket", "scapy")
    ]
    assert verdicts == ["IBS304", "IBS304"]


def drop_net_raw() -> None:
    """Take CAP_NET_RAW out of the bounding set (capabilities(7)): what is executed next has it no more, even as root."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def test_without_permission_it_prints_the_command_that_works() -> None:
    command = [sys.executable, "-m", "ibsniff", "live", "lo"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=drop_net_raw)
    assert result.returncode == 4
    first = result.stderr.splitlines()[0]
    assert "no permission to capture on lo: sudo " in first
    assert first.endswith(" live lo")
    assert "tcpdump -i lo" in result.stderr
    assert "setcap" in result.stderr
    assert "Traceback" not in result.stderr


# -- how it is asked for ------------------------------------------------------------------------------------------------


def ibsniff(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ibsniff", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)


def test_a_file_is_not_captured_but_read(tmp_path: Path) -> None:
    file = tmp_path / "x.pcap"
    file.touch()
    result = ibsniff("live", str(file))
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        f"ibsniff: {file} is a file, not an interface",
        f"  To read it: ibsniff read {file}",
    ]


def test_without_an_interface_it_chooses_by_traffic_and_says_why() -> None:
    def inside() -> subprocess.CompletedProcess[str]:
        with running("ok", port=7497):
            return ibsniff("live", "-a", "duration:0.2", "--json")

    done = in_namespace(inside)
    first, why = done.stderr.splitlines()[:2]
    assert first == "listening on lo (Ethernet), Ctrl-C stops"
    assert "listens on" in why
    assert "7497" in why
    assert json.loads(done.stdout.splitlines()[0])["interfaces"] == [{"name": "lo", "link_type": 1}]


def test_all_interfaces_at_once(tmp_path: Path) -> None:
    kept = tmp_path / "any.pcapng"

    def inside() -> dict[str, Any]:
        command = [sys.executable, "-m", "ibsniff", "live", "-i", "any", "--json", "--until-verdict", "-w", str(kept)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with running("close-after-hello", port=7497) as server, process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("listening on any")
            closes(server.port)
            printed, _ = process.communicate(timeout=PATIENCE)
        return without_path(json.loads(printed.splitlines()[-1])["report"])

    document = in_namespace(inside)
    assert document["verdict"]["code"] == "IBS304"
    assert document == as_file(kept)


def test_fail_on_is_an_exit_code_for_scripts() -> None:
    def inside() -> tuple[int, int]:
        codes = []
        for mode, call in (("close-after-hello", closes), ("ok", becomes_ready)):
            with running(mode, port=7497) as server, live("--until-verdict", "--fail-on", "error", "-q") as process:
                call(server.port)
                process.communicate(timeout=PATIENCE)
                codes.append(process.returncode)
        return codes[0], codes[1]

    assert in_namespace(inside) == (1, 0)


def test_a_script_fails_when_there_was_no_verdict() -> None:
    def inside() -> tuple[int, str]:
        with live("--until-verdict", "--fail-on", "error", "-q", "-a", "duration:0.5") as process:
            messages = process.communicate(timeout=PATIENCE)[1]
        return process.returncode, messages

    code, messages = in_namespace(inside)
    assert code == 1
    assert "the capture ended before any verdict was reached" in messages


def test_ctrl_c_sent_by_a_script_ends_a_background_job() -> None:
    ignoring = ["sh", "-c", 'trap "" INT; exec "$0" "$@"', sys.executable, "-m", "ibsniff", "live", "-i", "lo", "-q"]

    def inside() -> int:
        with subprocess.Popen(ignoring, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("listening on lo")
            process.send_signal(signal.SIGINT)
            return process.wait(PATIENCE)

    assert in_namespace(inside) == 0


def becomes_ready(port: int) -> None:
    with Caller(port) as caller:
        caller.greet()
        caller.frame(b"71\0002\0005\0\0")
        while not caller.take_frame().startswith(b"9\0"):
            pass


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-b", "filesize:100"), "-b needs -w"),
        (("-b", "hours:3", "-w", "x.pcapng"), "not understood"),
        (("-w", "-"), "packets are not written to stdout"),
        (("-a", "packets:3"), "not understood"),
        (("-a", "duration:inf"), "not understood"),
        (("--patience", "0"), "Give a number from 0.1 to 86400"),
        (("--patience", "inf"), "Give a number from 0.1 to 86400"),
        (("-q", "-v"), "-q and -v exclude each other"),
        (("-q", "--follow"), "-q and --follow exclude each other"),
        (("--json", "--follow"), "--json and --follow exclude each other"),
    ],
)
def test_options_that_make_no_sense(arguments: tuple[str, ...], message: str) -> None:
    done = ibsniff("live", *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_ring_of_files(tmp_path: Path) -> None:
    def inside() -> None:
        ring = ("-w", str(tmp_path / "ring.pcapng"), "-b", "duration:0.2", "-b", "files:3")
        with running("ok", port=7497) as server, live("-c", "60", *ring) as process:
            while process.poll() is None:
                says_hello(server.port)
                time.sleep(0.05)
            process.communicate(timeout=PATIENCE)

    in_namespace(inside)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert len([name for name in files if not name.startswith("ring_00000_")]) <= 3
    assert all(name.startswith("ring_0") for name in files)


def test_patience_means_the_same_live_and_in_the_file(tmp_path: Path) -> None:
    kept = tmp_path / "impatient.pcapng"

    def inside() -> dict[str, Any]:
        arguments = ("--json", "--until-verdict", "--patience", "1", "-w", str(kept))
        with running("silent", port=7497) as server, live(*arguments) as process, Caller(server.port) as caller:
            caller.send(HELLO)
            printed, _ = process.communicate(timeout=PATIENCE)
            return without_path(json.loads(printed.splitlines()[-1])["report"])

    document = in_namespace(inside)
    assert document["verdict"]["outcome"] == "silent"
    assert document["conversations"][0]["timings"]["watched"] < 3.0
    assert document == without_path(json.loads(ibsniff("read", "--json", "--patience", "1", str(kept)).stdout))
    assert as_file(kept)["verdict"]["outcome"] == "unproven"


def test_a_reply_after_the_patience_withdraws_the_silence() -> None:
    events = watch("slow", becomes_ready, "-a", "duration:4", "--patience", "0.5", delay=1.5)
    outcomes = [event["outcome"] for event in events if event["type"] == "outcome"]
    assert outcomes == ["silent", "replied"]
    assert "IBS313" in [event["code"] for event in events if event["type"] == "finding"]
    assert events[-1]["report"]["verdict"]["outcome"] == "replied"


def test_follow_prints_messages_as_they_come() -> None:
    def inside() -> str:
        with running("ok", port=7497) as server, live("--follow", "--until-verdict") as process:
            becomes_ready(server.port)
            return process.communicate(timeout=PATIENCE)[0]

    printed = in_namespace(inside)
    assert "c1 → START_API, 8 bytes: client id 5" in printed
    assert "c1 ← NEXT_VALID_ID" in printed


def test_a_command_runs_for_each_verdict(tmp_path: Path) -> None:
    def inside() -> str:
        command = f'echo "$IBSNIFF_CODE $IBSNIFF_SERVER" > {tmp_path / "verdict"}; echo done'
        with (
            running("close-after-hello", port=7497) as server,
            live("-a", "duration:2", "--on-verdict", command) as process,
        ):
            closes(server.port)
            return process.communicate(timeout=PATIENCE)[1]

    messages = in_namespace(inside)
    assert (tmp_path / "verdict").read_text() == "IBS304 127.0.0.1:7497\n"
    assert "--on-verdict c1: done" in messages


def test_the_file_tells_what_the_machine_reported(tmp_path: Path) -> None:
    pytest.importorskip("psutil", reason="needs psutil")
    kept = tmp_path / "never-accept.pcapng"

    def inside() -> str:
        arguments = ("--process", "-w", str(kept), "-a", "duration:3", "--json")
        with running("never-accept", port=7497) as server, live(*arguments) as process, Caller(server.port) as caller:
            caller.send(HELLO)
            return process.communicate(timeout=PATIENCE)[0]

    document = json.loads(in_namespace(inside).splitlines()[-1])["report"]
    ends = {each["end"]: each for each in document["inputs"][0]["machine_reports"]}
    assert ends["client"]["pid"] == os.getpid()
    assert (ends["server"]["accept_queue"], ends["server"]["unread"]) == (1, len(HELLO))
    assert without_path(document) == as_file(kept)


def test_the_processes_behind_both_ends() -> None:
    pytest.importorskip("psutil", reason="needs psutil")

    def inside() -> tuple[list[dict[str, Any]], str]:
        printed = []
        for form in (("--json",), ()):
            arguments = ("--process", "--patience", "0.5", "-a", "duration:2", *form)
            with running("silent", port=7497) as server, live(*arguments) as process, Caller(server.port) as caller:
                caller.send(HELLO)
                printed.append(process.communicate(timeout=PATIENCE)[0])
        return [json.loads(line) for line in printed[0].splitlines()], printed[1]

    events, report = in_namespace(inside)
    named = {event["end"]: event for event in events if event["type"] == "process"}
    assert named["client"]["pid"] == named["server"]["pid"] == os.getpid()
    said = events[-1]["report"]["inputs"][0]["machine_reports"]
    assert {each["end"]: each["pid"] for each in said} == {"client": os.getpid(), "server": os.getpid()}
    assert "\nThis machine reports (not from the packets)\n" in report
    assert max(map(len, report.partition("This machine reports")[2].splitlines())) <= 80, "wrapped as the report is"


# -- on a terminal -----------------------------------------------------------------------------------------------------


class OnTerminal:
    """``live`` on a terminal of its own, which can be closed."""

    def __init__(self, *arguments: str, deaf: bool = False) -> None:
        leader, follower = os.openpty()
        fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

        def settle() -> None:
            fcntl.ioctl(follower, termios.TIOCSCTTY, 0)
            if deaf:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        self.process = subprocess.Popen(
            [sys.executable, "-m", "ibsniff", "live", "-i", "lo", *arguments],
            stdin=follower,
            stdout=follower,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=settle,  # noqa: PLW1509 (the other threads of a test only wait)
            env={**os.environ, "TERM": "xterm"},
        )
        os.close(follower)
        self.leader = leader
        self.seen = b""
        assert self.process.stderr is not None
        assert self.process.stderr.readline().startswith(b"listening on lo")

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text.encode() not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.leader], [], [], 0.2)[0]:
                self.seen += os.read(self.leader, 65536)

    def press(self, keys: bytes) -> None:
        os.write(self.leader, keys)

    def hang_up(self) -> None:
        os.close(self.leader)
        self.leader = -1

    def __enter__(self) -> OnTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        if self.leader >= 0:
            self.hang_up()


def test_the_screen_on_a_terminal_and_its_keys() -> None:
    def inside() -> tuple[int, bytes]:
        with running("ok", port=7497) as server, OnTerminal() as terminal:
            says_hello(server.port)
            terminal.wait_for("▸ c1 ")
            terminal.press(b"q")
            terminal.wait_for("\x1b[?1049l")
            terminal.wait_for("machine)")
            return terminal.process.wait(PATIENCE), terminal.seen

    code, seen = in_namespace(inside)
    assert code == 0
    report = seen.rpartition(b"\x1b[?1049l")[2]
    assert b"\x1b[?25h" in seen, "the cursor is back"
    assert b"127.0.0.1:7497" in report


def test_ctrl_z_restores_the_terminal_and_takes_it_again() -> None:
    def inside() -> bytes:
        with running("ok", port=7497) as server, OnTerminal() as terminal:
            says_hello(server.port)
            terminal.wait_for("▸ c1 ")
            terminal.process.send_signal(signal.SIGTSTP)
            terminal.wait_for("\x1b[?1049l")
            status = Path(f"/proc/{terminal.process.pid}/stat")
            deadline = time.monotonic() + PATIENCE
            while status.read_text().rpartition(") ")[2][0] != "T":
                assert time.monotonic() < deadline
                time.sleep(0.02)
            terminal.seen = b""
            terminal.process.send_signal(signal.SIGCONT)
            terminal.wait_for("▸ c1 ")
            return terminal.seen

    assert in_namespace(inside).startswith(b"\x1b[?1049h")


def test_a_closed_terminal_loses_no_packet(tmp_path: Path) -> None:
    kept = tmp_path / "closed.pcapng"

    def inside() -> int:
        with running("ok", port=7497) as server, OnTerminal("-w", str(kept)) as terminal:
            says_hello(server.port)
            terminal.wait_for("▸ c1 ")
            terminal.hang_up()
            return terminal.process.wait(PATIENCE)

    in_namespace(inside)
    facts = as_file(kept)["inputs"][0]
    assert facts["packets"] >= 7
    assert facts["watched_by"] == "capture", "its end is written down"
    assert not facts["truncated"]


def test_under_nohup_it_survives_its_terminal(tmp_path: Path) -> None:
    kept = tmp_path / "nohup.pcapng"

    def inside() -> None:
        with running("ok", port=7497) as server, OnTerminal("-w", str(kept), deaf=True) as terminal:
            says_hello(server.port)
            terminal.wait_for("▸ c1 ")
            terminal.hang_up()
            time.sleep(1.2)  # it paints once a second
            assert terminal.process.poll() is None
            says_hello(server.port)
            terminal.process.send_signal(signal.SIGTERM)
            terminal.process.wait(PATIENCE)

    in_namespace(inside)
    document = as_file(kept)
    assert len(document["conversations"]) == 2
    assert document["inputs"][0]["watched_by"] == "capture"


def test_a_closed_pipe_ends_the_capture_and_completes_the_file(tmp_path: Path) -> None:
    kept = tmp_path / "head.pcapng"

    def inside() -> int:
        with running("ok", port=7497) as server, live("-w", str(kept)) as process:
            says_hello(server.port)
            assert process.stdout is not None
            process.stdout.readline()
            process.stdout.close()
            says_hello(server.port)
            return process.wait(PATIENCE)

    in_namespace(inside)
    assert as_file(kept)["inputs"][0]["watched_by"] == "capture"


def test_ctrl_c_twice_leaves_a_complete_file(tmp_path: Path) -> None:
    kept = tmp_path / "twice.pcapng"

    def inside() -> int:
        command = ("--on-verdict", "sleep 4")  # the end waits for it, and is not waited for
        with running("close-after-hello", port=7497) as server, live("-w", str(kept), *command) as process:
            closes(server.port)
            assert process.stdout is not None
            while "IBS304" not in process.stdout.readline():
                pass
            process.send_signal(signal.SIGINT)
            time.sleep(1.0)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)
            return process.returncode

    assert in_namespace(inside) == 130
    assert as_file(kept)["inputs"][0]["watched_by"] == "capture"
