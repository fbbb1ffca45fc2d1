"""Record the scenarios in ``captures/`` anew: ``python tests/record.py [--clients DIR] [--into DIR] [NAME...]``.

Without NAME it lists them; ``all`` records all. Each is recorded in network namespaces of its own: the stand-in TWS, real
client libraries, and tcpdump or dumpcap. Needs Linux, root, and the tools in ``TOOLS``; the client libraries are installed
with pip and npm on first use. What a scenario promises (``[expect]``) is kept when it is recorded again, but for the
digest of its capture. So ``--into`` some other folder, and ``ibsniff regress`` of that, tries whether they can be repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from recording.entries import CLIENT, SERVER, Recording, Visitor
from recording.keeping import CAPTURES, publish
from recording.libraries import HERE, INSTALLED, RELAYS, SERVERS, SSH_SERVER, client_command, install, python_of
from recording.machines import PATIENCE, Process, close_port, namespaces, run, start
from recording.scenarios import RECORDINGS

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("ip", "ss", "iptables", "tcpdump", "dumpcap", "socat", "curl", "openssl", "node", "npm", "java", "ssh")

SETTLE = 1.0
"""Seconds a capture tool may hold packets back before it writes them."""
FILTER = "tcp or icmp or arp"
BUFFER = {"tcpdump": "16384", "dumpcap": "16"}
"""Kernel buffer: 16 MiB, which one counts in KiB and the other in MiB."""
HEADER = 24
"""Bytes a classic capture has before its first packet."""
JOBS = 4
"""Recordings at a time: they mostly wait."""

STAND_IN = """
import json, sys
from ibsniff import standin
standin.serve(**json.loads(sys.argv[1]), on_event=lambda event: print(event, flush=True))
"""


@dataclass(frozen=True)
class Stage:
    """Where one scenario is played."""

    recording: Recording
    clients: Path
    machines: dict[str, list[str]]
    """Name -> what puts a command on it."""
    raw: Path
    undo: ExitStack

    def call(self, visitor: Visitor) -> Process:
        """Start a client, which connects."""
        host, port = visitor.host or self.recording.host, self.recording.port
        command = client_command(visitor.client, self.machines[visitor.on], self.clients, host, port)
        return start(self.undo, command)


def record(recording: Recording, clients: Path, into: Path) -> str:
    """Record one scenario and put it into its folder; what its first client said last."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as undo:
        on_client, on_server = undo.enter_context(namespaces(recording))
        stage = Stage(recording, clients, {CLIENT: on_client, SERVER: on_server}, Path(folder) / "raw", undo)
        server = set_up(stage)
        capture, client = begin(stage)
        began = time.monotonic()
        trouble(stage, server, client)
        visitors = [client]
        for visitor in recording.company:
            time.sleep(max(0.0, began + visitor.after - time.monotonic()))
            visitors.append(stage.call(visitor))
        if recording.hang is None:
            for one in visitors:
                one.child.wait(PATIENCE)
        else:
            wait_for_connection(server, stage.raw, recording.hang, firewalled=bool(recording.firewall))
        time.sleep(SETTLE if recording.hang is None else recording.hang)
        end_capture(recording, capture)
        publish(recording, stage.raw, into)
        return f"{recording.name}: {client.lines[-1:]}"


def set_up(stage: Stage) -> Process | None:
    """All there is before the capture begins; what listens."""
    if stage.recording.relay:
        start_relay(stage, *stage.recording.relay)
    server = start_server(stage) if stage.recording.mode else None
    if stage.recording.crowd:
        stage.call(Visitor(0, ("crowd", str(stage.recording.crowd)))).wait_for("crowded")
    return server


def start_relay(stage: Stage, port: int, target: int) -> None:
    inside, by = stage.machines[SERVER], stage.recording.relayed_by
    if by == "ssh":
        far_end = [str(python_of(stage.clients, SSH_SERVER)), str(HERE / "clients" / "ssh_server.py")]
        start(stage.undo, [*inside, *far_end]).wait_for("listening on")
    start(stage.undo, [*inside, *RELAYS[by].format(port=port, target=target).split()])
    deadline = time.monotonic() + PATIENCE
    while f":{port} " not in run(*inside, "ss", "-Hltn"):
        if time.monotonic() > deadline:
            raise SystemExit(f"{stage.recording.name}: no relay")
        time.sleep(0.05)


