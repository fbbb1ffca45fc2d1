"""What other tools make of the streams in a capture: tshark, tcpflow."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

MISSING = re.compile(rb"\[(\d+) bytes missing in capture file\]\0?")
"""What tshark writes for a gap."""


def tshark_streams(capture: Path, numbers: Sequence[int]) -> dict[int, dict[str, bytes]]:
    """Both directions of each stream, by sender (``ip:port``), gaps as zeros."""
    follow = [word for number in numbers for word in ("-z", f"follow,tcp,raw,{number}")]
    command = ["tshark", "-n", "-q", "-r", str(capture), *follow]
    printed = _printed(command)
    found: dict[int, dict[str, bytes]] = {}
    for block in printed.split("Follow: tcp,raw\n")[1:]:
        head, *lines = block.split("\n")
        number = int(head.rpartition(" ")[2])
        senders = [line.partition(": ")[2] for line in lines[:2]]
        said = dict.fromkeys(senders, b"")
        for line in lines[2:]:
            if line.startswith("="):
                break
            said[senders[line.startswith("\t")]] += _without_markers(bytes.fromhex(line.strip()))
        found[number] = said
    return found


def tshark_counts(capture: Path) -> Counter[tuple[int, str]]:
    """Packets of each stream by sender's port, those that ICMP quotes left out."""
    fields = ["-T", "fields", "-e", "tcp.stream", "-e", "tcp.srcport"]
    command = ["tshark", "-n", "-r", str(capture), "-Y", "tcp and not icmp and not icmpv6", *fields]
    printed = _printed(command)
    rows = (line.split("\t") for line in printed.splitlines())
    return Counter((int(number), port) for number, port in rows)


def tcpflow_hashes(capture: Path, folder: Path) -> Counter[str]:
    """SHA-256 of every direction that has bytes."""
    command = ["tcpflow", "-q", "-X", str(folder / "report.xml"), "-o", str(folder), "-r", str(capture)]
    subprocess.run(command, capture_output=True, check=False, timeout=60)
    flows = [path for path in folder.iterdir() if re.match(r"[0-9a-f.:]+-[0-9a-f.:]+", path.name)]
    return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in flows if path.stat().st_size)


def _printed(command: list[str]) -> str:
    """What it printed, whatever it thinks of the end of a capture that was cut short."""
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout


def _without_markers(data: bytes) -> bytes:
    return MISSING.sub(lambda found: bytes(int(found[1])), data)
