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
import select
import socket
import struct
import sys
import time

from ibsniff.capture.backend import RawPacket, Statistics
from ibsniff.capture.bpf import Program
from ibsniff.capture.packet_filter import COOKED, ETHERNET, KEEP_BYTES, RAW_IP, Layout, capture_filter
from ibsniff.model import NANOSECONDS

assert sys.platform == "linux"

RECEIVE_BUFFER = 64 << 20
"""Bytes the kernel may queue for us. It charges about 1 KB for a small packet: room for some 60,000 of them."""
ARRIVAL_NS = 10_000_000
"""Between a packet's stamp and its place in our queue lie microseconds; 10 ms allow for a starved machine."""
STAMPING_SECONDS = 0.02
"""The kernel switches stamping on a moment after it is asked (net_enable_timestamp): before, it stamps on reading."""

SO_ATTACH_FILTER, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 26, 33, 35
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_STATISTICS, PACKET_AUXDATA = 263, 1, 6, 8
PACKET_MR_PROMISC = 1
ETH_P_ALL = 3
SIOCGIFHWADDR = 0x8927

ANY = "any"
LINKTYPE_ETHERNET, LINKTYPE_RAW, LINKTYPE_LINUX_SLL2 = 1, 101, 276
KINDS: dict[int, tuple[int, int, Layout]] = {
    1: (socket.SOCK_RAW, LINKTYPE_ETHERNET, ETHERNET),
    772: (socket.SOCK_RAW, LINKTYPE_ETHERNET, ETHERNET),
    65534: (socket.SOCK_RAW, LINKTYPE_RAW, RAW_IP),
}
"""What to do with a hardware type (if_arp.h): Ethernet, loopback, and none at all (tun, WireGuard)."""
COOKED_KIND = (socket.SOCK_DGRAM, LINKTYPE_LINUX_SLL2, COOKED)

_TIMESPEC = struct.Struct("@ll")
_AUXDATA = struct.Struct("=IIIHHHH")
"""``struct tpacket_auxdata``: status, len, snaplen, mac, net, vlan_tci, vlan_tpid."""
_VLAN_VALID, _VLAN_TPID_VALID = 1 << 4, 1 << 6
_SLL2 = struct.Struct("!HHIHBB8s")
"""tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html: protocol, 0, interface, hardware type, packet type, address."""
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size) + socket.CMSG_SPACE(_AUXDATA.size)


class PacketSocket:
    """One armed packet socket: the `Backend` of Linux."""

    delay_ns = ARRIVAL_NS

    def __init__(self, interface: str, ports: frozenset[int] | None) -> None:
        index = _index_of(interface)
        if not index and interface != ANY:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        socket_type, self.link_type, layout = _kind(interface)
        self._cooked = layout is COOKED
        self._buffer = memoryview(bytearray(KEEP_BYTES))
        self._indexes: dict[str, int] = {}
        self._received = self._dropped = 0
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._socket = socket.socket(socket.AF_PACKET, socket_type, 0)
        try:
            self._arm(index, capture_filter(layout, ports))
        except BaseException:
            self.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)

    def _arm(self, index: int, program: Program) -> None:
        attach_filter(self._socket, program)
        enlarge_buffer(self._socket)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        time.sleep(STAMPING_SECONDS)
        if self.link_type == LINKTYPE_ETHERNET:
            self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self._socket.setblocking(False)
        _bind_to_all_protocols(self._socket, index)
        pending = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if pending:  # binding to an interface that is down succeeds, and says so only here
            raise OSError(pending, os.strerror(pending))
        if index:
            # On a bridge (docker0) the containers' traffic among themselves is seen in promiscuous mode only.
            membership = struct.pack("=iHH8s", index, PACKET_MR_PROMISC, 0, b"")
            self._socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)

    def receive(self, wait: float) -> RawPacket | None:
        """Return the next packet, waiting for it at most ``wait`` seconds."""
        packet = self._read()
        if packet is not None or not wait:
            return packet
        if any(descriptor == self._wake for descriptor, _ in self._poll.poll(wait * 1000)):
            os.eventfd_read(self._wake)
        return self._read()

    def _read(self) -> RawPacket | None:
        try:
            # MSG_TRUNC: the length returned is that of the packet, also when the buffer is smaller.
            wire_length, ancillary, _, address = self._socket.recvmsg_into(
                [self._buffer], _ANCILLARY_BYTES, socket.MSG_TRUNC
            )
        except BlockingIOError:
            return None
        data = bytes(self._buffer[:wire_length])
        time_ns = 0
        for level, kind, value in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = _TIMESPEC.unpack(value)
                time_ns = seconds * NANOSECONDS + nanoseconds
            elif level == SOL_PACKET and kind == PACKET_AUXDATA:
                tag = _vlan_tag(value)
                data = data[:12] + tag + data[12:] if tag else data
                wire_length += len(tag)
        if self._cooked:
            header = self._sll2_header(*address)
            data = header + data
            wire_length += len(header)
        return RawPacket(time_ns or time.time_ns(), data, wire_length)

    def _sll2_header(self, name: str, protocol: int, packet_type: int, hardware: int, address: bytes) -> bytes:
        if name not in self._indexes:
            self._indexes[name] = _index_of(name)
        return _SLL2.pack(protocol, 0, self._indexes[name], hardware, packet_type, len(address), address[:8])

    def statistics(self) -> Statistics:
        """Add up what the kernel counted: it starts from 0 again each time it is asked."""
        if self._socket.fileno() >= 0:
            received, dropped = packet_statistics(self._socket)
            self._received += received
            self._dropped += dropped
        return Statistics(self._received, self._dropped)

    def wake(self) -> None:
        """Make a `receive` that waits return."""
        if self._wake >= 0:
            os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Close the socket; the last counts stay available."""
        if self._wake >= 0:
            if self._socket.fileno() >= 0:
                self.statistics()
                self._socket.close()
            os.close(self._wake)
            self._wake = -1


def link_type_of(interface: str) -> int:
    """Return the LINKTYPE_ value that a capture of this interface has."""
    return _kind(interface)[1]


def _kind(interface: str) -> tuple[int, int, Layout]:
    return COOKED_KIND if interface == ANY else KINDS.get(_hardware_type(interface), COOKED_KIND)


def _hardware_type(interface: str) -> int:
    """Return the ARPHRD_ number of an interface. Not from /sys: that may show another network namespace's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        request = struct.pack("16s16x", interface.encode())
        answer = fcntl.ioctl(asking, SIOCGIFHWADDR, request)
    return int(struct.unpack_from("=H", answer, 16)[0])


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


def _vlan_tag(auxdata: bytes) -> bytes:
    """Return the 4 bytes of the VLAN tag that the kernel took out of the frame, if it did."""
    status, _, _, _, _, tag, protocol = _AUXDATA.unpack(auxdata)
    if not status & _VLAN_VALID:
        return b""
    return struct.pack("!HH", protocol if status & _VLAN_TPID_VALID else 0x8100, tag)


def _index_of(name: str) -> int:
    """Return an interface's number; 0 when there is none of that name, or no longer."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0
