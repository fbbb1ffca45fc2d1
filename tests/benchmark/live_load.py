"""``ibsniff live`` beside tcpdump and dumpcap on one interface under load: what each saw, lost, and cost.

    sudo python tests/benchmark/live_load.py --seconds 60 --rate 50000

A server sends small API messages to a client over loopback, in a network namespace of its own, each message in a packet
of its own, as a busy TWS does. The client only reads. Every sniffer starts before the first packet, and is stopped with
SIGINT after the last; what it wrote is counted by our own reader, its drops are what it says itself.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from live_namespace import in_namespace
from standin_server import HELLO

from ibsniff.capture.files import open_capture

PORT = 7497
TICK_PRICE = b"\0\0\0\x181\x006\x009001\x001\x00187.42\x00100\x000\0"
"""A price, 28 bytes: what a TWS sends most."""
GREETING = b"".join(
    len(payload).to_bytes(4, "big") + payload
    for payload in (b"187\x0020261120 09:30:00 EST\0", b"15\x001\x00DU1\0", b"9\x001\x001\0")
)
"""Version reply, managedAccounts and nextValidId: from here on it is a session."""
BURST_SECONDS = 0.002
"""The sender sleeps to the next of these when it is ahead: the rate is even, as far as a scheduler allows."""

FILTER = f"tcp port {PORT}"


class Sniffer(NamedTuple):
    """A program to compare, how it is started, and how it says that it lost packets."""

    name: str
    command: tuple[str, ...]
    drops: re.Pattern[str]


@dataclass
class Run:
    """One sniffer at work."""

    sniffer: Sniffer
    process: subprocess.Popen[str]
    file: Path
    said: str = ""
    seconds: float = 0.0
    peak_kilobytes: int = 0


def sniffers(folder: Path, interface: str) -> list[tuple[Sniffer, Path]]:
    """Those that are installed, with the files they write."""
    files = {name: folder / f"{name}.pcapng" for name in ("ibsniff", "tcpdump", "dumpcap")}
    ibsniff = (sys.executable, "-m", "ibsniff", "live", "-i", interface, "-w", str(files["ibsniff"]))
    tcpdump = ("tcpdump", "-i", interface, "-w", str(files["tcpdump"]), "-Z", "root", FILTER)
    dumpcap = ("dumpcap", "-q", "-i", interface, "-w", str(files["dumpcap"]), "-f", FILTER)
    found = [
        Sniffer("ibsniff", ibsniff, re.compile(r"([\d,]+) packets? lost")),
        Sniffer("tcpdump", tcpdump, re.compile(r"(\d+) packets? dropped by kernel")),
        Sniffer("dumpcap", dumpcap, re.compile(r"received/dropped on interface '.*': \d+/(\d+)")),
    ]
    return [(one, files[one.name]) for one in found if shutil.which(one.command[0])]


def start(sniffer: Sniffer, file: Path) -> Run:
    """Start it and wait until it listens."""
    process = subprocess.Popen(sniffer.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    run = Run(sniffer, process, file)
    assert process.stdout is not None
    for line in process.stdout:
        run.said += line
        if line.startswith(("listening", "tcpdump: listening", "File:")):
            return run
    raise SystemExit(f"{sniffer.name} does not start:\n{run.said}")


def stop(run: Run) -> None:
    """Stop it with Ctrl-C and see what it used."""
    run.process.send_signal(signal.SIGINT)
    assert run.process.stdout is not None
    run.said += run.process.stdout.read()
    _, _, used = os.wait4(run.process.pid, 0)
    run.process.returncode = 0
    run.seconds, run.peak_kilobytes = used.ru_utime + used.ru_stime, used.ru_maxrss


def send(rate: float, seconds: float, port: int = PORT) -> int:
    """Send messages at a rate to whoever calls, each with a system call and in a packet of its own; how many it were."""
    with socket.create_server(("127.0.0.1", port)) as server:
        sink = subprocess.Popen([sys.executable, "-c", SINK, str(port)])
        connection, _ = server.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.recv(len(HELLO), socket.MSG_WAITALL)
            connection.sendall(GREETING)
            sent = _send_evenly(connection, rate, seconds)
        sink.wait()
    return sent


def _send_evenly(connection: socket.socket, rate: float, seconds: float) -> int:
    began, sent, message = time.monotonic(), 0, connection.send
    total = int(rate * seconds)
    while sent < total:
        due = min(total, int((time.monotonic() - began) * rate) + 1)
        for _ in range(due - sent):
            message(TICK_PRICE, socket.MSG_EOR)  # never joined with the next in one packet
        sent = due
        time.sleep(BURST_SECONDS)
    return sent


SINK = f"""
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.sendall({HELLO!r})
while connection.recv(1 << 20):
    pass
"""


def compare(rate: float, seconds: float, only: Sequence[str], interface: str) -> None:
    """Run all and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [start(*one) for one in sniffers(Path(folder), interface) if not only or one[0].name in only]
        began = time.monotonic()
        sent = send(rate, seconds)
        took = time.monotonic() - began
        for run in runs:
            stop(run)
        print(f"{sent} messages in {took:.1f} s: {sent / took:.0f} a second\n")
        print("sniffer    packets kept   it says it lost   CPU s   peak MB")
        for run in runs:
            told = run.sniffer.drops.search(run.said)
            lost = int(told[1].replace(",", "")) if told else 0
            kept = count(run.file)
            print(f"{run.sniffer.name:9} {kept:13} {lost:17} {run.seconds:7.1f} {run.peak_kilobytes / 1000:9.0f}")


def count(file: Path) -> int:
    """Packets in a file."""
    with open_capture(str(file)) as capture:
        return sum(1 for _ in capture.frames())


def main() -> None:
    """Read the arguments and run in a namespace."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=50_000, help="messages a second")
    parser.add_argument("--interface", default="lo", choices=("lo", "any"))
    parser.add_argument("--only", action="append", default=[], choices=("ibsniff", "tcpdump", "dumpcap"))
    chosen = parser.parse_args()
    in_namespace(lambda: compare(chosen.rate, chosen.seconds, chosen.only, chosen.interface))


if __name__ == "__main__":
    main()
