"""Healthy sessions at more than this machine can follow: whom does ``ibsniff live`` accuse of what it has not captured?

    sudo python tests/benchmark/healthy_load.py --seconds 10
    sudo python tests/benchmark/healthy_load.py --python OTHER/.venv/bin/python   (another version, for comparison)

In a network namespace of its own, clients connect to `ibsniff simulate ok` over loopback, do what ib_async does to become
ready, and close, as fast as they can; some stay connected. The capture has a small buffer, and is stopped for most of the
time (SIGSTOP), so that the kernel drops packets. Every session is healthy, so each accusation in any output is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from live_namespace import in_namespace
from standin_server import HELLO

PORT = 7497
CLIENTS, STAYING, EVERY = 8, 250, 8
"""Clients, the sessions of each that stay to the end, idle, and how many there are for one of these."""
IDLE_SECONDS = 8.0
"""For so long nothing happens in them before the capture ends: longer than any client waits for a reply."""
BUFFER_BYTES = 2 << 20
STOPPED_SECONDS, RUNNING_SECONDS = 0.15, 0.3
BLAMED = {"client", "tws_config", "tws_state", "network", "ib"}
FAILURES = {"silent", "unreachable", "not_asked", "cut_off", "refused", "reset", "closed", "foreign"}

LIVE = f"""
from ibsniff.capture import socket_backend
socket_backend.RECEIVE_BUFFER = {BUFFER_BYTES}
from ibsniff.__main__ import main
main()
"""
"""``ibsniff`` with a small buffer."""

SERVE = "from ibsniff import standin; standin.serve('ok', '127.0.0.1', 7497, on_event=lambda line: None)"


class Outcome(NamedTuple):
    """What one form of output says of sessions that are all healthy."""

    accusations: Counter[str]
    dropped: int
    exit_code: int


def become_ready(client_id: int) -> socket.socket:
    """One healthy session."""
    start_api = b"71\x002\x00%d\0\0" % client_id
    connection = socket.create_connection(("127.0.0.1", PORT))
    connection.sendall(HELLO)
    connection.recv(4096)
    connection.sendall(len(start_api).to_bytes(4, "big") + start_api)
    received = b""
    while b"9\x001\x001\x00" not in received and (more := connection.recv(4096)):  # nextValidId
        received += more
    return connection


def work(seconds: float) -> None:
    """Sessions one after the other, some of which stay; print how many, and leave when standard input is closed."""
    until, count = time.monotonic() + seconds, 0
    staying = []
    while time.monotonic() < until:
        session = become_ready(os.getpid() * 100_000 % 2**30 + count)
        count += 1
        if count % EVERY == 0 and len(staying) < STAYING:
            staying.append(session)
        else:
            session.close()
    print(count, flush=True)
    sys.stdin.read()


def hold_up(process: subprocess.Popen[str], seconds: float) -> None:
    """Let it run for a part of the time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        process.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED_SECONDS)
        process.send_signal(signal.SIGCONT)
        time.sleep(RUNNING_SECONDS)


def accusations_in(events: list[dict[str, object]]) -> Counter[str]:
    """What NDJSON events, or the document in the last of them, say against anybody."""
    found: Counter[str] = Counter()
    for event in events:
        if event["type"] == "report":
            report = event["report"]
            assert isinstance(report, dict)
            told = [*report["findings"], *(each for one in report["conversations"] for each in one["findings"])]
            found.update(f"report {one['code']}" for one in told if one["fault"] in BLAMED)
            verdict = report["verdict"]
            found.update(f"count {name}" for name in verdict["counts"] if name in FAILURES)
            found.update({f"verdict {verdict['outcome']} {verdict['code']}"} if verdict["fault"] in BLAMED else ())
        elif event.get("fault") in BLAMED or event.get("outcome") in FAILURES:
            found[f"event {event['type']} {event.get('outcome')} {event.get('code') or ''}".strip()] += 1
    return found


def accusations_in_lines(lines: list[str]) -> Counter[str]:
    """What lines say: of ``-q`` or of live output to a pipe."""
    words = ("Fix:", "fix:", *(f"outcome {name}" for name in FAILURES))
    return Counter(word for line in lines for word in words if word in line)


def run(python: str, form: tuple[str, ...], seconds: float) -> tuple[int, Outcome]:
    """One capture under load."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as printed:
        Path(folder).chmod(0o777)
        verdicts = Path(folder) / "verdicts"
        told = f'echo "$IBSNIFF_OUTCOME $IBSNIFF_FAULT $IBSNIFF_DROPPED" >> {verdicts}'
        command = [python, "-c", LIVE, "live", "-i", "lo", "--fail-on", "error", "--on-verdict", told, *form]
        live = subprocess.Popen(command, cwd=folder, stdout=printed, stderr=subprocess.PIPE, text=True)
        assert live.stderr is not None
        said = ""
        while not (line := live.stderr.readline()).startswith("listening"):
            if not line:
                raise SystemExit(f"the capture does not start (exit code {live.wait()}): {said}")
            said += line
        command = [sys.executable, __file__, "--work", str(seconds)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        clients = [subprocess.Popen(command, **pipes) for _ in range(CLIENTS)]
        hold_up(live, seconds)
        sessions = sum(int(client.stdout.readline()) for client in clients)
        time.sleep(IDLE_SECONDS)
        live.send_signal(signal.SIGINT)
        said += live.communicate()[1]
        for client in clients:
            client.communicate()
        printed.seek(0)
        lines = printed.read().splitlines()
        lost = [
            int(one.split(" packets lost so far")[0].split()[-1].replace(",", ""))
            for one in said.splitlines()
            if "lost so far" in one
        ]
        if "--json" in form:
            events = [json.loads(line) for line in lines]
            found = accusations_in(events)
            lost = [events[-1]["report"]["inputs"][0]["dropped"] or 0]
        else:
            found = accusations_in_lines(lines)
        ran = verdicts.read_text().splitlines() if verdicts.exists() else []
        found.update(
            f"--on-verdict {one}" for one in (" ".join(line.split()[:2]) for line in ran) if one.split()[1] in BLAMED
        )
        return sessions, Outcome(found, max(lost, default=0), live.returncode)


def compare(python: str, seconds: float) -> int:
    """All forms of output; the number of accusations."""
    server = subprocess.Popen([sys.executable, "-c", SERVE])
    wrong = 0
    try:
        time.sleep(1)
        for form in (("--json",), ("-q",), ()):
            sessions, seen = run(python, form, seconds)
            wrong += seen.accusations.total() + (seen.exit_code != 0)
            name = " ".join(form) or "lines"
            print(f"{name:7} {sessions / seconds:6.0f} sessions a second, {seen.dropped:7,} packets lost, ", end="")
            print(f"exit code {seen.exit_code}, accusations: {dict(seen.accusations) or 'none'}", flush=True)
    finally:
        server.terminate()
        server.wait()
    return wrong


def main() -> None:
    """Read the arguments and run in a namespace."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the ibsniff to be tried")
    parser.add_argument("--work", type=float, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        work(chosen.work)
    else:
        raise SystemExit(bool(in_namespace(lambda: compare(chosen.python, chosen.seconds))))


if __name__ == "__main__":
    main()
