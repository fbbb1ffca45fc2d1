"""The scapy back end with substitutes for the sockets that scapy has on macOS and Windows."""

from __future__ import annotations

import errno
import re
import select
import socket
import struct
import sys
import threading

import pytest

from ibsniff.capture import scapy_backend
from ibsniff.capture.backend import RawPacket
from ibsniff.capture.scapy_backend import ScapyCapture, load_scapy
from ibsniff.model import UserError

PORTS = frozenset({7497})
API = bytes.fromhex("020000004500002c00000000400600007f0000017f000001c3501d490000000000000000500200000000000000000000")
OTHER = API.replace(b"\x1d\x49", b"\x01\xbb")


class BsdSocket:
    """scapy's socket over /dev/bpf, without libpcap."""

    def __init__(self, packets: list[bytes], fails: bool = False) -> None:
        self.packets, self.fails = packets, fails
        self.non_blocking = self.closed = False
        self.quiet, self.never = socket.socketpair()

    def set_nonblock(self) -> None:
        self.non_blocking = True

    def select(self, _: object, timeout: float) -> object:
        return select.select([self.quiet], [], [], timeout)

    def recv_raw(self, _: int) -> tuple[None, bytes | None, float | None]:
        if self.packets:
            return None, self.packets.pop(0), 1_800_000_000.25
        if self.fails:
            raise OSError(errno.ENXIO, "Device not configured")
        return None, None, None

    def get_stats(self) -> tuple[int, int]:
        return 5, 2

    def close(self) -> None:
        self.closed = True
        self.quiet.close()
        self.never.close()


class ConfWithoutLibpcap:
    """scapy's ``conf`` where setting use_pcap has no effect."""

    use_pcap = property(lambda _: False, lambda _, value: None)

    def __init__(self, opened: BsdSocket | Exception) -> None:
        self.opened = opened

    def L2listen(self, iface: str, filter: str | None) -> BsdSocket:
        assert filter is None
        if isinstance(self.opened, Exception):
            raise self.opened
        return self.opened


@pytest.fixture
def bsd(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("scapy.error", reason="needs scapy")
    monkeypatch.setattr(sys, "platform", "darwin")


def opened(monkeypatch: pytest.MonkeyPatch, answer: BsdSocket | Exception) -> ScapyCapture:
    monkeypatch.setattr(scapy_backend, "load_scapy", lambda: ConfWithoutLibpcap(answer))
    return ScapyCapture("lo0", PORTS, libpcap=True)


def wait_for_the_thread() -> None:
    """Wait until the thread has read everything and ended."""
    for thread in threading.enumerate():
        if thread.name == "capture on lo0":
            thread.join(5)


def received(capture: ScapyCapture) -> list[RawPacket]:
    """Wait for packets of the thread, and return them."""
    assert select.select([capture], [], [], 5)[0]
    return capture.receive()


@pytest.mark.usefixtures("bsd")
def test_without_libpcap_the_filter_is_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    bpf = BsdSocket([OTHER, API, OTHER])
    capture = opened(monkeypatch, bpf)
    assert capture.link_type == 0
    assert received(capture) == [RawPacket(1_800_000_000_250_000_000, API, len(API))]
    assert capture.receive() == []
    assert not select.select([capture], [], [], 0)[0], "quiet again"
    assert capture.link_state() == ("lo0", True)
    assert capture.statistics() == (5, 2)
    capture.close()
    capture.close()
    assert bpf.non_blocking
    assert bpf.closed
    assert capture.statistics() == (5, 2)


@pytest.mark.usefixtures("bsd")
def test_packets_beyond_the_queue_are_counted_as_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scapy_backend, "MAX_QUEUED_PACKETS", 3)
    monkeypatch.setattr(scapy_backend, "MAX_PACKETS_AT_ONCE", 2)
    capture = opened(monkeypatch, BsdSocket([API] * 10, fails=True))
    wait_for_the_thread()
    assert [len(received(capture)) for _ in range(2)] == [2, 1]
    with pytest.raises(OSError, match="Device not configured"):
        capture.receive()
    assert capture.link_state() is None
    assert capture.statistics() == (5, 2 + 7)
    capture.close()


@pytest.mark.usefixtures("bsd")
def test_a_failed_interface_is_not_mistaken_for_a_quiet_one(monkeypatch: pytest.MonkeyPatch) -> None:
    bpf = BsdSocket([])
    monkeypatch.setattr(bpf, "recv_raw", lambda _: struct.unpack("I", b""))
    capture = opened(monkeypatch, bpf)
    wait_for_the_thread()
    with pytest.raises(OSError, match="unpack requires"):
        capture.receive()
    assert capture.link_state() is None
    capture.close()


@pytest.mark.usefixtures("bsd")
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (OSError(errno.EACCES, "Permission denied"), errno.EACCES),
        (OSError("lo0: You don't have permission to capture on that device"), errno.EPERM),
        (RuntimeError("winpcap is not installed"), errno.EPERM),
        (ValueError("Interface 'lo9' not found !"), errno.ENODEV),
        (OSError("lo9: No such device exists (BIOCSETIF failed)"), errno.ENODEV),
        (OSError("something else"), errno.EIO),
    ],
)
def test_error_texts_become_system_errors(monkeypatch: pytest.MonkeyPatch, said: Exception, meant: int) -> None:
    with pytest.raises(OSError, match=re.escape(str(said))) as raised:
        opened(monkeypatch, said)
    assert raised.value.errno == meant
    assert isinstance(raised.value, PermissionError) == (meant in (errno.EPERM, errno.EACCES))


def test_scapy_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scapy.arch", None)
    with pytest.raises(UserError, match="scapy is not installed") as raised:
        load_scapy()
    assert raised.value.what_to_do == f"{sys.executable} -m pip install 'ibsniff[scapy]'"
