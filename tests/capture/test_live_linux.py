"""Live capture in a network namespace: packet sockets, the kernel's filter, and scapy's sockets."""

from __future__ import annotations

import importlib.util
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from live_kept import of_file, shown, watch
from live_namespace import in_namespace, ip, needs_ip, needs_namespace

from ibsniff.capture.files import open_capture
from ibsniff.capture.interfaces import list_interfaces
from ibsniff.capture.live import LiveSource, open_live
from ibsniff.capture.scapy_backend import ScapyCapture, load_scapy
from ibsniff.model import NANOSECONDS, Columns, ExitCode, Frame, Tick, UserError

if sys.platform == "linux":
    import fcntl

pytestmark = needs_namespace

PORT = 7497
PORTS = frozenset({PORT})
HELLO = b"API\0\0\0\0\x09v100..187"

needs_scapy = pytest.mark.skipif(importlib.util.find_spec("scapy") is None, reason="needs scapy")


@pytest.fixture(scope="module", autouse=True)
def _kernel_stamps_packets_on_arrival() -> Iterator[None]:
    """Wait until the kernel stamps packets when they arrive, and keep it doing so.

    It begins some time after the first socket has asked for it; until then a packet has the time at which it was read
    (net/core/dev.c, net_enable_timestamp). A packet read after the stop would then count as captured after it.
    """
    so_timestampns = 35
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.setsockopt(socket.SOL_SOCKET, so_timestampns, 1)
        asking.bind(("127.0.0.1", 0))
        give_up = time.monotonic() + 5
        while time.monotonic() < give_up:
            asking.sendto(b"?", asking.getsockname())
            sent_ns = time.time_ns()
            _, ((_, _, stamp),), _, _ = asking.recvmsg(1, 64)
            seconds, nanoseconds = struct.unpack("@ll", stamp)
            if seconds * NANOSECONDS + nanoseconds <= sent_ns:
                break
        yield


def by_name(backend: str) -> Callable[[], LiveSource]:
    return lambda: open_live(["lo"], PORTS, backend)


def through_libpcap() -> LiveSource:
    """Open a capture as macOS and Windows do."""
    capture = ScapyCapture("lo", PORTS, libpcap=True)
    if not load_scapy().use_pcap:
        capture.close()
        pytest.skip("needs libpcap")
    return LiveSource([("lo", capture)])


SOURCES = [
    pytest.param(by_name("socket"), id="socket"),
    pytest.param(by_name("scapy"), id="scapy", marks=needs_scapy),
    pytest.param(through_libpcap, id="scapy with libpcap", marks=needs_scapy),
]


@contextmanager
def connection(port: int, host: str = "127.0.0.1") -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's socket and the socket that the server accepted."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.create_server((host, port), family=family) as server,
        socket.create_connection((host, port)) as client,
        closing(server.accept()[0]) as accepted,
    ):
        yield client, accepted


def collect(source: LiveSource, traffic: Callable[[], None]) -> list[Frame | Tick]:
    """Return all events from opening the source to the stop after ``traffic``."""
    with source:
        traffic()
        source.stop()
        return list(source.events())


def frames(events: list[Frame | Tick]) -> list[Frame]:
    return [event for event in events if isinstance(event, Frame)]


def one_hello() -> None:
    with connection(PORT) as (client, accepted):
        client.sendall(HELLO)
        assert accepted.recv(100) == HELLO


@pytest.mark.parametrize("opened", SOURCES)
def test_a_conversation_on_loopback_is_seen_once(opened: Callable[[], LiveSource]) -> None:
    before = time.time_ns()
    source, events = in_namespace(lambda: (source := opened(), collect(source, one_hello)))
    seen = frames(events)
    assert [frame.data[47] for frame in seen[:3]] == [0x02, 0x12, 0x10]  # SYN, SYN-ACK, ACK
    assert [frame.number for frame in seen] == list(range(1, len(seen) + 1))
    assert sum(frame.data.endswith(HELLO) for frame in seen) == 1
    assert {frame.link_type for frame in seen} == {1}
    assert all(frame.wire_length == len(frame.data) for frame in seen)
    assert before <= seen[0].time_ns <= seen[-1].time_ns <= events[-1].time_ns <= time.time_ns()
    assert isinstance(events[-1], Tick)
    assert source.facts.packets == len(seen)
    received, dropped = source.statistics()
    assert received >= len(seen)
    assert dropped == 0 == source.facts.dropped


