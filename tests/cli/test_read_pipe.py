"""``tcpdump -w - | ibsniff read -`` on a terminal: the screen of a live capture; everywhere else one report."""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

import pytest
from wire import START_NS, Wire

if sys.platform != "win32":
    import fcntl
    import termios

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

HELLO = b"API\0\0\0\0\x09v157..178"
PATIENCE = 30.0
COMMAND = [sys.executable, "-m", "ibsniff", "read", "-"]
LEAVES = "\x1b[?1049l"


def capture(folder: Path, start_ns: int) -> bytes:
    return Wire(start_ns=start_ns).connect().client(HELLO).write(folder / "x.pcap").read_bytes()


class Reader:
    """The command on a terminal, and the pipe into it."""

    def __init__(self, *arguments: str) -> None:
        self.leader, follower = os.openpty()
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = {**os.environ, "TERM": "xterm"}
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stdin=subprocess.PIPE, stdout=follower, stderr=subprocess.DEVNULL, env=environment
        )
        os.close(follower)
        self.seen = ""

    @property
    def pipe(self) -> BinaryIO:
        assert self.process.stdin is not None
        return self.process.stdin  # type: ignore[return-value]

    def send(self, data: bytes) -> None:
        self.pipe.write(data)
        self.pipe.flush()

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.leader], [], [], 0.2)[0]:
                self.seen += os.read(self.leader, 65536).decode("utf-8", "replace")

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.pipe.close()
        self.process.wait()
        os.close(self.leader)


def test_a_silence_is_shown_while_no_packet_comes(tmp_path: Path) -> None:
    with Reader("--patience", "1") as reader:
        reader.send(capture(tmp_path, time.time_ns()))
        reader.wait_for("▸ c1 ")
        reader.wait_for("silent")
        assert LEAVES not in reader.seen
        reader.pipe.close()
        reader.wait_for("machine)")
        assert "IBS301" in reader.seen.partition(LEAVES)[2]
        assert reader.process.wait(PATIENCE) == 0


def test_ctrl_c_ends_it_with_a_report(tmp_path: Path) -> None:
    with Reader() as reader:
        reader.send(capture(tmp_path, time.time_ns()))
        reader.wait_for("▸ c1 ")
        reader.process.send_signal(signal.SIGINT)
        reader.wait_for(LEAVES)
        assert reader.process.wait(PATIENCE) == 0


def test_an_old_capture_proves_only_what_it_contains(tmp_path: Path) -> None:
    with Reader("--patience", "0.5") as reader:
        reader.send(capture(tmp_path, START_NS))
        reader.wait_for("▸ c1 ")
        time.sleep(2.5)
        reader.pipe.close()
        reader.wait_for("packet)")
        assert "IBS009" in reader.seen.partition(LEAVES)[2]


def test_without_a_terminal_it_is_one_report(tmp_path: Path) -> None:
    for form in ((), ("--json",)):
        data = capture(tmp_path, time.time_ns())
        done = subprocess.run([*COMMAND, *form], input=data, capture_output=True, check=True, timeout=PATIENCE)
        assert b"\x1b" not in done.stdout
        assert (json.loads(done.stdout)["inputs"][0]["packets"] == 5) if form else b"IBS009" in done.stdout
