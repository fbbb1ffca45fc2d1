"""Two hosts, each a thread in a network namespace of its own, and the bad network between them.

    with lab(trouble, seed) as (client, server):
        listener = server.do(lambda: socket.create_server((server.ipv4, 0)))
        ...
        frames = client.captured()

A host holds a packet socket on its interface, so that what it sent and what it received is captured in the kernel's
order: before the trouble for the one, behind it for the other. A namespace goes when its thread and sockets have gone;
nothing is left behind by a run that was killed.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from heapq import heappop, heappush
from random import Random
from typing import TypeVar

from truth.trouble import Trouble

from ibsniff.model import NANOSECONDS, Frame

if sys.platform == "linux":
    import fcntl

Result = TypeVar("Result")

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
SO_RCVBUFFORCE, SO_TIMESTAMPNS, SOL_PACKET, PACKET_STATISTICS = 33, 35, 263, 6
ETH_P_ALL = 3
BUFFER = 256 << 20
"""Bytes the kernel may keep for a capture that is read at the end only."""
LARGEST = 1 << 17
DEVICE = "net0"
ROUTE = "rto_min 10ms quickack 1"
"""Repeat and acknowledge at once: hundreds of bad transfers in a minute."""


class Host:
    """A thread in its own network namespace. Sockets made there stay there, whoever uses them."""

    def __init__(self, number: int) -> None:
        self.ipv4, self.ipv6 = f"10.77.0.{number}", f"fd77::{number}"
        self.hardware_address = f"02:00:00:00:00:0{number}"
        self._thread = ThreadPoolExecutor(1)
        self.do(_leave_for_a_network_of_its_own)
        self.thread_id = self.do(threading.get_native_id)
        self._capture: socket.socket | None = None

    def do(self, work: Callable[[], Result]) -> Result:
        """Do it on this host."""
        return self._thread.submit(work).result()

    def run(self, command: str) -> None:
        """Run a program on this host."""
        self.do(lambda: subprocess.run(command.split(), check=True, capture_output=True))

    def start(self, command: list[str]) -> subprocess.Popen[str]:
        """Start a program on this host, and be told what it says on stderr."""
        return self.do(lambda: subprocess.Popen(command, stderr=subprocess.PIPE, text=True))

    def open_tap(self) -> int:
        """Make the interface; frames are read from and written to the file descriptor."""
        return self.do(_open_tap)

    def join(self) -> None:
        """Bring the interface up and begin to capture on it."""
        self.run("sysctl -q net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.all.router_solicitations=0")
        self.run("ip link set lo up")
        self.run(f"ip link set {DEVICE} address {self.hardware_address} up")
        for address, network in ((f"{self.ipv4}/24", "10.77.0.0/24"), (f"{self.ipv6}/64", "fd77::/64")):
            self.run(f"ip address add {address} dev {DEVICE} noprefixroute nodad")
            self.run(f"ip route add {network} dev {DEVICE} {ROUTE}")
        self._capture = self.do(_open_capture)

    def know(self, other: Host) -> None:
        """Neighbour discovery is not what is tested here."""
        for address in (other.ipv4, other.ipv6):
            self.run(f"ip neighbour replace {address} lladdr {other.hardware_address} dev {DEVICE} nud permanent")

    def captured(self) -> list[Frame]:
        """What went by since the last time; no packet may have been missed."""
        assert self._capture is not None
        frames: list[Frame] = []
        while True:
            try:
                data, [(_, _, stamp)], _, _ = self._capture.recvmsg(LARGEST, 64)
            except BlockingIOError:
                break
            seconds, nanoseconds = struct.unpack("qq", stamp)
            frames.append(Frame(len(frames) + 1, seconds * NANOSECONDS + nanoseconds, 1, data, len(data)))
        _, dropped = struct.unpack("II", self._capture.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        assert not dropped, f"the kernel dropped {dropped} packets"
        return frames

    def close(self) -> None:
        if self._capture is not None:
            self._capture.close()
        self._thread.shutdown()


@contextmanager
def bad_network(trouble: list[Trouble], seed: int) -> Iterator[tuple[Host, Host]]:
    """Client and server; ``trouble`` is what the frames of the one and of the other suffer, and may be changed on the way."""
    with ExitStack() as undo:
        hosts = _hosts(undo)
        taps = [host.open_tap() for host in hosts]
        for tap in taps:
            undo.callback(os.close, tap)
        stop = threading.Event()
        relay = threading.Thread(target=_relay, args=(taps, trouble, Random(seed), stop))
        _join(hosts)
        relay.start()
        undo.callback(relay.join)
        undo.callback(stop.set)
        yield hosts


@contextmanager
def offloading_network() -> Iterator[tuple[Host, Host]]:
    """Client and server on the two ends of a cable (veth): large segments, and checksums nobody has computed."""
    with ExitStack() as undo:
        client, server = _hosts(undo)
        peer = f"peer name {DEVICE} netns {server.thread_id}"
        client.run(f"ip link add name {DEVICE} type veth {peer}")
        _join((client, server))
        yield client, server


def _hosts(undo: ExitStack) -> tuple[Host, Host]:
    hosts = Host(1), Host(2)
    for host in hosts:
        undo.callback(host.close)
    return hosts


def _join(hosts: tuple[Host, Host]) -> None:
    for host in hosts:
        host.join()
    hosts[0].know(hosts[1])
    hosts[1].know(hosts[0])


def _leave_for_a_network_of_its_own() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "no network namespace")


def _open_tap() -> int:
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH14x", DEVICE.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def _open_capture() -> socket.socket:
    capture = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    capture.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    capture.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    capture.bind((DEVICE, ETH_P_ALL))
    capture.setblocking(False)
    return capture


def _relay(taps: list[int], trouble: list[Trouble], random: Random, stop: threading.Event) -> None:
    """Carry frames from each end to the other until told to stop."""
    due: list[tuple[float, int, int, bytes]] = []
    count = 0
    while not stop.is_set():
        wait = min(0.05, max(0.0, due[0][0] - time.monotonic())) if due else 0.05
        readable, _, _ = select.select(taps, [], [], wait)
        for tap in readable:
            side = taps.index(tap)
            frame = os.read(tap, LARGEST)
            for delay, part in trouble[side].suffer(frame, random):
                count += 1
                heappush(due, (time.monotonic() + delay, count, taps[1 - side], part))
        while due and due[0][0] <= time.monotonic():
            _, _, to, part = heappop(due)
            os.write(to, part)