@pytest.mark.parametrize("opened", SOURCES)
def test_the_filter_drops_other_traffic(opened: Callable[[], LiveSource]) -> None:
    def traffic() -> None:
        with connection(5555) as (client, accepted):
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            accepted.recv(100)
            client.sendall(HELLO)
            accepted.recv(100)

    seen = frames(in_namespace(lambda: collect(opened(), traffic)))
    assert [frame.data[-len(HELLO) :] for frame in seen] == [HELLO]


@pytest.mark.parametrize("opened", SOURCES)
def test_a_quiet_interface_ticks_and_stop_comes_from_another_thread(opened: Callable[[], LiveSource]) -> None:
    def work() -> list[Frame | Tick]:
        with opened() as source:
            events = []
            for event in source.events():
                events.append(event)
                if len(events) == 2:
                    threading.Thread(target=source.stop).start()
            return events

    events = in_namespace(work)
    assert all(isinstance(event, Tick) for event in events)
    assert [event.time_ns for event in events] == sorted(event.time_ns for event in events)


def test_refusal_and_unreachable_over_ipv6() -> None:
    def traffic() -> None:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("::1", PORT))
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as datagram:
            datagram.sendto(b"?", ("::1", 9))
            time.sleep(0.05)

    seen = frames(in_namespace(lambda: collect(open_live(["lo"], PORTS), traffic)))
    assert [(frame.data[20], frame.data[67] if frame.data[20] == 6 else frame.data[54]) for frame in seen] == [
        (6, 0x02),  # SYN
        (6, 0x14),  # RST, ACK
        (58, 1),  # destination unreachable
    ]


def test_any_is_all_interfaces_in_linux_cooked_v2() -> None:
    def traffic() -> None:
        one_hello()

    source, events = in_namespace(lambda: (source := open_live(["any"], PORTS), collect(source, traffic)))
    hello = next(frame for frame in frames(events) if frame.data.endswith(HELLO))
    assert source.facts.link_types[0] == hello.link_type == 276
    index = struct.pack("!I", in_namespace(lambda: socket.if_nametoindex("lo")))
    assert hello.data[:20] == b"\x08\0\0\0" + index + b"\x03\x04\0\6" + bytes(8)
    assert hello.data[20] == 0x45
    assert sum(frame.data.endswith(HELLO) for frame in frames(events)) == 1


ETHERNET_HEADER = bytes.fromhex("020000000002020000000001")


def syn(source: str = "10.0.0.1", destination: str = "10.0.0.2") -> bytes:
    tcp = struct.pack("!HHIIBBHHH", 50000, PORT, 1, 0, 0x50, 0x02, 512, 0, 0)
    header = struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0x4000, 64, 6, 0)
    return header + socket.inet_aton(source) + socket.inet_aton(destination) + tcp


def over_a_cable(interface: str, sent: bytes, copies: int = 1) -> list[Frame]:
    """Send a frame into one end of a virtual cable (v0); return what is captured at an end, or on ``any``."""

    def work() -> list[Frame]:
        ip("link add v0 type veth peer name v1")
        for name in ("v1", "v0"):  # the sending end last: it finds its carrier there and does not wait for the news
            ip(f"link set {name} up")
        seen: list[Frame] = []
        give_up_ns = time.time_ns() + 5 * NANOSECONDS
        with open_live([interface], PORTS) as source, socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind(("v0", 0))
            raw.send(sent)
            for event in source.events():
                if isinstance(event, Frame) and syn() in event.data:  # the two ends also speak to each other
                    seen.append(event)
                if len(seen) == copies or event.time_ns > give_up_ns:
                    source.stop()
        return seen

    return in_namespace(work)


@needs_ip
@pytest.mark.parametrize("interface", ["v0", "v1"])
def test_outgoing_and_incoming_packets_of_a_cable_are_seen(interface: str) -> None:
    sent = ETHERNET_HEADER + b"\x08\0" + syn()
    seen = over_a_cable(interface, sent)
    assert [frame.data for frame in seen] == [sent]


