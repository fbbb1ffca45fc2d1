"""``ibsniff live`` as a user runs it: a real process, a stand-in TWS, and a real client, in a network of their own."""

from __future__ import annotations

import ctypes
import importlib.util
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from live_namespace import in_namespace, needs_namespace
from standin_server import HELLO, Caller, running

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
            printed, complaints = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, complaints
        return [json.loads(line) for line in printed.splitlines()]

    return in_namespace(inside)


def ib_async(port: int) -> None:
    subprocess.run([sys.executable, "-c", IB_ASYNC, str(port)], capture_output=True, timeout=PATIENCE, check=False)


def says_hello(port: int) -> None:
    with Caller(port) as caller:
        caller.greet()


def as_file(path: Path) -> dict[str, Any]:
    """What ``read`` says of the file that live wrote."""
    command = [sys.executable, "-m", "ibsniff", "read", "--json", str(path)]
    document = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert isinstance(document, dict)
    return without_path(document)


def without_path(document: dict[str, Any]) -> dict[str, Any]:
    for facts in document["inputs"]:
        del facts["path"]
    return document


@needs_ib_async
def test_a_silent_tws_is_said_within_six_seconds_and_never_the_clients_fault(tmp_path: Path) -> None:
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
def test_a_good_session_is_ready_and_nobodys_fault(tmp_path: Path) -> None:
    kept = tmp_path / "ok.pcapng"
    events = watch("ok", ib_async, "--until-verdict", "-w", str(kept))
    document = events[-1]["report"]
    assert (document["verdict"]["outcome"], document["verdict"]["fault"]) == ("replied", "none")
    assert document["conversations"][0]["rung"] == "ready"
    assert without_path(document) == as_file(kept)


def test_silence_is_concluded_while_nothing_comes_any_more() -> None:
    """A client that waits for ever: only ticks can tell."""

    def inside() -> dict[str, Any]:
        with running("silent", port=7497) as server, live("--json", "--until-verdict") as process:
            with Caller(server.port) as caller:
                caller.send(HELLO)
                printed, _ = process.communicate(timeout=PATIENCE)
            return json.loads(printed.splitlines()[-1])["report"]["verdict"]  # type: ignore[no-any-return]

    assert in_namespace(inside)["code"] == "IBS301"


def test_ndjson_tells_the_story_in_order_and_ends_with_the_document() -> None:
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
def test_a_signal_ends_the_capture_and_not_the_report(stop: signal.Signals, tmp_path: Path) -> None:
    kept = tmp_path / "stopped.pcapng"

    def inside() -> tuple[int, str]:
        with running("ok", port=7497) as server, live("-w", str(kept)) as process:
            says_hello(server.port)
            assert process.stdout is not None
            assert "calls 127.0.0.1:7497" in process.stdout.readline()
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


def test_it_stops_after_a_time_and_says_what_a_quiet_line_means() -> None:
    def inside() -> tuple[str, str]:
        with live("-a", "duration:6") as process:
            return process.communicate(timeout=PATIENCE)

    printed, complaints = in_namespace(inside)
    assert "IBS006" in printed
    assert "Not one packet has crossed lo" in complaints


def test_both_back_ends_say_the_same() -> None:
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


def test_without_permission_it_says_the_line_that_works() -> None:
    command = [sys.executable, "-m", "ibsniff", "live", "-i", "lo"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=drop_net_raw)
    assert result.returncode == 4
    assert "no permission" in result.stderr
    assert "tcpdump -i lo" in result.stderr
    assert "sudo" in result.stderr
    assert "Traceback" not in result.stderr
