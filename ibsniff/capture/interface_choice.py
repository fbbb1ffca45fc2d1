"""The interfaces to capture on when the user has not named any, chosen by the best evidence, and the reason in words."""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.capture.host_network import (
    ANY,
    NO_API_SOCKET,
    HostNetwork,
    describe_connection,
    describe_listener,
    inspect_host_network,
)
from ibsniff.capture.procfs import TcpSocket

MAX_CHOSEN = 4
"""On a relay, connections may use more interfaces than this; then the capture is on all of them."""


class InterfaceChoice(NamedTuple):
    """The interfaces to capture on."""

    names: tuple[str, ...]
    reason: str
    """One sentence for the user."""


def choose_interfaces(ports: frozenset[int] | None) -> InterfaceChoice:
    """Choose the interfaces that carry API traffic now, or would carry it; ``ports`` are the API ports (None: any)."""
    return choose_by_evidence(inspect_host_network(ports))


def choose_by_evidence(host: HostNetwork) -> InterfaceChoice:
    """Choose by a connection or connection attempt, else by a listener, else by the kind of machine, else loopback."""
    if host.connected:
        return _by_connections(host)
    if host.listening:
        return _by_listener(host.listening[0], host)
    return _by_machine(host)


def _by_connections(host: HostNetwork) -> InterfaceChoice:
    carriers: dict[str, TcpSocket] = {}
    for connection in host.connected:
        carriers.setdefault(host.carrier(connection), connection)
    names = tuple(carriers)
    if ANY in names or len(names) > MAX_CHOSEN:
        names = (ANY,)
    carrier, connection = next(iter(carriers.items()))
    others = f", and other connections go through {_joined(names[1:])}" if len(names) > 1 else ""
    return InterfaceChoice(names, f"{describe_connection(connection, carrier)}{others}.")


def _by_listener(listener: TcpSocket, host: HostNetwork) -> InterfaceChoice:
    loopback = host.loopback
    if listener.local.is_loopback or not any(listener.local.address):
        return InterfaceChoice(
            (loopback,), f"{describe_listener(listener)}; programs on this machine reach it through {loopback}."
        )
    # bound to one address: programs on this machine reach it through loopback even so, others through its interface
    owner = next((each.name for each in host.interfaces if listener.local.ip in each.addresses), loopback)
    names = tuple(dict.fromkeys((loopback, owner)))
    return InterfaceChoice(
        names, f"A server on this machine listens on {listener.local}, which is reached through {_joined(names)}."
    )


def _by_machine(host: HostNetwork) -> InterfaceChoice:
    on_windows = host.windows_route
    if on_windows is not None:
        names = (host.loopback, on_windows.interface)
        return InterfaceChoice(names, f"{NO_API_SOCKET}; {on_windows.description}.")
    return InterfaceChoice(
        (host.loopback,),
        f"{NO_API_SOCKET}; {host.loopback} carries the traffic if the program and TWS both run on this machine.",
    )


def _joined(names: tuple[str, ...]) -> str:
    return " and ".join(names)