@needs_ip
@pytest.mark.parametrize("tag", [b"\x81\0\x20\x05", b"\x88\xa8\x20\x05"], ids=["802.1Q", "802.1ad"])
def test_a_vlan_tag_removed_by_the_kernel_is_restored(tag: bytes) -> None:
    sent = ETHERNET_HEADER + tag + b"\x08\0" + syn()
    seen = over_a_cable("v1", sent)
    assert [(frame.data, frame.wire_length) for frame in seen] == [(sent, len(sent))]


@needs_ip
def test_any_keeps_the_outgoing_copy() -> None:
    """Ignoring outgoing packets altogether would lose a client's own hello on eth0."""
    seen = over_a_cable("any", ETHERNET_HEADER + b"\x08\0" + syn(), copies=2)
    outgoing, other_host = 4, 3
    assert [frame.data[10] for frame in seen] == [outgoing, other_host]
    assert {frame.data[20:] for frame in seen} == {syn()}


@needs_ip
def test_no_vlan_tag_is_restored_without_an_ethernet_header() -> None:
    frame = over_a_cable("any", ETHERNET_HEADER + b"\x81\0\x20\x05\x08\0" + syn(), copies=2)[-1]
    assert frame.data.endswith(syn())
    assert frame.data[20:].removesuffix(syn()) in (b"", b"\x20\x05\x08\0"), "nothing but the tag it was sent with"


@needs_ip
def test_a_tunnel_without_link_header_is_raw_ip() -> None:
    def work() -> tuple[int, list[int]]:
        with Path("/dev/net/tun").open("r+b", buffering=0) as device:
            _attach_tun(device.fileno(), b"t0")
            ip("address add 10.0.0.1/24 dev t0")
            ip("link set t0 up")
            source = open_live(["t0"], PORTS)

            def traffic() -> None:
                with socket.socket() as client:
                    client.setblocking(False)
                    client.connect_ex(("10.0.0.2", PORT))

            return source.facts.link_types[0], [frame.data[0] for frame in frames(collect(source, traffic))]

    if not Path("/dev/net/tun").exists():
        pytest.skip("needs /dev/net/tun")
    assert in_namespace(work) == (101, [0x45])


def _attach_tun(descriptor: int, name: bytes) -> None:
    tun_set_interface, tun_without_header = 0x400454CA, 0x1001
    fcntl.ioctl(descriptor, tun_set_interface, struct.pack("16sH22x", name, tun_without_header))


def until(source: LiveSource, told: Callable[[], bool]) -> list[Frame]:
    """Take events until a condition holds; return the frames among them."""
    give_up_ns = time.time_ns() + 20 * NANOSECONDS
    seen = []
    for event in source.events():
        if isinstance(event, Frame):
            seen.append(event)
        if told():
            return seen
        assert time.time_ns() < give_up_ns, source.facts
    return seen


def hellos(seen: list[Frame]) -> int:
    return sum(frame.data.endswith(HELLO) for frame in seen)


@needs_ip
def test_capture_continues_after_an_interface_was_down() -> None:
    def work() -> tuple[int, int]:
        with open_live(["lo"], PORTS) as source:
            one_hello()
            before = until(source, lambda: source.facts.packets >= 8)
            ip("link set lo down")
            until(source, lambda: source.facts.truncated is not None)
            assert "lo went down at" in str(source.facts.truncated)
            ip("link set lo up")
            until(source, lambda: bool(source.facts.notes))
            assert "lo came up again at" in source.facts.notes[0]
            one_hello()
            after = until(source, lambda: source.facts.packets >= len(before) + 8)
            return hellos(before), hellos(after)

    assert in_namespace(work) == (1, 1)


@needs_ip
def test_deleting_one_interface_leaves_the_others_and_the_last_ends_the_capture() -> None:
    def work() -> tuple[str | None, int]:
        ip("link add v0 type veth peer name v1")
        ip("link add v2 type veth peer name v3")
        for name in ("v0", "v2"):
            ip(f"link set {name} up")
        with open_live(["v0", "v2", "lo"], PORTS) as source:
            ip("link delete v0")
            until(source, lambda: source.interfaces[0].gone)
            one_hello()
            seen = until(source, lambda: source.facts.packets >= 8)
        with open_live(["v2"], PORTS) as alone:
            ip("link delete v2")
            assert isinstance(list(alone.events())[-1], Tick)
        assert "v2 disappeared at" in str(alone.facts.truncated)
        return source.facts.truncated, hellos(seen)

    truncated, heard = in_namespace(work)
    assert str(truncated).startswith("v0 disappeared at")
    assert heard == 1


