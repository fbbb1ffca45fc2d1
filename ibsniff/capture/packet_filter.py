"""The capture filter of a live capture, as a BPF program of our own that needs neither libpcap nor tcpdump.

The kernel runs it on every packet of the interface before it copies the packet to us, so other traffic on the machine
costs us nothing. The filter keeps every packet that may matter to a verdict, and rather keeps too many:

* TCP segments with an API port at either end, and any segment whose payload begins with ``API`` NUL;
* ICMP and ICMPv6 destination unreachable (a firewall that rejects is not silence), and ARP (a host that is absent);
* packets whose TCP header is not at a fixed place: IP fragments, IPv6 extension headers, VLAN tags inside the frame. (The
  kernel removes the outer tag of a frame before the filter runs, so tagged traffic is filtered like any other.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ibsniff.capture.bpf import HARDWARE_TYPE, LINK_PROTOCOL, PACKET_TYPE, Op, Program, Step, assemble

KEEP_BYTES = 262_144 - 24
"""The bytes that are kept of a packet: the limit of readers of capture files, less the link header that we may add."""

MAX_PORTS = 400
"""With more ports than this the filter keeps all TCP, and ``net`` selects (old kernels allow 20 KB for a program)."""

PACKET_OUTGOING = 4
ARPHRD_LOOPBACK = 772
TCP, ICMP, ICMPV6 = 6, 1, 58
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
EXTENSION_HEADERS = (0, 43, 44, 51, 60, 135, 139, 140)
"""IPv6 headers that can precede TCP (IANA): hop-by-hop, routing, fragment, AH, destination options, mobility, HIP, shim6."""
ICMP_UNREACHABLE, ICMPV6_UNREACHABLE = 3, 1
FRAGMENT_BITS = 0x3FFF
"""More-fragments and the fragment offset (RFC 791, 3.1)."""
API_PREFIX = int.from_bytes(b"API\0", "big")


class Layout(NamedTuple):
    """Where the network header begins in frames of one kind, and how to find its protocol."""

    network: int
    protocol: Step | None
    """The step that loads the EtherType; None: the IP version tells the protocol."""


ETHERNET = Layout(14, Step(Op.LOAD_HALF, 12))
COOKED = Layout(0, Step(Op.LOAD_WORD, LINK_PROTOCOL))
RAW_IP = Layout(0, None)
BSD_LOOPBACK = Layout(4, None)


def capture_filter(layout: Layout, ports: frozenset[int] | None) -> Program:
    """Assemble the program for one kind of frame; ``ports`` None keeps all TCP."""
    return assemble(_source(layout, ports))


def _source(layout: Layout, ports: frozenset[int] | None) -> Iterator[Step | str]:
    yield from _drop_outgoing_on_loopback()
    yield from _protocol(layout)
    yield from _ipv4(layout.network)
    yield from _ipv6(layout.network)
    yield "tcp"  # X is the length of the IP header
    yield from _tcp(layout.network, ports)
    yield "drop"
    yield Step(Op.RETURN, 0)
    yield "keep"
    yield Step(Op.RETURN, KEEP_BYTES)


def _drop_outgoing_on_loopback() -> Iterator[Step | str]:
    """On loopback each packet is seen twice, as outgoing and as incoming. Elsewhere the outgoing copy is the only one."""
    yield Step(Op.LOAD_WORD, HARDWARE_TYPE)
    yield Step(Op.IF_EQUAL, ARPHRD_LOOPBACK, "loopback")
    yield Step(Op.JUMP, goto="protocol")
    yield "loopback"
    yield Step(Op.LOAD_WORD, PACKET_TYPE)
    yield Step(Op.IF_EQUAL, PACKET_OUTGOING, "drop")


def _protocol(layout: Layout) -> Iterator[Step | str]:
    yield "protocol"
    if layout.protocol is None:
        yield Step(Op.LOAD_BYTE, layout.network)
        yield Step(Op.SHIFT_RIGHT, 4)
        yield Step(Op.IF_EQUAL, 4, "ipv4")
        yield Step(Op.IF_EQUAL, 6, "ipv6")
    else:
        yield layout.protocol
        yield Step(Op.IF_EQUAL, IPV4, "ipv4")
        yield Step(Op.IF_EQUAL, IPV6, "ipv6")
        yield from (Step(Op.IF_EQUAL, kind, "keep") for kind in (ARP, *VLAN_TAGS))
    yield Step(Op.JUMP, goto="drop")


def _ipv4(network: int) -> Iterator[Step | str]:
    yield "ipv4"
    yield Step(Op.LOAD_HALF, network + 6)
    yield Step(Op.IF_ANY_BIT, FRAGMENT_BITS, "keep")
    yield Step(Op.X_IPV4_HEADER_LENGTH, network)
    yield Step(Op.LOAD_BYTE, network + 9)
    yield Step(Op.IF_EQUAL, TCP, "tcp")
    yield Step(Op.IF_EQUAL, ICMP, "icmp")
    yield Step(Op.JUMP, goto="drop")
    yield "icmp"
    yield Step(Op.LOAD_BYTE_AT_X, network)
    yield Step(Op.IF_EQUAL, ICMP_UNREACHABLE, "keep")
    yield Step(Op.JUMP, goto="drop")


def _ipv6(network: int) -> Iterator[Step | str]:
    yield "ipv6"
    yield Step(Op.X_CONSTANT, 40)
    yield Step(Op.LOAD_BYTE, network + 6)
    yield Step(Op.IF_EQUAL, TCP, "tcp")
    yield from (Step(Op.IF_EQUAL, header, "keep") for header in EXTENSION_HEADERS)
    yield Step(Op.IF_EQUAL, ICMPV6, "icmpv6")
    yield Step(Op.JUMP, goto="drop")
    yield "icmpv6"
    yield Step(Op.LOAD_BYTE_AT_X, network)
    yield Step(Op.IF_EQUAL, ICMPV6_UNREACHABLE, "keep")
    yield Step(Op.JUMP, goto="drop")


def _tcp(network: int, ports: frozenset[int] | None) -> Iterator[Step | str]:
    if ports is None or len(ports) > MAX_PORTS:
        yield Step(Op.JUMP, goto="keep")
        return
    for offset in (0, 2):
        yield Step(Op.LOAD_HALF_AT_X, network + offset)
        yield from (Step(Op.IF_EQUAL, port, "keep") for port in sorted(ports))
    yield Step(Op.LOAD_BYTE_AT_X, network + 12)
    yield Step(Op.SHIFT_RIGHT, 2)
    yield Step(Op.AND, 0x3C)
    yield Step(Op.ADD_X)
    yield Step(Op.X_FROM_A)
    # A load beyond the end of the packet ends the program with "drop": without a payload there is no hello.
    yield Step(Op.LOAD_WORD_AT_X, network)
    yield Step(Op.IF_EQUAL, API_PREFIX, "keep")


def filter_expression(ports: frozenset[int] | None) -> str:
    """Return nearly the same filter as an expression of pcap-filter(7), for libpcap and for a command line.

    It does not cover VLAN tags inside the frame (``vlan`` is an error on a loopback interface) and hellos over IPv6 on
    other ports (libpcap's ``tcp[...]`` works only with IPv4).
    """
    listed = " or ".join(str(port) for port in sorted(ports or ()))
    hello = f" or tcp[tcp[12] >> 2 & 0x3c : 4] = {API_PREFIX:#x}" if ports else ""
    tcp = f"tcp port {listed}" if ports else "tcp"
    return f"{tcp}{hello} or arp or icmp or icmp6 or ip[6:2] & {FRAGMENT_BITS:#x} != 0 or ip6[6] = 44"
