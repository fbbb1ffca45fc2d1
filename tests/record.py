"""Record the scenarios in ``captures/`` anew: ``python tests/record.py [--clients DIR] [NAME...]``; without NAME, list.

Each is recorded in network namespaces of its own: the stand-in TWS, a real client library, and tcpdump or dumpcap.
Needs Linux, root, and the tools in ``TOOLS``; the client libraries are installed with pip and npm on first use.
What a scenario promises (``[expect]``) is kept when it is recorded again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from recording.keeping import publish
from recording.libraries import client_command, install
from recording.machines import PATIENCE, Process, namespaces, run, start
from recording.scenarios import RECORDINGS, Recording

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("ip", "ss", "iptables", "tcpdump", "dumpcap", "socat", "curl", "openssl", "node", "npm")

SETTLE = 1.0
"""Seconds a capture tool may hold packets back before it writes them."""
FILTER = "tcp or icmp or arp"
BUFFER = {"tcpdump": "16384", "dumpcap": "16"}
"""Kernel buffer: 16 MiB, which one counts in KiB and the other in MiB."""

STAND_IN = """
import json, sys
from ibsniff import standin
standin.serve(**json.loads(sys.argv[1]), on_event=lambda event: print(event, flush=True))
"""

CROWD = """
import socket, sys
crowd = [socket.create_connection((sys.argv[1], int(sys.argv[2]))) for _ in range(int(sys.argv[3]))]
print("crowded", flush=True)
sys.stdin.read()
"""


def record(recording: Recording, clients: Path) -> None:
    """Record one scenario and put it into its folder."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as undo:
        on_client, on_server = undo.enter_context(namespaces(recording))
        raw = Path(folder) / "raw"
        server = start_server(recording, on_server, undo)
        if recording.crowd:
            crowd = [*on_client, sys.executable, "-c", CROWD, recording.host, str(recording.port), str(recording.crowd)]
            start(undo, crowd).wait_for("crowded")
        if recording.joins_late:
            client = start(undo, client_command(recording, on_client, clients))
            client.wait_for("ready")
            capture = start_capture(recording, on_client, raw, undo)
        else:
            capture = start_capture(recording, on_client, raw, undo)
            client = start(undo, client_command(recording, on_client, clients))
        if recording.hang is None:
            client.child.wait(PATIENCE)
        else:
            wait_for_call(server, raw, recording)
        time.sleep(SETTLE if recording.hang is None else recording.hang)
        end_capture(recording, capture)
        publish(recording, raw)
        print(f"{recording.name}: {client.lines[-1:]}", flush=True)


def start_server(recording: Recording, inside: list[str], undo: ExitStack) -> Process | None:
    if recording.relay:
        listen, target = recording.relay
        start(undo, [*inside, "socat", f"TCP-LISTEN:{listen},fork,reuseaddr", f"TCP:127.0.0.1:{target}"])
        while f":{listen} " not in run(*inside, "ss", "-Hltn"):
            time.sleep(0.05)
    if recording.mode is None:
        return None
    options = {"mode": recording.mode, "host": recording.host, "port": recording.port} | recording.options
    server = start(undo, [*inside, sys.executable, "-c", STAND_IN, json.dumps(options)], cwd=ROOT)
    server.wait_for("listening on")
    return server


def start_capture(recording: Recording, inside: list[str], raw: Path, undo: ExitStack) -> Process:
    wanted = f"({FILTER}) and not ({recording.unseen})" if recording.unseen else FILTER
    size = ["-s", str(recording.snaplen), "-B", BUFFER[recording.tool]]
    tool = [*inside, recording.tool, "-i", recording.interface, *size]
    if recording.tool == "tcpdump":
        options = ["--time-stamp-precision=nano", "--immediate-mode", "-U", "-n", "-Z", "root"]
        capture = start(undo, [*tool, *options, "-w", str(raw), wanted])
        capture.wait_for("listening on")
    else:
        capture = start(undo, [*tool, "-w", str(raw), "-f", wanted])
        capture.wait_for("File:")
    return capture


def end_capture(recording: Recording, capture: Process) -> None:
    """Stop it, and insist that it lost nothing: with too small a buffer ``any`` loses packets of a burst."""
    capture.end(signal.SIGINT)
    capture.wait_for("dropped")
    told = "\n".join(capture.lines)
    if not re.search(r"^0 packets dropped by kernel|received/dropped on interface .*: \d+/0 ", told, re.MULTILINE):
        raise SystemExit(f"{recording.name}: the capture lost packets: {told}")


def wait_for_call(server: Process | None, raw: Path, recording: Recording) -> None:
    """Wait until the client has called: the stand-in says so, and for a cut of under a second, the file does."""
    if server is not None:
        server.wait_for("connected")
    deadline = time.monotonic() + PATIENCE
    while recording.hang < 1 and b"API\0" not in raw.read_bytes():
        if time.monotonic() > deadline:
            raise SystemExit(f"{recording.name}: no hello in the capture")
        time.sleep(0.01)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to record, or 'all'; without, list")
    parser.add_argument("--clients", type=Path, default=Path(tempfile.gettempdir()) / "ibsniff-clients")
    arguments = parser.parse_args()
    if not arguments.names:
        for recording in RECORDINGS.values():
            print(f"{recording.name:34} {recording.title}")
        return
    names = list(RECORDINGS) if arguments.names == ["all"] else arguments.names
    if unknown := set(names) - set(RECORDINGS):
        raise SystemExit(f"no such scenario: {', '.join(sorted(unknown))}")
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        raise SystemExit(f"missing: {', '.join(missing)}")
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        raise SystemExit("recording needs Linux and root: network namespaces, packet sockets")
    install(arguments.clients)
    for name in names:
        record(RECORDINGS[name], arguments.clients)


if __name__ == "__main__":
    main()
