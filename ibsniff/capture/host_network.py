"""What this machine's own tables tell of where API traffic is; nothing is sent to anyone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, NamedTuple

from ibsniff.capture.interfaces import Interface, list_interfaces
from ibsniff.capture.procfs import (
    TcpSocket,
    TcpState,
    Wsl,
    default_gateway,
    detect_wsl,
    tcp_sockets,
)
from ibsniff.model import Endpoint

ANY = "any"


class HostNetwork(NamedTuple):
    """What this machine knows of itself, as far as the question needs it."""

    interfaces: tuple[Interface, ...] = ()
    sockets: tuple[TcpSocket, ...] = ()
    """Those with an API port."""
    subsystem: Wsl | None = None
    gateway: tuple[str, str] | None = None
    """Interface and address of the default route."""

    @property
    def connected(self) -> list[TcpSocket]:
        """Connections, and calls that are not answered yet."""
        return [entry for entry in self.sockets if entry.state in (TcpState.ESTABLISHED, TcpState.SYN_SENT)]

    @property
    def listening(self) -> list[TcpSocket]:
        """Servers on this machine."""
        return [entry for entry in self.sockets if entry.state == TcpState.LISTEN]

    @property
    def loopback(self) -> str:
        """The loopback interface."""
        return next((entry.name for entry in self.interfaces if entry.loopback), "lo")

    def carrier(self, entry: TcpSocket) -> str:
        """The interface a connection crosses: loopback when both ends are this machine's own, whatever the address."""
        owners = {address: each.name for each in self.interfaces for address in each.addresses}
        if entry.remote.ip in owners or entry.remote.is_loopback:
            return self.loopback
        return owners.get(entry.local.ip, ANY)


def inspect_host_network(ports: frozenset[int] | None) -> HostNetwork:
    """Look around for sockets with these API ports (None: with any)."""
    known = tcp_sockets() if sys.platform == "linux" else psutil_sockets()
    sockets = tuple(entry for entry in known if _is_api(entry, ports))
    return HostNetwork(tuple(list_interfaces()), sockets, detect_wsl(), default_gateway())


def psutil_sockets() -> Iterator[TcpSocket]:
    """Yield the TCP sockets of a machine without /proc; none when psutil is not installed, or not allowed to look."""
    try:
        import psutil  # noqa: PLC0415  (an extra)
    except ImportError:
        return
    with suppress(psutil.Error, OSError):  # macOS asks for root
        for entry in psutil.net_connections(kind="tcp"):
            if entry.status in TcpState.__members__:
                remote = psutil_endpoint(entry.raddr) if entry.raddr else Endpoint(bytes(4), 0)
                yield TcpSocket(psutil_endpoint(entry.laddr), remote, TcpState[entry.status])


def psutil_endpoint(address: Any) -> Endpoint:
    """An address of psutil as ours: IPv4 inside IPv6 unmapped, without a zone."""
    parsed = ip_address(address.ip.partition("%")[0])
    return Endpoint((getattr(parsed, "ipv4_mapped", None) or parsed).packed, address.port)


def _is_api(entry: TcpSocket, ports: frozenset[int] | None) -> bool:
    """Tell whether an API port is at either end; TWS itself calls port 4001 of IB's public servers, which is not it."""
    if ports is None or entry.local.port in ports:
        return True
    return entry.remote.port in ports and not entry.remote.is_public
