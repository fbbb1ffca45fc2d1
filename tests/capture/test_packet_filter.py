"""What the capture filter keeps and drops; and that it drops nothing that the dissector uses."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibsniff.capture.bpf import HARDWARE_TYPE, LINK_PROTOCOL, PACKET_TYPE, matches
from ibsniff.capture.packet_filter import (
    ARPHRD_LOOPBACK,
    BSD_LOOPBACK,
    COOKED,
    ETHERNET,
    EXTENSION_HEADERS,
    MAX_PORTS,
    PACKET_OUTGOING,
    RAW_IP,
    VLAN_TAGS,
    Layout,
    capture_filter,
    filter_expression,
)
from ibsniff.model import Frame
from ibsniff.net import Dissector

PORTS = frozenset({4001, 7497})
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD


def tcp(source: int, destination: int, payload: bytes = b"", options: bytes = b"") -> bytes:
    offset = (5 + len(options) // 4) << 4
    return struct.pack("!HHIIBBHHH", source, destination, 1, 1, offset, 0x18, 512, 0, 0) + options + payload


def ipv4(protocol: int, upper: bytes, options: bytes = b"", fragment: int = 0x4000) -> bytes:
    words = 5 + len(options) // 4
    total = words * 4 + len(upper)
    header = struct.pack("!BBHHHBBH", 0x40 | words, 0, total, 7, fragment, 64, protocol, 0)
    return header + bytes([10, 0, 0, 1, 10, 0, 0, 2]) + options + upper


def ipv6(next_header: int, upper: bytes) -> bytes:
    return struct.pack("!IHBB", 6 << 28, len(upper), next_header, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + upper


def kept(protocol: int, packet: bytes, ports: frozenset[int] | None = PORTS) -> bool:
    """Run the programs for Ethernet and for cooked sockets, which must agree."""
    answers = {
        matches(capture_filter(ETHERNET, ports), bytes(12) + protocol.to_bytes(2, "big") + packet),
        matches(capture_filter(COOKED, ports), packet, {LINK_PROTOCOL: protocol}),
    }
    if protocol in (IPV4, IPV6):
        answers.add(matches(capture_filter(RAW_IP, ports), packet))
        answers.add(matches(capture_filter(BSD_LOOPBACK, ports), bytes(4) + packet))
    (answer,) = answers
    return answer


NO_OPERATION = b"\1" * 8
HELLO = b"API\0\0\0\0\x09v100..187"
FOREIGN = tcp(5000, 443, b"GET")

KEPT = {
    "to an API port": (IPV4, ipv4(6, tcp(50000, 7497))),
    "from an API port": (IPV4, ipv4(6, tcp(4001, 50000))),
    "behind IPv4 options": (IPV4, ipv4(6, tcp(50000, 7497), options=NO_OPERATION)),
    "hello on another port": (IPV4, ipv4(6, tcp(50000, 5555, HELLO))),
    "hello behind TCP options": (IPV4, ipv4(6, tcp(50000, 5555, HELLO, NO_OPERATION), options=NO_OPERATION)),
    "first fragment": (IPV4, ipv4(6, FOREIGN, fragment=0x2000)),
    "last fragment": (IPV4, ipv4(17, bytes(8), fragment=0x0001)),
    "port unreachable": (IPV4, ipv4(1, b"\3\3" + bytes(30))),
    "unreachable behind options": (IPV4, ipv4(1, b"\3\1" + bytes(30), options=NO_OPERATION)),
    "IPv6 to an API port": (IPV6, ipv6(6, tcp(50000, 7497))),
    "IPv6 hello on another port": (IPV6, ipv6(6, tcp(50000, 5555, HELLO, NO_OPERATION))),
    "ICMPv6 unreachable": (IPV6, ipv6(58, b"\1\4" + bytes(30))),
    "ARP": (ARP, bytes(28)),
    **{f"IPv6 extension {header}": (IPV6, ipv6(header, bytes(8) + FOREIGN)) for header in EXTENSION_HEADERS},
    **{f"tag {tag:#x}": (tag, b"\0\5\x08\0" + ipv4(6, FOREIGN)) for tag in VLAN_TAGS},
}
DROPPED = {
    "TCP on other ports": (IPV4, ipv4(6, FOREIGN)),
    "TCP without payload": (IPV4, ipv4(6, tcp(5000, 443))),
    "nearly a hello": (IPV4, ipv4(6, tcp(5000, 443, b"API="))),
    "API not at the beginning": (IPV4, ipv4(6, tcp(5000, 443, b"." + HELLO))),
    "API in the TCP options": (IPV4, ipv4(6, tcp(5000, 443, b"GET ", options=b"API\0"))),
    "UDP on an API port": (IPV4, ipv4(17, tcp(50000, 7497))),
    "UDP behind options that look like a port": (IPV4, ipv4(17, bytes(8), options=tcp(7497, 7497))),
    "ping": (IPV4, ipv4(1, b"\x08\0" + bytes(30))),
    "IPv6 on other ports": (IPV6, ipv6(6, FOREIGN)),
    "neighbour solicitation": (IPV6, ipv6(58, b"\x87\0" + bytes(30))),
    "IPv6 UDP": (IPV6, ipv6(17, tcp(50000, 7497))),
    "spanning tree": (0x0026, bytes(38)),
}


@pytest.mark.parametrize("name", KEPT)
def test_kept(name: str) -> None:
    assert kept(*KEPT[name])


@pytest.mark.parametrize("name", DROPPED)
def test_dropped(name: str) -> None:
    assert not kept(*DROPPED[name])


@pytest.mark.parametrize("ports", [None, frozenset(range(1000, 1001 + MAX_PORTS))], ids=["any", "too many"])
def test_all_tcp_is_kept(ports: frozenset[int] | None) -> None:
    assert kept(*DROPPED["TCP on other ports"], ports)
    assert kept(*DROPPED["IPv6 on other ports"], ports)
    assert not kept(*DROPPED["ping"], ports)


def test_the_longest_list_of_ports_fits_old_kernels() -> None:
    program = capture_filter(ETHERNET, frozenset(range(1000, 1000 + MAX_PORTS)))
    assert len(program) < 4096  # BPF_MAXINSNS
    assert len(program) * 8 < 20_480  # net.core.optmem_max before Linux 6.9
    assert matches(program, bytes(12) + b"\x08\0" + ipv4(6, tcp(1, 999 + MAX_PORTS)))


@pytest.mark.parametrize(
    ("hardware", "packet_type", "answer"), [(ARPHRD_LOOPBACK, 4, False), (ARPHRD_LOOPBACK, 0, True), (1, 4, True)]
)
def test_only_on_loopback_are_outgoing_packets_dropped(hardware: int, packet_type: int, answer: bool) -> None:
    assert PACKET_OUTGOING == 4
    for layout, header in ((ETHERNET, bytes(12) + b"\x08\0"), (COOKED, b"")):
        known = {HARDWARE_TYPE: hardware, PACKET_TYPE: packet_type, LINK_PROTOCOL: IPV4}
        assert matches(capture_filter(layout, PORTS), header + KEPT["to an API port"][1], known) is answer


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="needs tcpdump, to compile the expression")
@pytest.mark.parametrize("link", ["EN10MB", "NULL", "RAW", "LINUX_SLL2"])
@pytest.mark.parametrize("ports", [PORTS, None], ids=["ports", "any"])
def test_libpcap_understands_the_expression(link: str, ports: frozenset[int] | None) -> None:
    compiled = subprocess.run(
        ["tcpdump", "-y", link, "-d", filter_expression(ports)], capture_output=True, text=True, check=False
    )
    assert compiled.returncode == 0, compiled.stderr


# -- the filter and the dissector ------------------------------------------------------------------------------------

ports = st.sampled_from([7497, 4001, 443])
options = st.integers(0, 10).map(lambda words: b"\1" * 4 * words)
segments = st.builds(tcp, ports, ports, st.sampled_from([b"", HELLO, b"API\0", b"GET / HTTP/1.1"]), options)
fragments = st.sampled_from([0x4000, 0, 0, 0x2000, 5])


def unreachable(kind: int, code: int, complained_of: bytes) -> bytes:
    return bytes([kind, code]) + bytes(6) + complained_of


over_ipv4 = st.one_of(
    st.builds(ipv4, st.just(6), segments, options, fragments),
    st.builds(
        ipv4, st.just(1), st.builds(unreachable, st.just(3), st.integers(0, 13), st.builds(ipv4, st.just(6), segments))
    ),
)
over_ipv6 = st.one_of(
    st.builds(ipv6, st.just(6), segments),
    st.builds(
        ipv6, st.just(58), st.builds(unreachable, st.just(1), st.integers(0, 4), st.builds(ipv6, st.just(6), segments))
    ),
    st.builds(ipv6, st.sampled_from(EXTENSION_HEADERS), segments.map(lambda upper: b"\6" + bytes(7) + upper)),
)
arp = st.builds(bytes.__add__, st.just(bytes.fromhex("0001080006040001")), st.binary(min_size=20, max_size=20))
packets = st.one_of(
    st.tuples(st.just(IPV4), over_ipv4), st.tuples(st.just(IPV6), over_ipv6), st.tuples(st.just(ARP), arp)
)


@st.composite
def damaged_packets(draw: st.DrawFn) -> tuple[int, bytes]:
    """A packet, sometimes truncated or with one byte changed."""
    protocol, packet = draw(packets)
    data = bytearray(packet)
    if draw(st.integers(0, 3)) == 3:
        del data[draw(st.integers(0, len(data))) :]
    if data and draw(st.integers(0, 3)) == 3:
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return protocol, bytes(data)


def frame_of(layout: Layout, protocol: int, packet: bytes) -> Frame:
    link_type, header = {
        ETHERNET: (1, bytes(12) + protocol.to_bytes(2, "big")),
        COOKED: (276, protocol.to_bytes(2, "big") + bytes(18)),
        RAW_IP: (101, b""),
        BSD_LOOPBACK: (0, b"\2\0\0\0" if protocol == IPV4 else b"\x1e\0\0\0"),
    }[layout]
    return Frame(1, 1, link_type, header + packet, len(header) + len(packet))


@given(damaged_packets(), st.sampled_from([ETHERNET, COOKED, RAW_IP, BSD_LOOPBACK]))
def test_nothing_the_dissector_uses_is_dropped(packet: tuple[int, bytes], layout: Layout) -> None:
    protocol, data = packet
    frame = frame_of(layout, protocol, data)
    if Dissector(PORTS, Counter()).dissect(frame) is None:
        return
    seen = data if layout is COOKED else frame.data
    assert matches(capture_filter(layout, PORTS), seen, {LINK_PROTOCOL: protocol})
