"""Where to listen when nobody said: by evidence, best first, and with the reason in words."""

from __future__ import annotations

from typing import NamedTuple

from ibsniff.capture.host_network import ANY, HostNetwork, inspect_host_network
from ibsniff.capture.procfs import MIRRORED_LOOPBACK, TcpSocket, TcpState, Wsl

MAX_CHOSEN = 4
"""Connections may cross more interfaces than these on a relay; then all are listened on."""


class InterfaceChoice(NamedTuple):
    """Interfaces to listen on."""

    names: tuple[str, ...]
    reason: str
    """One sentence for the person."""


def choose_interfaces(ports: frozenset[int] | None) -> InterfaceChoice:
    """Choose by where API traffic is on this machine, or would be; ``ports`` are the API ports (None: any)."""
    return choose_by_evidence(inspect_host_network(ports))


def choose_by_evidence(here: HostNetwork) -> InterfaceChoice:
    """Choose: a connection or a call beats a listener, that beats the kind of machine, and loopback is what is left."""
    if here.connected:
        return _by_connections(here)
    if here.listening:
        return _by_listener(here.listening[0], here)
    return _by_machine(here)


def _by_connections(here: HostNetwork) -> InterfaceChoice:
    carriers: dict[str, TcpSocket] = {}
    for entry in here.connected:
        carriers.setdefault(here.carrier(entry), entry)
    names = tuple(carriers)
    if ANY in names or len(names) > MAX_CHOSEN:
        names = (ANY,)
    carrier, entry = next(iter(carriers.items()))
    does = "calls" if entry.state == TcpState.SYN_SENT else "is connected with"
    crosses = f"which crosses {carrier}" if carrier != ANY else "on an address that is no interface's own"
    others = f", and other connections cross {_joined(names[1:])}" if len(names) > 1 else ""
    return InterfaceChoice(names, f"{entry.local} {does} {entry.remote}, {crosses}{others}.")


def _by_listener(listener: TcpSocket, here: HostNetwork) -> InterfaceChoice:
    port, loopback = listener.local.port, here.loopback
    if listener.local.is_loopback or not any(listener.local.address):
        return InterfaceChoice(
            (loopback,), f"A server on this machine listens on port {port}, and programs here reach it by {loopback}."
        )
    # bound to one address: programs here reach it through loopback all the same, others through its interface
    owner = next((each.name for each in here.interfaces if listener.local.ip in each.addresses), loopback)
    names = tuple(dict.fromkeys((loopback, owner)))
    return InterfaceChoice(
        names, f"A server on this machine listens on {listener.local}, which is reached by {_joined(names)}."
    )


def _by_machine(here: HostNetwork) -> InterfaceChoice:
    nobody = "Nothing here listens on an API port or is connected with one"
    if here.subsystem is Wsl.WSL2_MIRRORED:
        names = (here.loopback, MIRRORED_LOOPBACK)
        return InterfaceChoice(
            names, f"{nobody}; in this WSL (mirrored networking) a TWS on Windows is reached by {MIRRORED_LOOPBACK}."
        )
    if here.subsystem is Wsl.WSL2_NAT and here.gateway is not None:
        through, address = here.gateway
        names = (here.loopback, through)
        return InterfaceChoice(
            names, f"{nobody}; from this WSL a TWS on Windows is called as {address}, through {through}."
        )
    return InterfaceChoice(
        (here.loopback,), f"{nobody}; {here.loopback} carries it when program and TWS are both on this machine."
    )


def _joined(names: tuple[str, ...]) -> str:
    return " and ".join(names)
