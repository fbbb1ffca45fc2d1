"""Live capture on Linux through a packet socket: packet(7), socket(7). It needs neither libpcap nor tcpdump.

The order matters: the socket is created for protocol 0, which receives nothing; the filter is attached; only then is the
socket bound to the interface and to all protocols. So every packet in its queue has passed the filter.

Interfaces with an Ethernet header are captured with it. All others, and ``any``, use a "cooked" socket without a link
header; the 20 bytes of LINKTYPE_LINUX_SLL2 are built from the address that the kernel supplies with each packet.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
import sys

from ibsniff.capture.backend import LinkState, RawPacket, Statistics
from ibsniff.capture.bpf import Program
from ibsniff.capture.packet_filter import COOKED, ETHERNET, RAW_IP, Layout, capture_filter
from ibsniff.capture.packet_ring import HANDED_OVER_AFTER_MS, SOL_PACKET, PacketRing
from ibsniff.capture.ring_block import RingBlock

assert sys.platform == "linux"

RECEIVE_BUFFER = 64 << 20
"""Bytes that can wait for us: about 400,000 small packets, or ten seconds of sparse traffic."""
ARRIVAL_NS = 3 * HANDED_OVER_AFTER_MS * 1_000_000
"""A packet waits in its block for at most two periods of the kernel's timer; the third is for a machine under load."""
COLUMNS_MIN_PACKETS = 300
"""A block with fewer packets is read packet by packet."""

SO_ATTACH_FILTER, SO_RCVBUFFORCE = 26, 33
PACKET_ADD_MEMBERSHIP, PACKET_STATISTICS = 1, 6
PACKET_MR_PROMISC = 1
ETH_P_ALL = 3
SIOCGIFFLAGS, SIOCGIFHWADDR = 0x8913, 0x8927
IFF_UP = 1

ANY = "any"
LINKTYPE_ETHERNET, LINKTYPE_RAW, LINKTYPE_LINUX_SLL2 = 1, 101, 276
KINDS: dict[int, tuple[int, int, Layout]] = {
    1: (socket.SOCK_RAW, LINKTYPE_ETHERNET, ETHERNET),
    772: (socket.SOCK_RAW, LINKTYPE_ETHERNET, ETHERNET),
    65534: (socket.SOCK_RAW, LINKTYPE_RAW, RAW_IP),
}
"""Hardware type (if_arp.h) -> socket type, link type and layout, for Ethernet, loopback, and none (tun, WireGuard)."""
COOKED_KIND = (socket.SOCK_DGRAM, LINKTYPE_LINUX_SLL2, COOKED)


class PacketSocket:
    """One open packet socket: the `Backend` of Linux."""

    delay_ns = ARRIVAL_NS

    def __init__(self, interface: str, ports: frozenset[int] | None, buffer_bytes: int = RECEIVE_BUFFER) -> None:
        self._interface = interface
        self._index = _index_of(interface)
        if not self._index and interface != ANY:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        socket_type, self.link_type, layout = _kind(interface)
        self._received = self._dropped = 0
        self._ring: PacketRing | None = None
        self._socket = socket.socket(socket.AF_PACKET, socket_type, 0)
        try:
            attach_filter(self._socket, capture_filter(layout, ports))
            self._ring = PacketRing(self._socket, buffer_bytes, is_cooked=layout is COOKED)
            self._arm()
        except BaseException:
            self.close()
            raise
        self.buffer_bytes = self._ring.size

    def _arm(self) -> None:
        _bind_to_all_protocols(self._socket, self._index)
        self._raise_pending()  # binding to an interface that is down succeeds; the error is reported only here
        if self._index:
            # On a bridge (docker0), traffic between containers is visible only in promiscuous mode.
            membership = struct.pack("=iHH8s", self._index, PACKET_MR_PROMISC, 0, b"")
            self._socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)

    def _raise_pending(self) -> None:
        pending = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if pending:
            raise OSError(pending, os.strerror(pending))

    def fileno(self) -> int:
        """Return the descriptor of the socket: readable when a block is available or the interface went down."""
        return self._socket.fileno()

    def receive(self) -> RingBlock | list[RawPacket]:
        """Return the packets of one block. Raises OSError, once, when the interface went down."""
        block = self._ring.take() if self._ring is not None else None
        if block is None:
            self._raise_pending()
            return []
        return block if block.count >= COLUMNS_MIN_PACKETS else list(block.packets())

    def link_state(self) -> LinkState | None:
        """Look up the interface by its index, which stays the same while it is down and when it is renamed."""
        if not self._index:
            return LinkState(ANY, True)
        try:
            name = socket.if_indextoname(self._index)
            (flags,) = struct.unpack_from("=H", _ask_interface(SIOCGIFFLAGS, name), 16)
        except OSError:
            return None
        return LinkState(name, bool(flags & IFF_UP))

    def statistics(self) -> Statistics:
        """Add up the kernel's counters, which are reset each time they are read."""
        if self._socket.fileno() >= 0:
            received, dropped = packet_statistics(self._socket)
            self._received += received
            self._dropped += dropped
        return Statistics(self._received, self._dropped)

    def close(self) -> None:
        """Close the socket; the last counters stay available."""
        if self._socket.fileno() >= 0:
            self.statistics()
            if self._ring is not None:
                self._ring.close()
            self._socket.close()


def link_type_of(interface: str) -> int:
    """Return the LINKTYPE_ value of a capture on this interface."""
    return _kind(interface)[1]


def _kind(interface: str) -> tuple[int, int, Layout]:
    return COOKED_KIND if interface == ANY else KINDS.get(_hardware_type(interface), COOKED_KIND)


def _hardware_type(interface: str) -> int:
    """Return the ARPHRD_ number of an interface. It is not read from /sys, which may be of another network namespace."""
    return int(struct.unpack_from("=H", _ask_interface(SIOCGIFHWADDR, interface), 16)[0])


def _ask_interface(question: int, name: str) -> bytes:
    """Return ``struct ifreq`` with the answer, which begins at its 16th byte (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        return fcntl.ioctl(asking, question, struct.pack("16s16x", name.encode()))


def attach_filter(sock: socket.socket, program: Program) -> None:
    """Attach a filter program (``struct sock_fprog``), which the kernel copies."""
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(buffer)))


def enlarge_buffer(sock: socket.socket) -> None:
    """Request a large receive buffer: the default holds about 200 small packets."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except PermissionError:
        # CAP_NET_RAW without CAP_NET_ADMIN: as much as net.core.rmem_max allows.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def packet_statistics(sock: socket.socket) -> tuple[int, int]:
    """Return how many packets passed the filter, and how many of these were dropped, since the last call."""
    received, dropped = struct.unpack("=II", sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    return received, dropped


def _bind_to_all_protocols(sock: socket.socket, index: int) -> None:
    """Bind by interface index, 0 for all interfaces: Python's own ``bind`` accepts only a name."""
    address = struct.pack("=HHiHBB8s", socket.AF_PACKET, socket.htons(ETH_P_ALL), index, 0, 0, 0, b"")
    library = ctypes.CDLL(None, use_errno=True)
    if library.bind(sock.fileno(), address, len(address)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _index_of(name: str) -> int:
    """Return the index of an interface; 0 when no interface has this name."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0
