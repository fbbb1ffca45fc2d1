"""The hint where API traffic is, from the tables of a machine."""

from __future__ import annotations

import socket

import pytest

from ibsniff.capture import host_network
from ibsniff.capture import traffic_hint as hint_module
from ibsniff.capture.host_network import HostNetwork
from ibsniff.capture.interfaces import Interface
from ibsniff.capture.procfs import TcpSocket, TcpState, Wsl
from ibsniff.capture.traffic_hint import suggest_interface, traffic_hint
from ibsniff.model import Endpoint

INTERFACES = (
    Interface("lo", 1, ("127.0.0.1", "::1"), True, True, 1, ""),
    Interface("eth0", 2, ("192.0.2.10", "2001:db8::10"), True, False, 1, ""),
)
PORTS = frozenset({7497, 4001})


def endpoint(ip: str, port: int) -> Endpoint:
    return Endpoint(socket.inet_pton(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip), port)


def tcp(
    local: str, remote: str, state: TcpState = TcpState.ESTABLISHED, ports: tuple[int, int] = (50000, 7497)
) -> TcpSocket:
    return TcpSocket(endpoint(local, ports[0]), endpoint(remote, ports[1]), state)


LISTENER = tcp("::", "::", TcpState.LISTEN, (7497, 0))
NAT = {"subsystem": Wsl.WSL2_NAT, "gateway": ("eth0", "172.24.32.1")}
MIRRORED = {"subsystem": Wsl.WSL2_MIRRORED, "gateway": ("eth0", "192.0.2.1")}


@pytest.mark.parametrize(
    ("interface", "sockets", "machine", "said"),
    [
        ("eth0", [tcp("127.0.0.1", "127.0.0.1")], {}, "through lo: try -i lo."),
        ("eth0", [tcp("192.0.2.10", "192.0.2.10")], {}, "try -i lo."),
        ("eth0", [tcp("::1", "::1")], {}, "try -i lo."),
        ("lo", [tcp("192.0.2.10", "192.0.2.99")], {}, "192.0.2.10:50000 is connected to 192.0.2.99:7497 through eth0"),
        ("lo", [tcp("192.0.2.10", "192.0.2.99", TcpState.SYN_SENT)], {}, "try -i eth0."),
        ("lo", [tcp("2001:db8::10", "2001:db8::99")], {}, "try -i eth0."),
        ("lo", [tcp("198.51.100.1", "192.0.2.99")], {}, "try -i any."),
        ("lo", [tcp("127.0.0.1", "127.0.0.1")], {}, "neither side has sent anything"),
        ("any", [tcp("127.0.0.1", "127.0.0.1")], {}, "neither side has sent anything"),
        ("eth0", [LISTENER], {}, "listens on port 7497; programs on this machine reach it through lo: try -i lo."),
        ("lo", [LISTENER], {}, "no program has connected to it yet"),
        ("any", [LISTENER], {}, "no program has connected to it yet"),
        ("lo", [], NAT, "is reached at 172.24.32.1 through eth0: try -i eth0."),
        ("eth0", [], NAT, "Is TWS running"),
        ("lo", [], MIRRORED, "through loopback0: try -i loopback0."),
        ("loopback0", [], MIRRORED, "Is TWS running"),
        ("lo", [], {}, "Is TWS running"),
        ("lo", [tcp("127.0.0.1", "127.0.0.1", TcpState(10))], {}, "listens on port 50000"),
    ],
)
def test_the_suggested_interface(
    interface: str, sockets: list[TcpSocket], machine: dict[str, object], said: str
) -> None:
    here = HostNetwork(INTERFACES, tuple(sockets), **machine)  # type: ignore[arg-type]
    assert said in suggest_interface([interface], here)


def test_a_connection_says_more_than_a_listener() -> None:
    here = HostNetwork(INTERFACES, (LISTENER, tcp("192.0.2.10", "192.0.2.99")))
    assert "try -i eth0" in suggest_interface(["lo"], here)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The machine that the tested functions see."""
    facts: dict[str, object] = {"tcp_sockets": [], "packets_on": None}
    monkeypatch.setattr(host_network, "list_interfaces", lambda: list(INTERFACES))
    monkeypatch.setattr(host_network, "detect_wsl", lambda: None)
    monkeypatch.setattr(host_network, "default_gateway", lambda: None)
    monkeypatch.setattr(host_network, "tcp_sockets", lambda: facts["tcp_sockets"])
    monkeypatch.setattr(hint_module, "packets_on", lambda _: facts["packets_on"])
    return facts


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (100, 100, "No packet has passed through lo. No program"),
        (100, 142, "42 packets passed through lo, none of them with an API port. No program"),
        (None, 142, "No program"),
        (100, None, "No program"),
    ],
)
def test_other_traffic_is_counted(machine: dict[str, object], before: int | None, now: int | None, said: str) -> None:
    machine["packets_on"] = now
    assert traffic_hint(["lo"], PORTS, before).startswith(said)


def test_connections_of_tws_to_ib_are_not_api_connections(machine: dict[str, object]) -> None:
    machine["tcp_sockets"] = [
        tcp("192.0.2.10", "8.8.8.8", ports=(50000, 4001)),
        tcp("127.0.0.1", "127.0.0.1", ports=(1, 2)),
    ]
    assert "No program" in traffic_hint(["lo"], PORTS)
    machine["tcp_sockets"] = [tcp("192.0.2.10", "8.8.8.8", ports=(7497, 50000))]
    assert "try -i eth0" in traffic_hint(["lo"], PORTS)
    machine["tcp_sockets"] = [tcp("192.0.2.10", "10.0.0.1", ports=(1, 2))]
    assert "try -i eth0" in traffic_hint(["lo"], None)
