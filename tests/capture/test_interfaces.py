"""The interfaces of the machine that runs the test, and the descriptions of interfaces by name."""

from __future__ import annotations

import socket
import sys
from types import SimpleNamespace

import pytest

from ibsniff.capture import interfaces
from ibsniff.capture.interfaces import Interface, hint_for, list_interfaces
from ibsniff.capture.procfs import Wsl

NAT, MIRRORED = Wsl.WSL2_NAT, Wsl.WSL2_MIRRORED
GATEWAY = ("eth0", "172.24.32.1")

not_windows = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getifaddrs")


@not_windows
def test_loopback_of_this_machine() -> None:
    found = list_interfaces()
    assert [(entry.index, entry.name) for entry in found] == socket.if_nameindex()
    (loopback,) = [entry for entry in found if entry.name in ("lo", "lo0")]
    assert loopback.loopback
    assert not any(entry.loopback for entry in found if not entry.name.startswith("lo"))
    if loopback.up:
        assert "127.0.0.1" in loopback.addresses
    assert loopback.hint


@pytest.mark.parametrize(
    ("name", "subsystem", "said"),
    [
        ("lo", None, "both on this machine"),
        ("lo0", None, "both on this machine"),
        ("lo", NAT, "only a TWS inside this WSL"),
        ("lo", MIRRORED, "both on this machine"),
        ("eth0", NAT, "TWS on Windows at 172.24.32.1"),
        ("loopback0", MIRRORED, "TWS on Windows at 127.0.0.1"),
        ("eth0", None, "another machine"),
        ("docker0", None, "container"),
        ("br-0f1e2d", None, "container"),
        ("veth12ab", None, "bridge"),
        ("wg0", None, "VPN"),
        ("tun0", None, "VPN"),
    ],
)
def test_the_traffic_of_an_interface_is_described(name: str, subsystem: Wsl | None, said: str) -> None:
    assert said in hint_for(name, subsystem, GATEWAY)


def test_other_interfaces_have_no_description() -> None:
    assert hint_for("eth1", None, GATEWAY) == ""
    assert hint_for("eth0", None, None) == ""


def test_windows_lists_what_scapy_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def adapter(name: str, device: str, addresses: list[str]) -> SimpleNamespace:
        return SimpleNamespace(
            name=name, index=7, network_name=device, ips={4: addresses, 6: []}, is_valid=lambda: True
        )

    device = r"\Device\NPF_Loopback"
    known = {
        "1": adapter("Software Loopback Interface 1", device, ["127.0.0.1"]),
        "2": adapter("Ethernet", r"\Device\NPF_{1}", ["192.0.2.1"]),
    }
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(interfaces, "load_scapy", lambda: SimpleNamespace(ifaces=known, loopback_name=device))
    assert list_interfaces() == [
        Interface(
            "Software Loopback Interface 1", 7, ("127.0.0.1",), True, True, 0, "program and TWS both on this machine"
        ),
        Interface("Ethernet", 7, ("192.0.2.1",), True, False, 1, ""),
    ]
