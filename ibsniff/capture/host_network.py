"""Where API traffic is on this machine, according to its interfaces, sockets and routes; no packet is sent."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, NamedTuple

from ibsniff.capture.interfaces import Interface, list_interfaces
from ibsniff.capture.procfs import (
    MIRRORED_LOOPBACK,
    TcpSocket,
    TcpState,
    Wsl,
    default_gateway,
    detect_wsl,
    tcp_sockets,
)
from ibsniff.model import Endpoint

ANY = "any"

NO_API_SOCKET = "No program on this machine listens on an API port or is connected to one"
"""The beginning of sentences for the user."""


class WindowsRoute(NamedTuple):
    """How a program inside WSL 2 reaches a TWS on Windows."""

    interface: str
    description: str


class HostNetwork(NamedTuple):
    """The interfaces of this machine, its sockets with an API port, and how it is connected."""

    interfaces: tuple[Interface, ...] = ()
    sockets: tuple[TcpSocket, ...] = ()
    """The TCP sockets with an API port."""
    subsystem: Wsl | None = None
    gateway: tuple[str, str] | None = None
    """Interface and address of the default route."""

    @property
    def connected(self) -> list[TcpSocket]:
        """Connections, including attempts that have no answer yet."""
        return [entry for entry in self.sockets if entry.state in (TcpState.ESTABLISHED, TcpState.SYN_SENT)]

    @property
    def listening(self) -> list[TcpSocket]:
        """The listening sockets of servers on this machine."""
        return [entry for entry in self.sockets if entry.state == TcpState.LISTEN]

    @property
    def loopback(self) -> str:
        """The name of the loopback interface."""
        return next((entry.name for entry in self.interfaces if entry.loopback), "lo")

    @property
    def windows_route(self) -> WindowsRoute | None:
        """The way from WSL 2 to a TWS on Windows; None when this is not WSL 2."""
        if self.subsystem is Wsl.WSL2_MIRRORED:
            through = MIRRORED_LOOPBACK
            return WindowsRoute(
                through, f"with WSL's mirrored networking, a TWS on Windows is reached through {through}"
            )
        if self.subsystem is Wsl.WSL2_NAT and self.gateway is not None:
            through, address = self.gateway
            return WindowsRoute(
                through, f"with WSL's NAT networking, a TWS on Windows is reached at {address} through {through}"
            )
        return None

    def carrier(self, entry: TcpSocket) -> str:
        """The interface of a connection: loopback when both ends are on this machine, whatever the addresses."""
        owners = {address: each.name for each in self.interfaces for address in each.addresses}
        if entry.remote.ip in owners or entry.remote.is_loopback:
            return self.loopback
        return owners.get(entry.local.ip, ANY)


def describe_connection(connection: TcpSocket, carrier: str) -> str:
    """Return the connection, or the connection attempt, and its interface in words."""
    state = "is connecting to" if connection.state == TcpState.SYN_SENT else "is connected to"
    through = f"through {carrier}" if carrier != ANY else "from an address that no interface here has"
    return f"{connection.local} {state} {connection.remote} {through}"


def describe_listener(listener: TcpSocket) -> str:
    """Return the server in words."""
    return f"A server on this machine listens on port {listener.local.port}"


def inspect_host_network(ports: frozenset[int] | None) -> HostNetwork:
    """Collect the interfaces, the routes and the sockets with these API ports (None: with any port)."""
    known = tcp_sockets() if sys.platform == "linux" else psutil_sockets()
    sockets = tuple(entry for entry in known if _is_api(entry, ports))
    return HostNetwork(tuple(list_interfaces()), sockets, detect_wsl(), default_gateway())


def psutil_sockets() -> Iterator[TcpSocket]:
    """Yield the TCP sockets of a machine without /proc; none when psutil is missing or lacks the permission."""
    try:
        import psutil  # noqa: PLC0415  (an extra)
    except ImportError:
        return
    with suppress(psutil.Error, OSError):  # macOS requires root
        for entry in psutil.net_connections(kind="tcp"):
            if entry.status in TcpState.__members__:
                remote = psutil_endpoint(entry.raddr) if entry.raddr else Endpoint(bytes(4), 0)
                yield TcpSocket(psutil_endpoint(entry.laddr), remote, TcpState[entry.status])


def psutil_endpoint(address: Any) -> Endpoint:
    """Convert an address of psutil: IPv4-mapped IPv6 becomes IPv4, and the zone is removed."""
    parsed = ip_address(address.ip.partition("%")[0])
    return Endpoint((getattr(parsed, "ipv4_mapped", None) or parsed).packed, address.port)


def _is_api(entry: TcpSocket, ports: frozenset[int] | None) -> bool:
    """Tell whether either end has an API port. TWS's own connections to port 4001 of IB's public servers do not count."""
    if ports is None or entry.local.port in ports:
        return True
    return entry.remote.port in ports and not entry.remote.is_public
