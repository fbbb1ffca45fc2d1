"""Healthy sessions at twice the rate that this machine can follow: whom does ``ibsniff live`` accuse of what it has missed?

    sudo python tests/benchmark/healthy_load.py --seconds 10
    sudo python tests/benchmark/healthy_load.py --python OTHER/.venv/bin/python   (another version, for comparison)

In network namespaces of its own, real clients become ready with `ibsniff simulate ok` and stay connected, beside a flood of
recorded sessions that are sent as packets: each connects, becomes ready and closes. First the flood doubles its rate until
the capture loses packets; then each form of output is tried at twice the last rate without a loss. Every session is
healthy, so each accusation in any output is wrong. The capture has a small buffer.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from live_namespace import in_namespace, ip
from rule_wires import session
from standin_server import HELLO
from wire import Wire

from ibsniff.model import Fault
from ibsniff.render.report_view import FIX_LABELS

HERE, THERE, PORT = "10.9.0.1", "10.9.0.2", 7497
TEMPLATES = 2000
"""Different sessions of the flood; they are sent again with other addresses when all were sent."""
CLIENT, SERVER = 0x0101, 0xC802
"""The lower halves of the first addresses of the flood, 10.9.1.1 and 10.9.200.2."""
FROM_CLIENT = CLIENT.to_bytes(2, "big")
FIRST_RATE, HIGHEST_RATE = 50, 102_400
"""Sessions a second at which the search begins and ends."""
TRIAL_SECONDS, STEP_SECONDS = 3.0, 0.02
CLIENTS_EACH_SECOND = 5
IDLE_SECONDS = 8.0
"""For so long nothing happens before the capture ends: longer than any client waits for a reply."""
BUFFER_BYTES = 2 << 20
BLAMED = {"client", "tws_config", "tws_state", "network", "ib"}
FAILURES = {"silent", "unreachable", "not_asked", "cut_off", "refused", "reset", "closed", "foreign"}
ACCUSING = [label for fault, label in FIX_LABELS.items() if fault not in (Fault.NONE, Fault.UNDETERMINED)]

LIVE = f"""
from ibsniff.capture import socket_backend
socket_backend.RECEIVE_BUFFER = {BUFFER_BYTES}
from ibsniff.__main__ import main
main()
"""
"""``ibsniff`` with a small buffer."""
SERVE = f"from ibsniff import standin; standin.serve('ok', '{THERE}', {PORT}, on_event=lambda line: None)"


class Outcome(NamedTuple):
    """What one form of output says of sessions that are all healthy."""

    sent: float
    """Sessions of the flood, each second."""
    accusations: Counter[str]
    dropped: int
    exit_code: int


# -- the traffic -------------------------------------------------------------------------------------------------------


class Flood:
    """Sends healthy sessions as packets; nobody receives them, because their hardware address is nobody's.

    Each has addresses of its own: as much as is added to one is taken from the other, so that all checksums stay right.
    """

    def __init__(self) -> None:
        wires = (Wire(f"10.9.1.1:{20_000 + number}", f"10.9.200.2:{PORT}") for number in range(TEMPLATES))
        self._sessions = [[frame.data for frame in session(wire).close().frames()] for wire in wires]
        self._sent = 0
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self._socket.bind(("v0", 0))

    def send(self, rate: float, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> float:
        """Send so many sessions a second; return how many a second they were."""
        began, sent = time.monotonic(), 0
        while (elapsed := time.monotonic() - began) < seconds:
            meanwhile()
            for _ in range(min(int(elapsed * rate) - sent, int(rate * 10 * STEP_SECONDS) + 1)):
                self._send_one()
                sent += 1
            time.sleep(max(0.0, STEP_SECONDS - (time.monotonic() - began - elapsed)))
        return sent / seconds

    def _send_one(self) -> None:
        turn, template = divmod(self._sent, TEMPLATES)
        self._sent += 1
        client, server = (CLIENT + turn).to_bytes(2, "big"), (SERVER - turn).to_bytes(2, "big")
        for frame in self._sessions[template]:
            source, destination = (client, server) if frame[28:30] == FROM_CLIENT else (server, client)
            self._socket.send(b"".join((frame[:28], source, frame[30:32], destination, frame[34:])))


class Clients:
    """Real clients: a few more each second, all of which stay connected."""

    def __init__(self) -> None:
        self._open: list[socket.socket] = []
        self._due = time.monotonic()

    def work(self) -> None:
        """Open the next one if it is due."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + 1 / CLIENTS_EACH_SECOND
            self._open.append(become_ready(len(self._open)))

    def close(self) -> None:
        """Close all."""
        for each in self._open:
            each.close()


def become_ready(client_id: int) -> socket.socket:
    """One healthy session."""
    start_api = b"71\x002\x00%d\0\0" % client_id
    connection = socket.create_connection((THERE, PORT))
    connection.sendall(HELLO)
    connection.recv(4096)
    connection.sendall(len(start_api).to_bytes(4, "big") + start_api)
    received = b""
    while b"9\x001\x001\x00" not in received and (more := connection.recv(4096)):  # nextValidId
        received += more
    return connection


