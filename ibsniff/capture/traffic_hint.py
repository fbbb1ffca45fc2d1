"""Nothing to see? Where the traffic would be, asked of this machine's own tables; nothing is sent to anyone."""

from __future__ import annotations

from collections.abc import Sequence

from ibsniff.capture.host_network import ANY, HostNetwork, inspect_host_network
from ibsniff.capture.procfs import MIRRORED_LOOPBACK, TcpSocket, Wsl, packets_on


def traffic_hint(watched: Sequence[str], ports: frozenset[int] | None, packets_before: int | None = None) -> str:
    """Say what crossed the watched interfaces without being API traffic, and which interface would carry that.

    ``packets_before`` is `LiveSource.packets_before`. Text for a person, one or two lines.
    """
    crossed = packets_on_all(watched)
    what = "" if crossed is None or packets_before is None else _what_crossed(watched, crossed - packets_before)
    return what + suggest_interface(watched, inspect_host_network(ports))


def packets_on_all(names: Sequence[str]) -> int | None:
    """Packets that interfaces have carried together since they exist; None when not known."""
    counted = [packets_on(name) for name in names]
    known = [count for count in counted if count is not None]
    return sum(known) if len(known) == len(counted) else None


def _what_crossed(watched: Sequence[str], packets: int) -> str:
    names = " and ".join(watched)
    if packets == 0:
        return f"Not one packet has crossed {names}. "
    return f"{packets} packets have crossed {names}, none of them with an API port. "


def suggest_interface(watched: Sequence[str], here: HostNetwork) -> str:
    """Say where API traffic is to be expected; best evidence first: a connection, a listener, the kind of machine."""
    if here.connected:
        return _of_connection(watched, here)
    if here.listening:
        return _of_listener(watched, here.listening[0], here)
    return _of_machine(watched, here)


def _of_connection(watched: Sequence[str], here: HostNetwork) -> str:
    carriers = {here.carrier(entry): entry for entry in here.connected}
    carrier, entry = next(
        ((name, carriers[name]) for name in watched if name in carriers), next(iter(carriers.items()))
    )
    if carrier in watched or ANY in watched:
        return f"{entry.local} is connected with {entry.remote} and neither has said anything: restart the program now."
    return f"{entry.local} is connected with {entry.remote}, which crosses {carrier}: try -i {carrier}."


def _of_listener(watched: Sequence[str], listener: TcpSocket, here: HostNetwork) -> str:
    text = f"A server on this machine listens on port {listener.local.port}; "
    if here.loopback in watched or ANY in watched:
        return text + "nobody has called it yet: start the program now."
    return text + f"programs on this machine reach it through {here.loopback}: try -i {here.loopback}."


def _of_machine(watched: Sequence[str], here: HostNetwork) -> str:
    nothing = "No program here listens on an API port or is connected with one"
    if here.subsystem is Wsl.WSL2_MIRRORED and not {MIRRORED_LOOPBACK, ANY} & set(watched):
        return f"{nothing}; under WSL with mirrored networking a TWS on Windows is on {MIRRORED_LOOPBACK}: try -i that."
    if here.subsystem is Wsl.WSL2_NAT and here.gateway and not {here.gateway[0], ANY} & set(watched):
        through, address = here.gateway
        return f"{nothing}; from WSL a TWS on Windows is called as {address}, through {through}: try -i {through}."
    return f"{nothing}: is TWS running, is its port one of those watched, and has the program been started?"
