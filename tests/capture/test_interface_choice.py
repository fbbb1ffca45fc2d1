"""The choice of interfaces from the tables of a machine."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest
from live_namespace import in_namespace, needs_namespace

from ibsniff.capture import host_network
from ibsniff.capture.host_network import HostNetwork, psutil_sockets
from ibsniff.capture.interface_choice import choose_by_evidence, choose_interfaces
from ibsniff.capture.interfaces import Interface
from ibsniff.capture.procfs import (
    TcpSocket,
    TcpState,
    Wsl,
    default_gateway,
    detect_wsl,
    tcp_sockets,
)
from ibsniff.model import Endpoint

INTERFACES = (
    Interface("lo", 1, ("127.0.0.1", "::1"), True, True, 1, ""),
    Interface("eth0", 2, ("192.0.2.10", "2001:db8::10"), True, False, 1, ""),
    Interface("wg0", 3, ("10.9.0.2",), True, False, 101, ""),
)
PORTS = frozenset({7497, 4001})


def tcp(local: str, remote: str, state: TcpState = TcpState.ESTABLISHED) -> TcpSocket:
    return TcpSocket(endpoint(local), endpoint(remote), state)


def endpoint(text: str) -> Endpoint:
    ip, _, port = text.rpartition(":")
    return Endpoint(socket.inet_pton(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip), int(port))


LOCAL = tcp("127.0.0.1:50000", "127.0.0.1:7497")
REMOTE = tcp("192.0.2.10:50001", "192.0.2.99:7497")
CALLING = tcp("10.9.0.2:50002", "10.9.0.1:4001", TcpState.SYN_SENT)
FORWARDED = tcp("198.51.100.7:50003", "192.0.2.99:7497")
LISTENS = tcp(":::7497", "0.0.0.0:0", TcpState.LISTEN)
LISTENS_FOR_ITSELF = tcp("127.0.0.1:4001", "0.0.0.0:0", TcpState.LISTEN)
LISTENS_FOR_OTHERS = tcp("192.0.2.10:4001", "0.0.0.0:0", TcpState.LISTEN)
GATEWAY = ("eth0", "192.0.2.1")


@pytest.mark.parametrize(
    ("sockets", "subsystem", "names", "reason"),
    [
        ([LISTENS, LOCAL], None, ("lo",), "127.0.0.1:50000 is connected to 127.0.0.1:7497 through lo."),
        ([LISTENS, REMOTE], None, ("eth0",), "192.0.2.10:50001 is connected to 192.0.2.99:7497 through eth0."),
        ([CALLING], None, ("wg0",), "10.9.0.2:50002 is connecting to 10.9.0.1:4001 through wg0."),
        ([LOCAL, REMOTE, LOCAL], None, ("lo", "eth0"), "and other connections go through eth0."),
        ([FORWARDED], None, ("any",), "from an address that no interface here has."),
        ([REMOTE, FORWARDED], None, ("any",), "192.0.2.10:50001"),
        (
            [LISTENS],
            None,
            ("lo",),
            "A server on this machine listens on port 7497; programs on this machine reach it through lo.",
        ),
        ([LISTENS_FOR_ITSELF], None, ("lo",), "listens on port 4001"),
        (
            [LISTENS_FOR_OTHERS],
            None,
            ("lo", "eth0"),
            "listens on 192.0.2.10:4001, which is reached through lo and eth0.",
        ),
        ([LISTENS], Wsl.WSL2_NAT, ("lo",), "listens on port 7497"),
        ([], None, ("lo",), "lo carries the traffic if the program and TWS both run on this machine."),
        ([], Wsl.WSL1, ("lo",), "lo carries the traffic"),
        ([], Wsl.WSL2_NAT, ("lo", "eth0"), "is reached at 192.0.2.1 through eth0."),
        ([], Wsl.WSL2_MIRRORED, ("lo", "loopback0"), "is reached through loopback0."),
    ],
)
def test_the_best_evidence_decides(
    sockets: list[TcpSocket], subsystem: Wsl | None, names: tuple[str, ...], reason: str
) -> None:
    chosen = choose_by_evidence(HostNetwork(INTERFACES, tuple(sockets), subsystem, GATEWAY))
    assert chosen.names == names
    assert reason in chosen.reason
    assert chosen.reason.endswith(".")


def test_many_interfaces_become_any() -> None:
    many = tuple(Interface(f"v{n}", n, (f"10.0.{n}.1",), True, False, 1, "") for n in range(6))
    sockets = tuple(tcp(f"10.0.{n}.1:50000", f"10.0.{n}.2:7497") for n in range(6))
    assert choose_by_evidence(HostNetwork(many, sockets)).names == ("any",)


TABLE = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"


@pytest.fixture
def wsl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a WSL machine with NAT networking: eth0 is 172.24.46.63, Windows is 172.24.32.1."""
    files = {
        "sys/kernel/osrelease": "5.15.167.4-microsoft-standard-WSL2\n",
        "net/dev": "Inter-|\n face |\n    lo: 1\n  eth0: 1\n",
        "net/route": "Iface\tDestination\tGateway\neth0\t00000000\t012018AC\t0003\n",
        "net/tcp": TABLE,
        "net/tcp6": TABLE,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    here = [INTERFACES[0], Interface("eth0", 2, ("172.24.46.63",), True, False, 1, "")]
    monkeypatch.setattr(host_network, "list_interfaces", lambda: here)
    monkeypatch.setattr(host_network, "detect_wsl", lambda: detect_wsl(tmp_path))
    monkeypatch.setattr(host_network, "default_gateway", lambda: default_gateway(tmp_path))
    monkeypatch.setattr(host_network, "tcp_sockets", lambda: tcp_sockets(tmp_path))
    return tmp_path


@pytest.mark.skipif(sys.byteorder != "little", reason="the tables are those of a little-endian machine")
def test_the_choice_from_the_tables_of_a_wsl_machine(wsl: Path) -> None:
    assert choose_interfaces(PORTS).names == ("lo", "eth0")
    listener = "   0: 00000000:1D49 00000000:0000 0A 00000000:00000000 00:00000000 00\n"
    (wsl / "net/tcp").write_text(TABLE + listener)
    assert choose_interfaces(PORTS).names == ("lo",)
    calling = "   1: 3F2E18AC:C351 012018AC:1D49 02 00000000:00000000 00:00000000 00\n"
    (wsl / "net/tcp").write_text(TABLE + listener + calling)
    assert choose_interfaces(PORTS) == (
        ("eth0",),
        "172.24.46.63:50001 is connecting to 172.24.32.1:7497 through eth0.",
    )
    assert choose_interfaces(frozenset({1})).names == ("lo", "eth0"), "other ports are no evidence"


def test_psutil_is_used_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    address = namedtuple("address", "ip port")
    listens = SimpleNamespace(status="LISTEN", laddr=address("::", 7497), raddr=())
    called = SimpleNamespace(
        status="ESTABLISHED", laddr=address("::ffff:127.0.0.1", 7497), raddr=address("127.0.0.1", 5)
    )
    over = SimpleNamespace(status="TIME_WAIT", laddr=address("::", 7497), raddr=address("::1", 5))
    told = SimpleNamespace(Error=ValueError, net_connections=lambda kind: [listens, called, over])
    monkeypatch.setitem(sys.modules, "psutil", told)
    assert list(psutil_sockets()) == [
        tcp(":::7497", "0.0.0.0:0", TcpState.LISTEN),
        tcp("127.0.0.1:7497", "127.0.0.1:5"),
    ]
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert list(psutil_sockets()) == []


HERE = """
import socket
from ibsniff.capture.interface_choice import choose_interfaces
print(choose_interfaces(frozenset({7497})).reason)
with socket.create_server(("127.0.0.1", 7497)):
    print(choose_interfaces(frozenset({7497})).reason)
"""


@needs_namespace
def test_the_choice_in_a_network_namespace() -> None:
    """In a separate process, since /proc/net is that of the first thread of a process."""
    command = [sys.executable, "-c", HERE]
    done = in_namespace(lambda: subprocess.run(command, capture_output=True, text=True, check=True))
    alone, listening = done.stdout.splitlines()
    assert "No program on this machine listens" in alone
    assert "listens on port 7497" in listening
