"""Live capture through scapy: on macOS (libpcap over /dev/bpf), on Windows (Npcap), and on Linux for the tests.

scapy only opens the interface and returns bytes. It does not dissect them, which would take a hundred times as long. A
thread reads the interface, because the consumer may be busy during a burst. On Linux the kernel runs our filter; libpcap
gets the filter as an expression; where neither is possible, the filter is interpreted here.

scapy is GPL-2.0 and takes half a second to load, so it is imported inside functions, when it is needed.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import queue
import re
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from ibsniff.capture.backend import LinkState, RawPacket, Statistics
from ibsniff.capture.bpf import Program, matches
from ibsniff.capture.packet_filter import BSD_LOOPBACK, ETHERNET, KEEP_BYTES, RAW_IP, capture_filter, filter_expression
from ibsniff.model import ExitCode, UserError

if sys.platform == "linux":
    from ibsniff.capture import socket_backend

POLL_SECONDS = 0.1
DELIVERY_NS = 250_000_000
"""libpcap may hold a packet for 0.1 s (the timeout that scapy sets), and our thread must be scheduled after that."""
MAX_QUEUED_PACKETS = 200_000
"""Packets queued between thread and consumer, some seconds of heavy traffic; further packets count as dropped."""
MAX_PACKETS_AT_ONCE = 1000
"""Packets that one call of `receive` returns."""

LINK_TYPES = {0: 0, 1: 1, 12: 101, 14: 101, 101: 101, 108: 108}
"""libpcap's DLT_ numbers -> LINKTYPE_ values (tcpdump.org/linktypes.html). Those of raw IP depend on the system."""
LAYOUTS = {0: BSD_LOOPBACK, 1: ETHERNET, 101: RAW_IP, 108: BSD_LOOPBACK}


def load_scapy() -> Any:
    """Import scapy and return its ``conf``. Raises UserError when it is not installed."""
    logging.getLogger("scapy").setLevel(logging.CRITICAL)  # its warnings would appear on the user's terminal
    try:
        import scapy.arch  # noqa: F401, PLC0415  (selects the sockets of this platform)
        from scapy.config import conf  # noqa: PLC0415
    except ImportError as error:
        what_to_do = f"{sys.executable} -m pip install 'ibsniff[scapy]'"
        raise UserError("scapy is not installed", what_to_do, ExitCode.USAGE) from error
    return conf


