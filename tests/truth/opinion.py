"""What others make of the same capture: tcpdump writes one for all interfaces, tshark reads the streams."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from truth.lab import Host
from truth.transfer import Done
from wire_bytes import ETHERNET, pcap_bytes

from ibsniff.capture.files import open_capture
from ibsniff.model import Frame, Side

LAST_WORDS = b"the capture may end now"


@contextmanager
def tcpdump_on_any(host: Host, path: Path) -> Iterator[None]:
    """Capture all interfaces of a host (link type LINUX_SLL2) for as long as the block runs."""
    command = ["tcpdump", "-i", "any", "-w", str(path), "-U", "--immediate-mode", "-B", "65536", "-Z", "root"]
    tcpdump = host.start(command)
    try:
        assert tcpdump.stderr is not None
        while "listening" not in (line := tcpdump.stderr.readline()):
            assert line, "tcpdump gave up"
        yield
        _wait_for_last_words(host, path)
    finally:
        tcpdump.terminate()
        tcpdump.communicate()


def _wait_for_last_words(host: Host, path: Path) -> None:
    """What was captured before them is then in the file."""
    with host.do(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as speaker:
        speaker.sendto(LAST_WORDS, ("127.0.0.1", 9))
    pause = threading.Event()
    for _ in range(3000):
        if LAST_WORDS in path.read_bytes():
            return
        pause.wait(0.01)
    raise AssertionError("tcpdump never wrote the last packet")


def read(path: Path) -> list[Frame]:
    with open_capture(str(path)) as capture:
        return list(capture.frames())


def write(path: Path, frames: list[Frame]) -> None:
    path.write_bytes(pcap_bytes(frames, ETHERNET, nanosecond=True, snaplen=None))


def follow(path: Path, done: Done) -> dict[Side, bytes]:
    """tshark's streams of the connection. It keeps damaged bytes, even when it is told to check the checksums."""
    family = "ipv6" if len(done.client.address) == 16 else "ip"
    chosen = f"{family}.addr=={done.client.ip} && tcp.port=={done.client.port} && tcp.port=={done.server.port}"
    numbers = _tshark(path, "-Y", chosen, "-T", "fields", "-e", "tcp.stream").split()
    stream = max(set(numbers), key=numbers.count)
    lines = _tshark(path, "-q", "-z", f"follow,tcp,raw,{stream}").splitlines()
    first = next(line for line in lines if line.startswith("Node 0"))
    turned = not first.endswith(f":{done.client.port}")
    body = [line for line in lines[lines.index(first) + 2 :] if not line.startswith("=")]
    second = b"".join(bytes.fromhex(line) for line in body if line.startswith("\t"))
    streams = b"".join(bytes.fromhex(line) for line in body if not line.startswith("\t")), second
    return dict(zip(Side, reversed(streams) if turned else streams, strict=True))


def _tshark(path: Path, *arguments: str) -> str:
    command = ["tshark", "-n", "-r", str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
