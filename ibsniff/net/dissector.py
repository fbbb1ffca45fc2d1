"""The path of a frame through the layers, and a fast path for the usual frames."""

from __future__ import annotations

from collections import Counter
from struct import Struct
from typing import TYPE_CHECKING

from ibsniff.model import Columns, Frame, Packet, StrayHello, Unreachable
from ibsniff.net.arp import read_arp
from ibsniff.net.fixed_headers import FIXED_LINK_HEADERS, VLAN_TAGGED
from ibsniff.net.fragments import FragmentReassembler
from ibsniff.net.icmp import read_unreachable
from ibsniff.net.ip import (
    FRAGMENTED,
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    UDP_TUNNELS,
    Datagram,
    Fragment,
    may_hold_tcp,
    not_tcp,
    read_ipv4,
    read_ipv6,
    skip_extension_headers,
)
from ibsniff.net.link import ARP, IPV4, IPV6, Network, find_network
from ibsniff.net.segment import HELLO, FlowCache, begins_with_hello, read_segment
from ibsniff.net.skip import SkipReason
from ibsniff.net.tunnels import MAX_TUNNELS, encapsulated

if TYPE_CHECKING:
    from ibsniff.net.columns import DissectedColumns

_PORTS = 65_536

_OTHER_PORTS, _NOT_TCP = SkipReason.OTHER_PORTS, SkipReason.NOT_TCP
"""Looked up once: access to the members of an enum is slow, and these are the most frequent."""

_plain_ipv4 = Struct("!BxHHHBB10xHH8xB").unpack_from
_plain_ipv6 = Struct("!B3xHBB32xHH8xB").unpack_from
"""An IP header without options, and of the TCP header after it what the fast path needs: ports and data offset."""


