"""Nothing to see? Where the traffic would be, asked of this machine's own tables; nothing is sent to anyone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ibsniff.capture.interfaces import Interface, list_interfaces
from ibsniff.capture.machine import (
    MIRRORED_LOOPBACK,
    TcpSocket,
    TcpState,
    WindowsSubsystem,
    default_gateway,
    packets_crossed,
    tcp_sockets,
    windows_subsystem,
)

ANY = "any"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What this machine knows of itself, as far as the question needs it."""

    interfaces: tuple[Interface, ...] = ()
    sockets: tuple[TcpSocket, ...] = ()
    """Those with an API port."""
    subsystem: WindowsSubsystem | None = None
    gateway: tuple[str, str] | None = None
    """Interface and address of the default route."""


def traffic_hint(interface: str, ports: frozenset[int] | None, crossed_before: int | None = None) -> str:
    """Say what crossed an interface without being API traffic, and which interface would carry that.

    ``crossed_before`` is `machine.packets_crossed` from when the capture began. Text for a person, one or two lines.
    """
    sockets = tuple(entry for entry in tcp_sockets() if _is_api(entry, ports))
    here = Surroundings(tuple(list_interfaces()), sockets, windows_subsystem(), default_gateway())
    crossed = packets_crossed(interface)
    counted = "" if crossed is None or crossed_before is None else _what_crossed(interface, crossed - crossed_before)
    return counted + where_it_would_be(interface, here)


def _is_api(entry: TcpSocket, ports: frozenset[int] | None) -> bool:
    """Tell whether an API port is at either end; TWS itself calls port 4001 of IB's public servers, which is not it."""
    if ports is None or entry.local.port in ports:
        return True
    return entry.remote.port in ports and not entry.remote.is_public


def _what_crossed(interface: str, packets: int) -> str:
    if packets == 0:
        return f"Not one packet has crossed {interface}. "
    return f"{packets} packets have crossed {interface}, none of them with an API port. "


def where_it_would_be(interface: str, here: Surroundings) -> str:
    """Say where API traffic is to be expected; best evidence first: a connection, a listener, the kind of machine."""
    connected = [entry for entry in here.sockets if entry.state in (TcpState.ESTABLISHED, TcpState.SYN_SENT)]
    listening = [entry for entry in here.sockets if entry.state == TcpState.LISTEN]
    if connected:
        return _of_connection(interface, connected, here)
    if listening:
        return _of_listener(interface, listening[0], here)
    return _of_machine(interface, here)


def _of_connection(interface: str, connected: Iterable[TcpSocket], here: Surroundings) -> str:
    carriers = {_carrier(entry, here.interfaces): entry for entry in connected}
    if interface in carriers or interface == ANY:
        entry = carriers.get(interface) or next(iter(carriers.values()))
        return f"{entry.local} is connected with {entry.remote} and neither has said anything: restart the program now."
    carrier, entry = next(iter(carriers.items()))
    return f"{entry.local} is connected with {entry.remote}, which crosses {carrier}: try -i {carrier}."


def _of_listener(interface: str, listener: TcpSocket, here: Surroundings) -> str:
    loopback = _loopback(here.interfaces)
    text = f"A server on this machine listens on port {listener.local.port}; "
    if interface in (loopback, ANY):
        return text + "nobody has called it yet: start the program now."
    return text + f"programs on this machine reach it through {loopback}: try -i {loopback}."


def _of_machine(interface: str, here: Surroundings) -> str:
    nothing = "No program here listens on an API port or is connected with one"
    if here.subsystem is WindowsSubsystem.WSL2_MIRRORED and interface not in (MIRRORED_LOOPBACK, ANY):
        return f"{nothing}; under WSL with mirrored networking a TWS on Windows is on {MIRRORED_LOOPBACK}: try -i that."
    if here.subsystem is WindowsSubsystem.WSL2_NAT and here.gateway and interface not in (here.gateway[0], ANY):
        through, address = here.gateway
        return f"{nothing}; from WSL a TWS on Windows is called as {address}, through {through}: try -i {through}."
    return f"{nothing}: is TWS running, is its port one of those watched, and has the program been started?"


def _carrier(entry: TcpSocket, interfaces: Sequence[Interface]) -> str:
    """Return the interface a connection crosses: loopback when both ends are this machine's own, whatever address."""
    owners = {address: each.name for each in interfaces for address in each.addresses}
    if entry.remote.ip in owners or entry.remote.is_loopback:
        return _loopback(interfaces)
    return owners.get(entry.local.ip, ANY)


def _loopback(interfaces: Sequence[Interface]) -> str:
    return next((entry.name for entry in interfaces if entry.loopback), "lo")
