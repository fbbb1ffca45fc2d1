"""A recording becomes a scenario: the capture without this machine in it, and how it was made."""

from __future__ import annotations

import json
import platform
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

from recording.libraries import CLIENTS
from recording.scenarios import SNAPLEN, WSL, Recording

CAPTURES = Path(__file__).resolve().parents[2] / "captures"


def publish(recording: Recording, raw: Path) -> None:
    """The capture and its scenario into ``captures/``; a promise that exists already is kept."""
    folder = CAPTURES / recording.name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("capture.*"):
        old.unlink()
    if recording.tool == "dumpcap":
        (folder / "capture.pcapng").write_bytes(b"".join(anonymous(raw.read_bytes())))
    else:
        shutil.copyfile(raw, folder / "capture.pcap")
    scenario = folder / "scenario.toml"
    promise = f'outcome = "{recording.outcome}"\nfault = ""\nrung = "{recording.rung}"\ncodes = []\n'
    if scenario.exists():
        promise = scenario.read_text("utf-8").partition("[expect]\n")[2]
    head = f'title = {json.dumps(recording.title)}\nmade = {json.dumps(made(recording))}\ncommand = ""\n'
    scenario.write_text(f"{head}\n[expect]\n{promise}", "utf-8")


def made(recording: Recording) -> str:
    """How it was made, in one line."""
    client = CLIENTS[recording.client[0]].shown
    extra = "".join(f" --{name.replace('_', '-')} {value}" for name, value in recording.options.items()
                    if name != "backlog")  # fmt: skip
    against = f"`ibsniff simulate {recording.mode}{extra}`" if recording.mode else "a port nobody listens on"
    if recording.relay:
        against += f" behind `socat TCP-LISTEN:{recording.relay[0]},fork TCP:127.0.0.1:{recording.relay[1]}`"
    if recording.firewall:
        against += f" behind `iptables -j {' '.join(recording.firewall)}`"
    if recording.crowd:
        against += " whose queue was full"
    if recording.unseen:
        against += f", without `{recording.unseen}`"
    if recording.snaplen != SNAPLEN:
        against += f", snaplen {recording.snaplen}"
    where = "two network namespaces, " if recording.network == WSL else ""
    kernel = ".".join(platform.release().split(".")[:2])
    return f"recorded: {client} against {against}, {where}{recording.tool} on {recording.interface}, Linux {kernel}"


def anonymous(pcapng: bytes) -> Iterator[bytes]:
    """The blocks of a little-endian pcapng file, without what dumpcap tells of this machine.

    A section header loses its options (hardware, system, program), an interface its system (if_os, 12).
    """
    offset = 0
    while offset < len(pcapng):
        kind, length = struct.unpack_from("<II", pcapng, offset)
        body = pcapng[offset + 8 : offset + length - 4]
        offset += length
        if kind == 0x0A0D0D0A:
            body = body[:16]
        elif kind == 1:
            body = body[:8] + b"".join(_options_but(body[8:], without=12))
        yield struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def _options_but(data: bytes, without: int) -> Iterator[bytes]:
    offset = 0
    while offset < len(data):
        code, length = struct.unpack_from("<HH", data, offset)
        whole = data[offset : offset + 4 + (length + 3) // 4 * 4]
        offset += len(whole)
        if code != without:
            yield whole