def start_server(stage: Stage) -> Process:
    recording = stage.recording
    options = {"mode": recording.mode, "host": recording.host, "port": recording.port} | recording.options
    command, listens = [sys.executable, "-c", STAND_IN, json.dumps(options)], "listening on"
    if recording.mode in SERVERS:
        program, listens = SERVERS[recording.mode]
        command = [part.format(port=recording.port) for part in program]
    server = start(stage.undo, [*stage.machines[SERVER], *command], cwd=ROOT)
    server.wait_for(listens)
    return server


def begin(stage: Stage) -> tuple[Process, Process]:
    """The capture and the first client, as a rule in this order."""
    recording = stage.recording
    inside, first = stage.machines[recording.watched_on], Visitor(0, recording.client)
    if recording.joins_late:
        client = stage.call(first)
        client.wait_for("ready")
        return start_capture(recording, inside, stage.raw, stage.undo), client
    capture = start_capture(recording, inside, stage.raw, stage.undo)
    if recording.loses:
        lose(capture, inside)
    return capture, stage.call(first)


def trouble(stage: Stage, server: Process | None, client: Process) -> None:
    """What happens to the session once it is ready."""
    recording = stage.recording
    if recording.frozen and server is not None:  # as a hung process stands still: its kernel goes on for it
        client.wait_for("ready")
        after, seconds = recording.frozen
        time.sleep(after)
        server.child.send_signal(signal.SIGSTOP)
        wake = threading.Timer(seconds, server.child.send_signal, [signal.SIGCONT])
        stage.undo.callback(wake.cancel)
        wake.start()
    if recording.cut_off is not None:
        client.wait_for("ready")
        time.sleep(recording.cut_off)
        close_port(stage.machines[SERVER], "--dport", recording.port, recording.cut_off_by)


def start_capture(recording: Recording, inside: list[str], raw: Path, undo: ExitStack) -> Process:
    wanted = f"({FILTER}) and not ({recording.unseen})" if recording.unseen else FILTER
    size = ["-s", str(recording.snaplen), "-B", "1" if recording.loses else BUFFER[recording.tool]]
    tool = [*inside, recording.tool, "-i", recording.interface, *size]
    if recording.tool == "tcpdump":
        options = ["--time-stamp-precision=nano", "--immediate-mode", "-U", "-n", "-Z", "root"]
        capture = start(undo, [*tool, *options, "-w", str(raw), wanted])
        capture.wait_for("listening on")
    else:
        beside = ["-i", recording.beside] if recording.beside else []
        capture = start(undo, [*tool, "-f", wanted, *beside, "-w", str(raw)])
        capture.wait_for("File:")
    return capture


def lose(capture: Process, inside: list[str]) -> None:
    """Let it lose packets: it is stopped while connection attempts to a closed port come.

    Its buffer of 1 MiB is 8 blocks, and the kernel ends a block that holds a packet after 0.25 s, full or not.
    """
    capture.child.send_signal(signal.SIGSTOP)
    for _ in range(14):
        subprocess.run(
            [*inside, "socat", "-u", "/dev/null", "TCP:127.0.0.1:9999"], stderr=subprocess.DEVNULL, check=False
        )
        time.sleep(0.35)
    capture.child.send_signal(signal.SIGCONT)


def end_capture(recording: Recording, capture: Process) -> None:
    """Stop it, and insist that it lost nothing: with too small a buffer ``any`` loses packets of a burst."""
    capture.end(signal.SIGINT)
    capture.wait_for("dropped")
    told = "\n".join(capture.lines)
    whole = re.search(r"^0 packets dropped by kernel|received/dropped on interface .*: \d+/0 ", told, re.MULTILINE)
    if bool(whole) is recording.loses:
        raise SystemExit(f"{recording.name}: packets were lost, or should have been: {told}")


def wait_for_connection(server: Process | None, raw: Path, hang: float, *, firewalled: bool) -> None:
    """Wait until the client has connected: the stand-in says so; the file does when less than a second is recorded."""
    if server is not None and not firewalled:
        server.wait_for("connected")
    awaited = b"" if firewalled else b"API\0"
    deadline = time.monotonic() + PATIENCE
    while hang < 1 and not (len(raw.read_bytes()) > HEADER and awaited in raw.read_bytes()):
        if time.monotonic() > deadline:
            raise SystemExit(f"no connection in {raw}")
        time.sleep(0.01)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to record, or 'all'; without, list")
    parser.add_argument("--clients", type=Path, default=INSTALLED)
    parser.add_argument("--into", type=Path, default=CAPTURES, help="folder to write to (captures/)")
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
    with ProcessPoolExecutor(JOBS) as pool:
        doing = partial(record, clients=arguments.clients, into=arguments.into)
        for said in pool.map(doing, [RECORDINGS[name] for name in names]):
            print(said, flush=True)


if __name__ == "__main__":
    main()
