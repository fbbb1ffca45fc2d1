"""The live report equals that of the written file, for every scenario, whose frames are sent over a virtual cable.

All frames are sent at once, so silences are shorter than in the scenario: the two reports are compared with each other, not
with the promise of the scenario.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from live_kept import of_file, shown, watch
from live_namespace import in_namespace, ip, needs_ip, needs_namespace

from ibsniff.capture import open_backends
from ibsniff.capture.files import open_capture
from ibsniff.capture.live import open_live
from ibsniff.model import Frame

pytestmark = [needs_namespace, needs_ip]

CAPTURES = Path(__file__).parents[2] / "captures"
SMALL_BUFFER = 4 << 20
"""Large enough for any scenario, and quickly allocated."""
LONGEST = 65_535
"""The longest frame of a virtual cable; longer frames of a scenario are left out."""
PATIENCE = 30.0
AT_ONCE = 8

BELOW_IP = {0: 4, 108: 4, 12: 0, 14: 0, 101: 0, 228: 0, 229: 0, 113: 16, 276: 20}
"""Bytes before the network header by link type; Ethernet stays as it is (tcpdump.org/linktypes.html)."""
PROTOCOL_AT = {113: 14, 276: 0}


def ethernet(frame: Frame) -> bytes | None:
    """Return the frame with an Ethernet header; None when its link type cannot be converted."""
    if frame.link_type == 1:
        return frame.data
    if frame.link_type not in BELOW_IP:
        return None
    network = frame.data[BELOW_IP[frame.link_type] :]
    if frame.link_type in PROTOCOL_AT:
        at = PROTOCOL_AT[frame.link_type]
        kind = frame.data[at : at + 2]
    else:
        kind = b"\x86\xdd" if network[:1] and network[0] >> 4 == 6 else b"\x08\0"
    return bytes.fromhex("020000000002020000000001") + kind + network


def frames_of(folder: Path) -> list[bytes]:
    (path,) = folder.glob("capture.pcap*")
    with open_capture(str(path)) as capture:
        made = [ethernet(frame) for frame in capture.frames()]
    return [data for data in made if data is not None and 14 <= len(data) <= LONGEST]


@contextmanager
def cable() -> Iterator[Callable[[bytes], None]]:
    """A virtual cable from r0 to r1 without traffic of its own; yields a function that sends a frame and waits for it at r1.

    The kernel delivers a packet first to the socket that was opened last, so captures opened later have it by then.
    """
    ip("link add r0 type veth peer name r1")
    for name in ("r1", "r0"):
        Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
        ip(f"link set {name} mtu {LONGEST} up")
    everything = 3
    with (
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender,
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as arriving,
    ):
        sender.bind(("r0", 0))
        arriving.bind(("r1", everything))
        arriving.settimeout(PATIENCE)

        def send(data: bytes) -> None:
            sender.send(data)
            assert arriving.recv(LONGEST) == data

        yield send


def replay(interfaces: list[str], folders: list[Path], kept: Path) -> list[str]:
    """Send each scenario, and return the names of those whose live report differs from that of the file."""

    def inside() -> list[str]:
        different = []
        with cable() as send:
            for folder in folders:
                with open_live(interfaces, None) as source:
                    for data in frames_of(folder):
                        send(data)
                    source.stop()
                    live = shown(watch(source, kept))
                if live != of_file(kept) or not live["inputs"][0]["packets"]:
                    different.append(folder.name)
        return different

    return in_namespace(inside)


SCENARIOS = sorted(path.parent for path in CAPTURES.glob("*/scenario.toml"))


@pytest.fixture(autouse=True)
def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_backends, "RECEIVE_BUFFER", SMALL_BUFFER)


def test_live_equals_file_for_every_scenario(tmp_path: Path) -> None:
    """Several run at once, each in its own namespace, since opening and closing mostly waits for the kernel."""
    sendable = [folder for folder in SCENARIOS if frames_of(folder)]
    assert len(sendable) >= len(SCENARIOS) - 2
    with ThreadPoolExecutor(AT_ONCE) as pool:
        parts = [(sendable[part::AT_ONCE], tmp_path / f"{part}.pcapng") for part in range(AT_ONCE)]
        different = pool.map(lambda part: replay(["r1"], *part), parts)
        assert list(different) == [[]] * AT_ONCE


@pytest.mark.parametrize("interfaces", [["any"], ["r0", "r1", "lo"]], ids=["any", "several"])
def test_live_equals_file_on_many_interfaces(interfaces: list[str], tmp_path: Path) -> None:
    """Each packet is captured twice, at both ends of the cable."""
    some = [folder for folder in SCENARIOS if folder.name.endswith(("-loopback", "-wsl"))]
    assert replay(interfaces, some[:8], tmp_path / "kept.pcapng") == []


def sniffed(arguments: list[str], traffic: Callable[[], None]) -> dict[str, Any]:
    """Return the final document of the command."""
    command = [sys.executable, "-m", "ibsniff", "live", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("listening on")
        traffic()
        process.send_signal(signal.SIGINT)
        printed, complaints = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, complaints
    document = json.loads(printed.splitlines()[-1])["report"]
    assert isinstance(document, dict)
    return document


def test_live_equals_file_through_the_command(tmp_path: Path) -> None:
    kept = tmp_path / "kept.pcapng"
    frames = frames_of(CAPTURES / "ok-ib-async-wsl")

    def inside() -> dict[str, Any]:
        with cable() as send:

            def send_all() -> None:
                for data in frames:
                    send(data)

            return sniffed(["-i", "r1", "-w", str(kept)], send_all)

    live = in_namespace(inside)
    command = [sys.executable, "-m", "ibsniff", "read", "--json", str(kept)]
    read = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert live["inputs"][0].pop("path") == "r1"
    assert read["inputs"][0].pop("path") == str(kept)
    assert live == read
    assert live["conversations"][0]["rung"] == "ready"
