"""Facts about this machine from /proc: whether it is WSL, its default route, packet counters and TCP sockets.

These files exist only on Linux; on other systems every function returns its value for "not known".
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from enum import Enum, IntEnum
from pathlib import Path
from typing import NamedTuple

from ibsniff.model import Endpoint

PROC = Path("/proc")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
MAPPED_IPV4 = bytes(10) + b"\xff\xff"
"""RFC 4291, 2.5.5.2."""
MIRRORED_LOOPBACK = "loopback0"
"""The interface that carries traffic to 127.0.0.1 on Windows, with WSL's mirrored networking."""


class Wsl(Enum):
    """The version of the Windows Subsystem for Linux, and the networking mode of version 2."""

    WSL1 = "WSL 1"
    WSL2_NAT = "WSL 2, NAT networking"
    WSL2_MIRRORED = "WSL 2, mirrored networking"


class TcpState(IntEnum):
    """The states of /proc/net/tcp that we distinguish (net/tcp_states.h)."""

    ESTABLISHED = 0x01
    SYN_SENT = 0x02
    LISTEN = 0x0A


class TcpSocket(NamedTuple):
    """One TCP socket of this machine."""

    local: Endpoint
    remote: Endpoint
    state: int
    waiting: int = 0
    """Bytes that have arrived but were not read; of a listener, connections that were not accepted (Recv-Q of ss)."""


def detect_wsl(proc: Path = PROC) -> Wsl | None:
    """Return the version of WSL and its networking mode; None when this is not WSL."""
    release = _text(proc / "sys/kernel/osrelease").strip()
    if "microsoft" not in release.lower():
        return None
    if release.endswith("-Microsoft"):  # 4.4.0-19041-Microsoft; WSL 2 says 5.15.90.1-microsoft-standard-WSL2
        return Wsl.WSL1
    mirrored = MIRRORED_LOOPBACK in _text(proc / "net/dev")
    return Wsl.WSL2_MIRRORED if mirrored else Wsl.WSL2_NAT


def default_gateway(proc: Path = PROC) -> tuple[str, str] | None:
    """Return the interface and gateway address of the IPv4 default route; None without one."""
    for line in _text(proc / "net/route").splitlines()[1:]:
        name, destination, gateway, *_ = line.split()
        if destination == "00000000":
            return name, str(ipaddress.ip_address(kernel_address(gateway)))
    return None


def kernel_address(text: str) -> bytes:
    """Return the packed address of its form in /proc/net: hexadecimal 32-bit words in the byte order of the machine."""
    words = (int(text[at : at + 8], 16) for at in range(0, len(text), 8))
    return b"".join(word.to_bytes(4, sys.byteorder) for word in words)


def packets_on(interface: str, proc: Path = PROC) -> int | None:
    """Return how many packets an interface (``any``: all of them) has carried since it exists; None when not known."""
    total = None
    for line in _text(proc / "net/dev").splitlines()[2:]:
        name, _, counters = line.partition(":")
        if interface in (name.strip(), "any"):
            fields = counters.split()
            total = (total or 0) + int(fields[1]) + int(fields[9])
    return total


def tcp_sockets(proc: Path = PROC) -> Iterator[TcpSocket]:
    """Yield the TCP sockets of this machine (this network namespace), listeners included."""
    for table in ("net/tcp", "net/tcp6"):
        for line in _text(proc / table).splitlines()[1:]:
            _, local, remote, state, queues, *_ = line.split()
            waiting = int(queues.partition(":")[2], 16)
            yield TcpSocket(_endpoint(local), _endpoint(remote), int(state, 16), waiting)


def _endpoint(text: str) -> Endpoint:
    address, _, port = text.partition(":")
    packed = kernel_address(address)
    # A Java program such as TWS serves IPv4 through IPv6 sockets: ::ffff:127.0.0.1.
    return Endpoint(packed[12:] if packed.startswith(MAPPED_IPV4) else packed, int(port, 16))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def memory_left(proc: Path = PROC) -> int | None:
    """Return the bytes that this process may still allocate under its limit (``ulimit -v``); None without a limit."""
    try:
        limits = (proc / "self" / "limits").read_text("utf-8")
        pages = int((proc / "self" / "statm").read_text("utf-8").split()[0])
    except (OSError, ValueError, IndexError):
        return None
    row = next((line for line in limits.splitlines() if line.startswith("Max address space")), "")
    soft = row.removeprefix("Max address space").split()[:1]
    return int(soft[0]) - pages * PAGE_BYTES if soft and soft[0].isdigit() else None