@contextmanager
def server() -> Iterator[None]:
    """The stand-in, at the other end of a cable into another network namespace."""
    command = ["unshare", "-n", sys.executable, "-c", f"input(); {SERVE}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        try:
            mine = Path("/proc/thread-self/ns/net").stat().st_ino
            while Path(f"/proc/{process.pid}/ns/net").stat().st_ino == mine:
                time.sleep(0.01)
            ip(f"link add v0 type veth peer name v1 netns {process.pid}")
            ip(f"addr add {HERE}/24 dev v0")
            ip("link set v0 up")
            for setting in (f"addr add {THERE}/24 dev v1", "link set v1 up"):
                subprocess.run(["nsenter", "-t", str(process.pid), "-n", "ip", *setting.split()], check=True)
            process.stdin.write("\n")
            process.stdin.flush()
            wait_for_server()
            yield
        finally:
            process.terminate()


def wait_for_server() -> None:
    """Until it accepts connections."""
    deadline = time.monotonic() + 30
    while True:
        try:
            become_ready(0).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


# -- the capture -------------------------------------------------------------------------------------------------------


@contextmanager
def live(python: str, options: list[str], folder: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """``ibsniff live``, which listens; and the file with what it prints on stdout."""
    printed = folder / "printed"
    command = [python, "-c", LIVE, "live", "-i", "v0", *options]
    with (
        printed.open("w") as stream,
        subprocess.Popen(command, cwd=folder, stdout=stream, stderr=subprocess.PIPE, text=True) as process,
    ):
        assert process.stderr is not None
        said = ""
        while not (line := process.stderr.readline()).startswith("listening"):
            if not line:
                raise SystemExit(f"the capture does not start (exit code {process.wait()}): {said}")
            said += line
        try:
            yield process, printed
        finally:
            process.kill()


def dropped_in(printed: Path) -> int:
    """How many packets the NDJSON events report as lost so far."""
    rows = [json.loads(line) for line in printed.read_text().splitlines() if line.startswith('{"type": "drops"')]
    return max((row["dropped"] for row in rows), default=0)


def rate_that_can_be_followed(python: str, flood: Flood) -> float:
    """The last rate without a loss, when the rate doubles from trial to trial."""
    rate, followed = float(FIRST_RATE), 0.0
    with tempfile.TemporaryDirectory() as name, live(python, ["--json"], Path(name)) as (process, printed):
        while rate <= HIGHEST_RATE:
            sent = flood.send(rate, TRIAL_SECONDS)
            time.sleep(1.0)  # the counters are read four times a second
            if dropped_in(printed):
                break
            followed = sent
            if sent < 0.9 * rate:
                raise SystemExit(f"this machine cannot send more than {sent:.0f} sessions a second, and follows all")
            rate *= 2
        process.send_signal(signal.SIGINT)
        process.communicate()
    if not followed:
        raise SystemExit(f"{FIRST_RATE} sessions a second are too many for this machine at present")
    return followed


def run(python: str, form: tuple[str, ...], rate: float, seconds: float, flood: Flood) -> Outcome:
    """One capture under load, in one form of output."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        verdicts = folder / "verdicts"
        told = f'echo "$IBSNIFF_OUTCOME $IBSNIFF_FAULT" >> {verdicts}'
        as_markdown = form == ("--markdown",)
        options = ["-w", "kept.pcapng"] if as_markdown else list(form)
        with live(python, [*options, "--fail-on", "error", "--on-verdict", told], folder) as (process, printed):
            clients = Clients()
            sent = flood.send(rate, seconds, clients.work)
            time.sleep(IDLE_SECONDS)
            process.send_signal(signal.SIGINT)
            said = process.communicate()[1]
            clients.close()
        lines = printed.read_text().splitlines()
        lost = [
            one.partition(" packets lost so far")[0].split()[-1] for one in said.splitlines() if "lost so far" in one
        ]
        dropped = int(lost[-1].replace(",", "")) if lost else dropped_in(printed)
        if "--json" in form:
            found = accusations_in([json.loads(line) for line in lines])
        else:
            found = accusations_in_lines(lines)
        if as_markdown:
            command = [python, "-m", "ibsniff", "read", "--markdown", str(folder / "kept.pcapng")]
            read = subprocess.run(command, capture_output=True, text=True, check=False)
            found += accusations_in_lines(read.stdout.splitlines())
        ran = verdicts.read_text().splitlines() if verdicts.exists() else []
        found.update(f"--on-verdict {one}" for one in ran if one.split()[1] in BLAMED)
        return Outcome(sent, found, dropped, process.returncode)


# -- what is said ------------------------------------------------------------------------------------------------------


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
    """What lines say: of ``-q``, of live output to a pipe, of the report at its end, or of Markdown."""
    words = (*ACCUSING, *(label[0].lower() + label[1:] for label in ACCUSING), *(f"outcome {one}" for one in FAILURES))
    return Counter(word for line in lines for word in words if word in line)


def compare(python: str, seconds: float, times: float) -> int:
    """Try all forms of output; return the number of accusations."""
    wrong = 0
    with server():
        flood = Flood()
        followed = rate_that_can_be_followed(python, flood)
        print(f"followed without a loss: {followed:.0f} sessions a second ({os.cpu_count()} processors)", flush=True)
        for form in (("--json",), ("-q",), (), ("--markdown",)):
            seen = run(python, form, times * followed, seconds, flood)
            wrong += seen.accusations.total() + (seen.exit_code != 0)
            name = " ".join(form) or "lines"
            print(f"{name:10} {seen.sent:6.0f} sessions a second, {seen.dropped:7,} packets lost, ", end="")
            print(f"exit code {seen.exit_code}, accusations: {dict(seen.accusations) or 'none'}", flush=True)
    return wrong


def main() -> None:
    """Read the arguments and run in a namespace."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--times", type=float, default=2, help="of the rate that can be followed")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the ibsniff to be tried")
    chosen = parser.parse_args()
    raise SystemExit(bool(in_namespace(lambda: compare(chosen.python, chosen.seconds, chosen.times))))


if __name__ == "__main__":
    main()
