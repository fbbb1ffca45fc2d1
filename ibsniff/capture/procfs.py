"""What kind of machine this is, from /proc: under Windows or not, its default route, its counters, its connections.

Elsewhere than on Linux these files do not exist, and every question is answered with "not known".
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from enum import Enum, IntEnum
from pathlib import Path
from typing import NamedTuple

from ibsniff.model import Endpoint

PROC = Path("/proc")
MAPPED_IPV4 = bytes(10) + b"\xff\xff"
"""RFC 4291, 2.5.5.2."""
MIRRORED_LOOPBACK = "loopback0"
"""The interface on which WSL's mirrored networking carries what goes to 127.0.0.1 on Windows."""


class Wsl(Enum):
    """The two machines that may lie behind "Linux on Windows", and how the second is connected."""

    WSL1 = "WSL 1"
    WSL2_NAT = "WSL 2, NAT networking"
    WSL2_MIRRORED = "WSL 2, mirrored networking"


class TcpState(IntEnum):
    """States in /proc/net/tcp (net/tcp_states.h); the ones we tell apart."""

    ESTABLISHED = 0x01
    SYN_SENT = 0x02
    LISTEN = 0x0A


class TcpSocket(NamedTuple):
    """One TCP socket of this machine."""

    local: Endpoint
    remote: Endpoint
    state: int
    waiting: int = 0
    """Bytes that have arrived and were not read; of a listener, connections that were not taken (ss calls it Recv-Q)."""


def detect_wsl(proc: Path = PROC) -> Wsl | None:
    """Tell whether this Linux runs under Windows, and how it is connected; None when it does not."""
    release = _text(proc / "sys/kernel/osrelease").strip()
    if "microsoft" not in release.lower():
        return None
    if release.endswith("-Microsoft"):  # 4.4.0-19041-Microsoft; WSL 2 says 5.15.90.1-microsoft-standard-WSL2
        return Wsl.WSL1
    mirrored = MIRRORED_LOOPBACK in _text(proc / "net/dev")
    return Wsl.WSL2_MIRRORED if mirrored else Wsl.WSL2_NAT


def default_gateway(proc: Path = PROC) -> tuple[str, str] | None:
    """Return interface and address of the IPv4 default route (Linux: /proc/net/route); None without one."""
    for line in _text(proc / "net/route").splitlines()[1:]:
        name, destination, gateway, *_ = line.split()
        if destination == "00000000":
            return name, str(ipaddress.ip_address(kernel_address(gateway)))
    return None


def kernel_address(text: str) -> bytes:
    """Return the packed address from /proc/net's spelling: 32-bit words, each a number in this machine's order."""
    words = (int(text[at : at + 8], 16) for at in range(0, len(text), 8))
    return b"".join(word.to_bytes(4, sys.byteorder) for word in words)


def packets_on(interface: str, proc: Path = PROC) -> int | None:
    """Return how many packets an interface (``any``: all) has carried since it exists; None when not known."""
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
