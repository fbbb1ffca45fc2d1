"""A recording becomes a scenario: the capture without this machine in it, and how it was made."""

from __future__ import annotations

import hashlib
import json
import platform
import struct
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from recording.entries import LOOPBACK, SERVER, SNAPLEN, Recording
from recording.libraries import CLIENTS, RELAYS_SHOWN, SERVERS

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
SCENARIO, DIGEST = "scenario.toml", "sha256"


def publish(recording: Recording, raw: Path, into: Path = CAPTURES) -> None:
    """The capture and its scenario into a folder; a promise that exists is kept, but for the capture's digest."""
    folder = into / recording.name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("capture.*"):
        old.unlink()
    capture = edited(recording, raw.read_bytes())
    (folder / f"capture.{'pcapng' if recording.tool == 'dumpcap' else 'pcap'}").write_bytes(capture)
    promise = f'outcome = "{recording.outcome}"\nfault = ""\nrung = "{recording.rung}"\ncodes = []\n'
    if (promised := CAPTURES / recording.name / SCENARIO).exists():
        lines = promised.read_text("utf-8").partition("[expect]\n")[2].splitlines(keepends=True)
        promise = "".join(line for line in lines if not line.startswith(DIGEST))
    head = {"title": recording.title, "made": made(recording)}
    if recording.command:
        head["command"] = recording.command
    top = "".join(f"{key} = {json.dumps(value)}\n" for key, value in head.items())
    digest = f'{DIGEST} = "{hashlib.sha256(capture).hexdigest()}"\n'
    (folder / SCENARIO).write_text(f"{top}\n[expect]\n{promise}{digest}", "utf-8")


def edited(recording: Recording, capture: bytes) -> bytes:
    """Without what tells of this machine, and piped through the command the scenario wants."""
    if recording.tool == "dumpcap":
        capture = b"".join(anonymous(capture))
    if recording.edited:
        return subprocess.run(recording.edited, input=capture, stdout=subprocess.PIPE, check=True).stdout
    return capture


def made(recording: Recording) -> str:
    """How it was made, in one line."""
    visits = Counter(
        CLIENTS[client[0]].shown for client in (recording.client, *(one.client for one in recording.company))
    )
    client = " and ".join(shown if times == 1 else f"{shown} ({times} times)" for shown, times in visits.items())
    on = " and ".join(filter(None, (recording.interface, recording.beside)))
    whose = " of the server's" if recording.watched_on == SERVER else ""
    kernel = ".".join(platform.release().split(".")[:2])
    then = f", then `{' '.join(recording.edited)}`" if recording.edited else ""
    against = f"{listener(recording)}{''.join(circumstances(recording))}"
    return f"recorded: {client} against {against}, {recording.tool} on {on}{whose}, Linux {kernel}{then}"


def listener(recording: Recording) -> str:
    """What the client connected to."""
    if recording.mode is None:
        return "a port on which nothing listens"
    if recording.mode in SERVERS:
        return f"`{recording.mode}`"
    options = {name.replace("_", "-"): value for name, value in recording.options.items() if name != "backlog"}
    return f"`ibsniff simulate {' '.join([recording.mode, *(f'--{name} {value}' for name, value in options.items())])}`"


def circumstances(recording: Recording) -> Iterator[str]:
    """What else there was, each as a piece of a sentence."""
    if "backlog" in recording.options:
        yield f" with a backlog of {recording.options['backlog']}"
    if recording.relay:
        port, target = recording.relay
        yield f" behind `{RELAYS_SHOWN[recording.relayed_by].format(port=port, target=target)}`"
    if recording.firewall:
        yield f" behind `iptables -j {' '.join(recording.firewall)}`"
    if recording.own_firewall:
        yield f", and `iptables -j {' '.join(recording.own_firewall)}` on the client's machine"
    if recording.sysctl:
        yield f", sysctl {recording.sysctl}"
    if recording.crowd:
        yield ", its queue filled before"
    if recording.frozen:
        yield ", stopped (SIGSTOP) {:g} s after the session was ready, for {:g} s".format(*recording.frozen)
    if recording.cut_off is not None:
        yield f", cut off by `iptables -j {' '.join(recording.cut_off_by)}` {recording.cut_off:g} s after the session was ready"
    if recording.loses:
        yield ", the capture tool stopped (SIGSTOP) while connections to another port filled its buffer"
    if recording.unseen:
        yield f", without `{recording.unseen}`"
    if recording.snaplen != SNAPLEN:
        yield f", snaplen {recording.snaplen}"
    if recording.network != LOOPBACK:
        yield ", two network namespaces"


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
