"""Live capture on Linux through a packet socket: packet(7), socket(7). Needs neither libpcap nor tcpdump.

The order matters. The socket is made for protocol 0, which receives nothing; the filter is attached; only then is it
bound to the interface and to all protocols. So not one packet is queued that the filter has not seen.

Named interfaces with an Ethernet header are captured with it. All others, and ``any``, go through a "cooked" socket
without link header; the 20 bytes of LINKTYPE_LINUX_SLL2 are built from the address the kernel gives with each packet.
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
"""Bytes that may wait for us: some 400,000 small packets, and ten seconds of few."""
ARRIVAL_NS = 3 * HANDED_OVER_AFTER_MS * 1_000_000
"""A packet waits in its block for two periods of the kernel's timer at most; the rest is for a starved machine."""
COLUMNS_MIN_PACKETS = 300
"""Packets of a block that are worth being handled together."""

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
"""What to do with a hardware type (if_arp.h): Ethernet, loopback, and none at all (tun, WireGuard)."""
COOKED_KIND = (socket.SOCK_DGRAM, LINKTYPE_LINUX_SLL2, COOKED)


class PacketSocket:
    """One armed packet socket: the `Backend` of Linux."""

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
        self._raise_pending()  # binding to an interface that is down succeeds, and says so only here
        if self._index:
            # On a bridge (docker0) the containers' traffic among themselves is seen in promiscuous mode only.
            membership = struct.pack("=iHH8s", self._index, PACKET_MR_PROMISC, 0, b"")
            self._socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)

    def _raise_pending(self) -> None:
        pending = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if pending:
            raise OSError(pending, os.strerror(pending))

    def fileno(self) -> int:
        """The socket's descriptor: readable when a block of packets was handed over, or the interface went down."""
        return self._socket.fileno()

    def receive(self) -> RingBlock | list[RawPacket]:
        """Take the packets of one block. Raises OSError, once, when the interface went down."""
        block = self._ring.take() if self._ring is not None else None
        if block is None:
            self._raise_pending()
            return []
        return block if block.count >= COLUMNS_MIN_PACKETS else list(block.packets())

    def link_state(self) -> LinkState | None:
        """Look at the interface by its number, which it keeps while it is down and when it is renamed."""
        if not self._index:
            return LinkState(ANY, True)
        try:
            name = socket.if_indextoname(self._index)
            (flags,) = struct.unpack_from("=H", _ask_interface(SIOCGIFFLAGS, name), 16)
        except OSError:
            return None
        return LinkState(name, bool(flags & IFF_UP))

    def statistics(self) -> Statistics:
        """Add up what the kernel counted: it starts from 0 again each time it is asked."""
        if self._socket.fileno() >= 0:
            received, dropped = packet_statistics(self._socket)
            self._received += received
            self._dropped += dropped
        return Statistics(self._received, self._dropped)

    def close(self) -> None:
        """Close the socket; the last counts stay available."""
        if self._socket.fileno() >= 0:
            self.statistics()
            if self._ring is not None:
                self._ring.close()
            self._socket.close()


def link_type_of(interface: str) -> int:
    """Return the LINKTYPE_ value that a capture of this interface has."""
    return _kind(interface)[1]


def _kind(interface: str) -> tuple[int, int, Layout]:
    return COOKED_KIND if interface == ANY else KINDS.get(_hardware_type(interface), COOKED_KIND)


def _hardware_type(interface: str) -> int:
    """Return the ARPHRD_ number of an interface. Not from /sys: that may show another network namespace's."""
    return int(struct.unpack_from("=H", _ask_interface(SIOCGIFHWADDR, interface), 16)[0])


def _ask_interface(question: int, name: str) -> bytes:
    """``struct ifreq`` with the answer from its 16th byte on (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        return fcntl.ioctl(asking, question, struct.pack("16s16x", name.encode()))


def attach_filter(sock: socket.socket, program: Program) -> None:
    """Hand the kernel a filter program (``struct sock_fprog``); it copies it."""
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(buffer)))


def enlarge_buffer(sock: socket.socket) -> None:
    """Ask for a large receive buffer: the usual one holds some 200 small packets."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except PermissionError:
        # CAP_NET_RAW without CAP_NET_ADMIN: as much as net.core.rmem_max allows.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def packet_statistics(sock: socket.socket) -> tuple[int, int]:
    """Return packets that passed the filter and those of them dropped, since the last call."""
    received, dropped = struct.unpack("=II", sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    return received, dropped


def _bind_to_all_protocols(sock: socket.socket, index: int) -> None:
    """Bind by interface index, 0 for all of them: Python's own ``bind`` insists on a name."""
    address = struct.pack("=HHiHBB8s", socket.AF_PACKET, socket.htons(ETH_P_ALL), index, 0, 0, 0, b"")
    library = ctypes.CDLL(None, use_errno=True)
    if library.bind(sock.fileno(), address, len(address)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _index_of(name: str) -> int:
    """Return an interface's number; 0 when there is none of that name, or no longer."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0
