"""What an entry of the tables of recordings can say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LOOPBACK, WSL, LAN, DOCKER = "loopback", "wsl", "lan", "docker"
"""Networks: one namespace with ``lo``, or two that stand for the machines ``machines.NETWORKS`` tells of."""
CLIENT, SERVER = "client", "server"
"""The two machines."""
SNAPLEN = 262_144
"""More than any packet has."""


@dataclass(frozen=True)
class Visitor:
    """Another client of the same server."""

    after: float
    """Seconds behind the first client."""
    client: tuple[str, ...]
    host: str = ""
    """The address it connects to, if not the one of the first client."""
    on: str = CLIENT
    """Its machine."""


@dataclass(frozen=True)
class Recording:
    name: str
    title: str
    client: tuple[str, ...]
    """A key of ``libraries.CLIENTS`` and further arguments."""
    outcome: str
    rung: str
    mode: str | None = None
    """Of the stand-in, or the name of another program of ``libraries.SERVERS``; None when nothing listens."""
    options: dict[str, Any] = field(default_factory=dict)
    """More for ``standin.serve``."""
    network: str = LOOPBACK
    interface: str = "lo"
    host: str = "127.0.0.1"
    port: int = 7497
    tool: str = "dumpcap"
    """``dumpcap`` writes pcapng with statistics (and so how long it watched), ``tcpdump`` pcap in nanoseconds."""
    snaplen: int = SNAPLEN
    unseen: str = ""
    """Filter expression for packets the capture must miss."""
    hang: float | None = None
    """Stop the capture while the client still waits, this many seconds after its hello; None: the client ends."""
    firewall: tuple[str, ...] = ()
    """iptables target and options for what arrives at the server's port."""
    own_firewall: tuple[str, ...] = ()
    """The same on the client's machine, for what comes from the server's port."""
    relay: tuple[int, int] | None = None
    """From one port to another."""
    relayed_by: str = "socat"
    """A key of ``libraries.RELAYS``."""
    crowd: int = 0
    """Connections made before the capture that are never accepted."""
    joins_late: bool = False
    """The capture begins when the session is ready."""
    company: tuple[Visitor, ...] = ()
    """In order of time."""
    frozen: tuple[float, float] | None = None
    """SIGSTOP to the server so many seconds after the first client is ready, and SIGCONT so many seconds later."""
    cut_off: float | None = None
    """So many seconds after the first client is ready, a firewall drops all that arrives at the server's port."""
    cut_off_by: tuple[str, ...] = ("DROP",)
    """iptables target and options of that firewall."""
    sysctl: str = ""
    """A setting of the client's kernel."""
    watched_on: str = CLIENT
    """The machine that captures."""
    beside: str = ""
    """A second interface that is captured (dumpcap only)."""
    loses: bool = False
    """Before the client connects, the capture tool is stopped (SIGSTOP) until it has lost packets."""
    edited: tuple[str, ...] = ()
    """A command the capture was piped through."""
    command: str = ""
    """Options to read it with, for ``scenario.toml``."""


HANGS = 7.0
"""Seconds we watch a client that would wait for ever."""

IB_ASYNC, IB_INSYNC, IBAPI, NAUTILUS = ("ib_async",), ("ib_insync",), ("ibapi",), ("nautilus-ibapi",)
STOQEY, NPM_IB = ("@stoqey/ib",), ("ib",)


def framed(payload: bytes) -> str:
    """A message behind its length, in hexadecimal, as ``clients/raw.py`` takes it."""
    return (len(payload).to_bytes(4, "big") + payload).hex()


API = "41504900"
HELLO = API + framed(b"v100..187")
"""The hello of an official client 10.30."""

START_API_TEXT = framed(b"71\x002\x007\0\0")
"""START_API for client id 7 as server versions 72 to 200 want it."""