class ScapyCapture:
    """One interface that scapy opened and a thread reads: the `Backend` of macOS and Windows."""

    delay_ns = DELIVERY_NS
    buffer_bytes = 0  # the buffers of libpcap and of the system are not known

    def __init__(self, interface: str, ports: frozenset[int] | None, libpcap: bool = sys.platform != "linux") -> None:
        scapy = load_scapy()
        if bool(scapy.use_pcap) != libpcap:
            scapy.use_pcap = libpcap  # without libpcap, scapy sets it back to False
        self._uses_libpcap = bool(scapy.use_pcap)
        self._interface = interface
        self._waiting: queue.SimpleQueue[RawPacket] = queue.SimpleQueue()
        self._failure: OSError | None = None
        self._received = self._dropped = self._overflowed = 0
        self._closing = threading.Event()
        self._socket = _open(scapy, interface, filter_expression(ports) if self._uses_libpcap else None)
        self.link_type = self._link_type(interface)
        self._program = self._filter(capture_filter(LAYOUTS.get(self.link_type, ETHERNET), ports))
        self._wakeup_receiver, self._wakeup_sender = socket.socketpair()
        self._wakeup_receiver.setblocking(False)
        self._wakeup_sender.setblocking(False)
        self._thread = threading.Thread(target=self._empty_interface, name=f"capture on {interface}", daemon=True)
        self._thread.start()

    def _link_type(self, interface: str) -> int:
        if self._uses_libpcap:
            number: int = self._socket.pcap_fd.datalink()
            return LINK_TYPES.get(number, number)
        if sys.platform == "linux":
            return socket_backend.link_type_of(interface)
        return 0 if interface.startswith(("lo", "utun")) else 1

    def _filter(self, program: Program) -> Program | None:
        """Make the socket non-blocking and attach the filter; return the filter when it must be interpreted instead."""
        if self._uses_libpcap:
            self._socket.pcap_fd.setnonblock(True)
            return None
        if sys.platform == "linux":
            socket_backend.attach_filter(self._socket.ins, program)
            socket_backend.enlarge_buffer(self._socket.ins)
            self._socket.ins.setblocking(False)
            while self._read() is not None:  # scapy binds first: discard what came before the filter was attached
                pass
            return None
        self._socket.set_nonblock()
        return program

    def _empty_interface(self) -> None:
        try:
            while not self._closing.is_set():
                packet = self._read()
                if packet is None:
                    self._socket.select([self._socket], POLL_SECONDS)
                elif self._program is None or matches(self._program, packet.data):
                    self._hand_over(packet)
        except Exception as error:  # whatever scapy raises: an interface that is not read must not look quiet
            self._failure = _plain(error)
            self._wake_reader()

    def _read(self) -> RawPacket | None:
        try:
            _, data, seconds = self._socket.recv_raw(KEEP_BYTES)
        except BlockingIOError:
            return None
        if not data:
            return None
        # scapy has the time as a float, which is accurate only to a microsecond
        time_ns = time.time_ns() if seconds is None else round(seconds * 1_000_000) * 1000
        return RawPacket(time_ns, data, len(data))

    def _hand_over(self, packet: RawPacket) -> None:
        if self._waiting.qsize() < MAX_QUEUED_PACKETS:
            self._waiting.put(packet)
            self._wake_reader()
        else:
            self._overflowed += 1

    def _wake_reader(self) -> None:
        with suppress(BlockingIOError):  # the socket is readable already
            self._wakeup_sender.send(b"!")

    def fileno(self) -> int:
        """Return a socket that is readable when the thread has queued a packet or has failed."""
        return self._wakeup_receiver.fileno()

    def receive(self) -> list[RawPacket]:
        """Return packets that the thread has queued. Raises OSError when there are none and the thread has failed."""
        if self._waiting.qsize() <= MAX_PACKETS_AT_ONCE:
            with suppress(BlockingIOError):
                self._wakeup_receiver.recv(1 << 20)  # before the queue is emptied: each later packet wakes us again
        packets = [self._waiting.get() for _ in range(min(self._waiting.qsize(), MAX_PACKETS_AT_ONCE))]
        if not packets and self._failure is not None:
            raise self._failure
        return packets

    def link_state(self) -> LinkState | None:
        """Tell whether the thread still reads; scapy does not tell the state of the interface itself."""
        return LinkState(self._interface, True) if self._failure is None else None

    def statistics(self) -> Statistics:
        """Return the kernel's counters; packets that our own queue dropped are added."""
        if not self._closing.is_set():
            self._count()
        return Statistics(self._received, self._dropped + self._overflowed)

    def _count(self) -> None:
        if self._uses_libpcap:
            self._received, self._dropped = _libpcap_statistics(self._socket.pcap_fd.pcap)
        elif sys.platform == "linux":
            received, dropped = socket_backend.packet_statistics(self._socket.ins)
            self._received += received
            self._dropped += dropped
        else:
            self._received, self._dropped = self._socket.get_stats()

    def close(self) -> None:
        """Stop the thread and close the interface; the last counters stay available."""
        if not self._closing.is_set():
            self._count()
            self._closing.set()
            self._thread.join()
            self._socket.close()
            self._wakeup_receiver.close()
            self._wakeup_sender.close()


def _open(scapy: Any, interface: str, filter_expression: str | None) -> Any:
    from scapy.error import Scapy_Exception  # noqa: PLC0415

    try:
        return scapy.L2listen(iface=interface, filter=filter_expression)
    except (OSError, ValueError, RuntimeError, Scapy_Exception) as error:
        raise _plain(error) from error


def _plain(error: Exception) -> OSError:
    """Convert an error of scapy or libpcap, which often is only a text, to the corresponding error of the system."""
    if isinstance(error, OSError) and error.errno:
        return error
    text = str(error)
    # RuntimeError: Npcap is missing. The help for a missing permission covers that: install it, or be administrator.
    if isinstance(error, RuntimeError) or re.search("permission|not permitted|denied", text, re.IGNORECASE):
        return PermissionError(errno.EPERM, text)
    if isinstance(error, ValueError) or re.search("no such device|not found|not configured", text, re.IGNORECASE):
        return OSError(errno.ENODEV, text)
    return OSError(errno.EIO, text)


def _libpcap_statistics(handle: Any) -> tuple[int, int]:
    """Return the numbers of packets that passed the filter and that were dropped, by pcap_stats(3)."""
    from scapy.libs.winpcapy import pcap_stat, pcap_stats  # noqa: PLC0415

    counted = pcap_stat()
    pcap_stats(handle, ctypes.byref(counted))
    return counted.ps_recv, counted.ps_drop
