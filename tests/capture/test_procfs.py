"""Facts from /proc, read from folders with sample files."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from ibsniff.capture.procfs import (
    TcpState,
    Wsl,
    default_gateway,
    detect_wsl,
    kernel_address,
    packets_on,
    tcp_sockets,
)
from ibsniff.model import Endpoint

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the samples are from little-endian machines")

DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  123456     100    0    0    0     0          0         0   123456     100    0    0    0     0       0          0
  eth0:99999999      30    0    0    0     0          0         0     4711      12    0    0    0     0       0          0
"""
ROUTE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t002018AC\t00000000\t0001\t0\t0\t0\t00F0FFFF\t0\t0\t0
eth0\t00000000\t012018AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
"""
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:C350 0100007F:1D49 01 00000000:00000000 00:00000000 00000000  1000        0 1 1
   1: 3F2E18AC:C351 012018AC:1D49 02 00000000:00000000 00:00000000 00000000  1000        0 2 1
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when
   0: 00000000000000000000000000000000:1D49 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00
   1: 0000000000000000FFFF00000100007F:1D49 0000000000000000FFFF00000100007F:C350 01 00000000:00000000 00:00000000 00
   2: B80D0120000000000000000001000000:1D49 B80D0120000000000000000002000000:C350 01 00000000:00000000 00:00000000 00
"""


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "net").mkdir()
    (tmp_path / "sys/kernel").mkdir(parents=True)
    for name, text in {"net/dev": DEV, "net/route": ROUTE, "net/tcp": TCP, "net/tcp6": TCP6}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def endpoint(ip: str, port: int) -> Endpoint:
    return Endpoint(socket.inet_pton(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip), port)


@pytest.mark.parametrize(
    ("release", "mirrored", "kind"),
    [
        ("6.8.0-45-generic", False, None),
        ("4.4.0-19041-Microsoft", False, Wsl.WSL1),
        ("5.15.167.4-microsoft-standard-WSL2", False, Wsl.WSL2_NAT),
        ("5.15.167.4-microsoft-standard-WSL2", True, Wsl.WSL2_MIRRORED),
    ],
)
def test_the_version_of_wsl(proc: Path, release: str, mirrored: bool, kind: Wsl | None) -> None:
    (proc / "sys/kernel/osrelease").write_text(release + "\n")
    if mirrored:
        (proc / "net/dev").write_text(DEV + " loopback0: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n")
    assert detect_wsl(proc) is kind


@little_endian
def test_default_gateway(proc: Path) -> None:
    assert default_gateway(proc) == ("eth0", "172.24.32.1")
    (proc / "net/route").write_text(ROUTE.splitlines()[0] + "\n")
    assert default_gateway(proc) is None


@little_endian
def test_tcp_sockets(proc: Path) -> None:
    loopback = endpoint("127.0.0.1", 7497)
    assert [each[:3] for each in tcp_sockets(proc)] == [
        (endpoint("127.0.0.1", 50000), loopback, TcpState.ESTABLISHED),
        (endpoint("172.24.46.63", 50001), endpoint("172.24.32.1", 7497), TcpState.SYN_SENT),
        (endpoint("::", 7497), endpoint("::", 0), TcpState.LISTEN),
        (loopback, endpoint("127.0.0.1", 50000), TcpState.ESTABLISHED),
        (endpoint("2001:db8::1", 7497), endpoint("2001:db8::2", 50000), TcpState.ESTABLISHED),
    ]
    table = proc / "net/tcp"
    table.write_text(table.read_text().replace("00000000:00000000", "00000000:00000011"))
    assert {each.waiting for each in tcp_sockets(proc) if len(each.local.address) == 4 and each.local.port > 50000} == {
        17
    }


def test_packets_on_an_interface(proc: Path) -> None:
    assert packets_on("lo", proc) == 200
    assert packets_on("eth0", proc) == 42
    assert packets_on("any", proc) == 242
    assert packets_on("wlan0", proc) is None


def test_nothing_is_known_without_proc(tmp_path: Path) -> None:
    assert detect_wsl(tmp_path) is None
    assert default_gateway(tmp_path) is None
    assert packets_on("lo", tmp_path) is None
    assert list(tcp_sockets(tmp_path)) == []


def test_the_words_of_an_address_have_the_byte_order_of_the_machine() -> None:
    number = int.from_bytes(bytes([127, 0, 0, 1]), sys.byteorder)
    assert kernel_address(f"{number:08X}") == bytes([127, 0, 0, 1])
