"""A hint for a live capture without API traffic: where that traffic is, according to this machine; no packet is sent."""

from __future__ import annotations

from collections.abc import Sequence

from ibsniff.capture.host_network import (
    ANY,
    NO_API_SOCKET,
    HostNetwork,
    describe_connection,
    describe_listener,
    inspect_host_network,
)
from ibsniff.capture.procfs import TcpSocket, packets_on
from ibsniff.formatting import counted


def traffic_hint(watched: Sequence[str], ports: frozenset[int] | None, packets_before: int | None = None) -> str:
    """Say how much other traffic the watched interfaces carried, and which interface would carry API traffic.

    ``packets_before`` is `LiveSource.packets_before`. The text is for the user and has one or two lines.
    """
    now = packets_on_all(watched)
    other_traffic = "" if now is None or packets_before is None else _other_traffic(watched, now - packets_before)
    return other_traffic + suggest_interface(watched, inspect_host_network(ports))


def packets_on_all(names: Sequence[str]) -> int | None:
    """The sum of the packets that interfaces have carried since they exist; None when it is not known."""
    counts = [packets_on(name) for name in names]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _other_traffic(watched: Sequence[str], packets: int) -> str:
    names = " and ".join(watched)
    if packets == 0:
        return f"No packet has passed through {names}. "
    return f"{counted(packets, 'packet')} passed through {names}, none of them with an API port. "


def suggest_interface(watched: Sequence[str], host: HostNetwork) -> str:
    """Say where to expect API traffic, by the best evidence: a connection, else a listener, else the kind of machine."""
    if host.connected:
        return _of_connection(watched, host)
    if host.listening:
        return _of_listener(watched, host.listening[0], host)
    return _of_machine(watched, host)


def _of_connection(watched: Sequence[str], host: HostNetwork) -> str:
    carriers = {host.carrier(connection): connection for connection in host.connected}
    carrier, connection = next(
        ((name, carriers[name]) for name in watched if name in carriers), next(iter(carriers.items()))
    )
    text = describe_connection(connection, carrier)
    if carrier in watched or ANY in watched:
        return f"{text}, but neither side has sent anything since the capture began: restart your program now."
    return f"{text}: try -i {carrier}."


def _of_listener(watched: Sequence[str], listener: TcpSocket, host: HostNetwork) -> str:
    text = describe_listener(listener)
    if host.loopback in watched or ANY in watched:
        return f"{text}; no program has connected to it yet: start your program now."
    return f"{text}; programs on this machine reach it through {host.loopback}: try -i {host.loopback}."


def _of_machine(watched: Sequence[str], host: HostNetwork) -> str:
    on_windows = host.windows_route
    if on_windows is not None and not {on_windows.interface, ANY} & set(watched):
        return f"{NO_API_SOCKET}; {on_windows.description}: try -i {on_windows.interface}."
    return f"{NO_API_SOCKET}. Is TWS running, is its port one of the watched ports, and has your program been started?"