@needs_ip
def test_capture_continues_after_renaming() -> None:
    def work() -> list[str]:
        ip("link add v0 type veth peer name v1")
        ip("link set v0 up")
        with open_live(["v0"], PORTS) as source:
            ip("link set v0 name wan0")
            until(source, lambda: bool(source.facts.notes))
            assert source.facts.truncated is None
            return source.facts.notes

    (note,) = in_namespace(work)
    assert note.startswith("v0 was renamed to wan0 at")


@needs_ip
def test_several_interfaces_at_once() -> None:
    def work() -> list[tuple[str, int]]:
        ip("link add v0 type veth peer name v1")
        for name in ("v1", "v0"):
            ip(f"link set {name} up")
        with open_live(["lo", "v1"], PORTS) as source, socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            one_hello()
            raw.bind(("v0", 0))
            raw.send(ETHERNET_HEADER + b"\x08\0" + syn())
            source.stop()
            where = []
            for event in source.events():
                if isinstance(event, Frame) and event.data.endswith((HELLO, syn())):
                    where.append((source.interfaces[source.interface_index].name, event.link_type))
            return sorted(where)

    assert in_namespace(work) == [("lo", 1), ("v1", 1)]


@needs_ip
@pytest.mark.parametrize("backend", ["socket", pytest.param("scapy", marks=needs_scapy)])
def test_an_interface_that_is_down_or_missing(backend: str) -> None:
    def work() -> UserError:
        ip("link set lo down")
        with pytest.raises(UserError) as raised:
            open_live(["lo"], PORTS, backend)
        return raised.value

    assert in_namespace(work).what == "lo is down"
    with pytest.raises(UserError, match="there is no interface nosuch0 here") as raised:
        in_namespace(lambda: open_live(["nosuch0"], PORTS, backend))
    assert raised.value.what_to_do == "Choose one of: lo"
    assert raised.value.exit_code is ExitCode.PERMISSION


def burst() -> None:
    """Send 5000 packets of 60 bytes as fast as possible; there are as many acknowledgments."""
    with connection(PORT) as (client, accepted):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(5000):
            client.send(b"x" * 60)
            accepted.recv(60)


def test_a_burst_larger_than_a_default_buffer_is_not_lost() -> None:
    source, events = in_namespace(lambda: (source := open_live(["lo"], PORTS), collect(source, burst)))
    assert len(frames(events)) > 5000
    assert source.statistics() == (len(frames(events)), 0)


@pytest.mark.parametrize("interface", ["lo", "any"])
def test_a_burst_as_columns_has_the_same_packets(interface: str, tmp_path: Path) -> None:
    def work() -> tuple[list[Frame | Columns | Tick], int, dict[str, object]]:
        with open_live([interface], PORTS) as source, open_live([interface], PORTS) as again:
            burst()
            for each in (source, again):
                each.stop()
            events = list(source.events(as_columns=True))
            return events, source.facts.packets, shown(watch(again, tmp_path / "burst.pcapng"))

    events, counted, live = in_namespace(work)
    assert any(isinstance(event, Columns) for event in events)
    seen: list[Frame] = []
    for event in events:
        seen += map(event.frame, range(len(event))) if isinstance(event, Columns) else frames([event])
    assert [frame.number for frame in seen] == list(range(1, counted + 1))
    with open_capture(str(tmp_path / "burst.pcapng")) as capture:
        kept = [frame.data for frame in capture.frames()]  # each socket stamps for itself
    assert kept[:counted] == [frame.data for frame in seen], "it was stopped a moment later, and may have more"
    assert live == of_file(tmp_path / "burst.pcapng")


def test_closing_twice_and_counters_after_closing() -> None:
    def work() -> tuple[int, int | None]:
        source = open_live(["lo"], PORTS)
        one_hello()
        source.close()
        source.close()
        return source.statistics()

    received, dropped = in_namespace(work)
    assert received > 3
    assert dropped == 0


def test_interfaces_of_a_namespace() -> None:
    (loopback,) = in_namespace(list_interfaces)
    assert (loopback.name, loopback.up, loopback.loopback, loopback.link_type) == ("lo", True, True, 1)
    assert "127.0.0.1" in loopback.addresses