class Dissector:
    """Returns the packet in each frame that may matter, and counts the other frames by reason.

    ``ports`` are the TCP ports that matter, None for all; skipped frames are added to ``skipped``. Each frame gives a
    packet, or is counted once, or (an IP fragment) becomes part of the segment of a later frame.
    """

    def __init__(self, ports: frozenset[int] | None, skipped: Counter[str]) -> None:
        # One byte for each port: as fast as a set, and "all ports" is no special case.
        self._wanted = bytearray(b"\0" if ports is not None else b"\1") * _PORTS
        for port in ports or ():
            self._wanted[port] = 1
        self._skipped = skipped
        self._fragments = FragmentReassembler(skipped)
        self._flows = FlowCache()

    def dissect(self, frame: Frame) -> Packet | None:
        """Return the segment, ICMP unreachable, ARP message or stray hello in a frame; None when none matters.

        The fast path is for TCP and UDP without IP options after a link header of fixed length: for other ports it creates
        no object. It must agree with ``_dissect_any`` in every field, and leaves everything unusual to it.
        """
        _, _, link_type, data, wire_length = frame
        link_header = FIXED_LINK_HEADERS.get(link_type)
        if link_header is None:
            return self._dissect_any(frame)
        type_start, type_end, at, protocols = link_header
        protocol = protocols.get(data[type_start:type_end])
        if protocol == VLAN_TAGGED:
            protocol = protocols.get(data[at + 2 : at + 4])
            at += 4
        ip_id: int | None
        if protocol == IPV4 and len(data) >= at + 40:
            first, length, ip_id, fragment, ttl, transport, source, destination, offset = _plain_ipv4(data, at)
            if first != 0x45 or fragment & FRAGMENTED:
                return self._dissect_any(frame)
            start = at + 20
            addresses = at + 12
            end = at + length
        elif protocol == IPV6 and len(data) >= at + 60:
            first, length, transport, ttl, source, destination, offset = _plain_ipv6(data, at)
            if first >> 4 != 6:
                return self._dissect_any(frame)
            start = at + 40
            addresses = at + 8
            ip_id = None
            end = start + length
        else:
            return self._or_count_skipped(read_arp(frame, at), frame) if protocol == ARP else self._dissect_any(frame)
        if transport != TCP or end < start + 20:
            if transport == UDP and end >= start and destination not in UDP_TUNNELS:
                self._skipped[_NOT_TCP] += 1
                return None
            return self._dissect_any(frame)
        wanted = self._wanted
        if not (wanted[source] or wanted[destination]):
            if data.startswith(HELLO, start + (offset >> 4) * 4):
                return self._dissect_any(frame)
            self._skipped[_OTHER_PORTS] += 1
            return None
        if end > wire_length:
            return self._dissect_any(frame)
        flow = self._flows.find(data[addresses : start + 4])
        return self._or_count_skipped(read_segment(frame, flow, data, start, end, ttl, ip_id), frame)

    def dissect_columns(self, columns: Columns) -> DissectedColumns | None:
        """Dissect many frames at once: return their segments, and which frames ``dissect`` must still read.

        None when it must read them all. Frames that cannot matter are counted.
        """
        import numpy as np  # noqa: PLC0415  (numpy, and 0.1 s)

        from ibsniff.net.columns import dissect_columns  # noqa: PLC0415  (numpy, and 0.1 s)

        return dissect_columns(columns, np.frombuffer(self._wanted, np.uint8), self._flows, self._skipped)

    def finish(self) -> None:
        """Count the fragments that never formed a whole datagram; call it at the end of the capture."""
        self._fragments.finish()

    def _dissect_any(self, frame: Frame) -> Packet | None:
        return self._or_count_skipped(self._read(frame), frame)

    def _read(self, frame: Frame) -> Packet | str | None:
        network = find_network(frame.link_type, frame.data)
        return self._read_network(frame, network, max(frame.wire_length, len(frame.data)), MAX_TUNNELS)

    def _read_network(self, frame: Frame, network: Network | str, end: int, tunnels: int) -> Packet | str | None:
        """Read a packet that ends at ``end`` at the latest, and so many tunnels inside each other."""
        if isinstance(network, str):
            return network
        if network.protocol == ARP:
            return read_arp(frame, network.offset)
        read = read_ipv4 if network.protocol == IPV4 else read_ipv6
        datagram = read(frame.data, network.offset, end, network.end)
        if isinstance(datagram, SkipReason):
            return datagram
        inside = encapsulated(datagram) if tunnels and datagram.protocol != TCP else None
        if inside is not None:
            return self._read_network(frame, inside, datagram.end, tunnels - 1)
        if datagram.protocol in (ICMP, ICMPV6):
            return self._unreachable(frame, datagram)
        if not may_hold_tcp(datagram):
            return not_tcp(datagram)
        if datagram.fragment:
            return self._fragment(frame, datagram, datagram.fragment)
        return self._segment(frame, datagram)

    def _unreachable(self, frame: Frame, datagram: Datagram) -> Packet | SkipReason:
        read = read_unreachable(datagram)
        if isinstance(read, SkipReason):
            return read
        source, destination, _ = self._flows.find(read.flow)
        if not (self._wanted[source.port] or self._wanted[destination.port]):
            return SkipReason.OTHER_ICMP
        return Unreachable(frame.number, frame.time_ns, datagram.source, source, destination, read.kind, read.seq)

    def _fragment(self, frame: Frame, datagram: Datagram, fragment: Fragment) -> Packet | SkipReason | None:
        taken = self._fragments.add(datagram, fragment, frame.time_ns)
        if taken is None or isinstance(taken, SkipReason):
            return taken
        whole, frames = taken
        return self._or_count_skipped(self._joined(frame, whole), frame, frames)

    def _joined(self, frame: Frame, whole: Datagram) -> Packet | str:
        datagram = skip_extension_headers(whole) if len(whole.source) == 16 else whole
        if isinstance(datagram, SkipReason):
            return datagram
        if datagram.fragment:
            return SkipReason.DAMAGED  # a fragment inside reassembled fragments does not occur in valid traffic
        return self._segment(frame, datagram) if datagram.protocol == TCP else not_tcp(datagram)

    def _segment(self, frame: Frame, datagram: Datagram) -> Packet | SkipReason:
        _, _, _, data, start, end, ttl, ip_id, _ = datagram
        if end < start + 4:
            return SkipReason.DAMAGED
        if len(data) < start + 4:
            return SkipReason.CUT
        key = datagram.source + datagram.destination + data[start : start + 4]
        wanted = self._wanted
        if wanted[int.from_bytes(key[-4:-2])] or wanted[int.from_bytes(key[-2:])]:
            return read_segment(frame, self._flows.find(key), data, start, end, ttl, ip_id)
        if begins_with_hello(data, start, end):
            flow = self._flows.find(key)
            return StrayHello(frame.number, frame.time_ns, flow.source, flow.destination)
        return SkipReason.OTHER_PORTS

    def _or_count_skipped(self, result: Packet | str | None, frame: Frame, frames: int = 1) -> Packet | None:
        """Return a packet, or count the frames that were skipped for a reason."""
        if not isinstance(result, str):
            return result
        # A header that ends too early is damaged when the snaplen did not cut the frame.
        damaged = result is SkipReason.CUT and len(frame.data) >= frame.wire_length
        self._skipped[SkipReason.DAMAGED if damaged else result] += frames
        return None
