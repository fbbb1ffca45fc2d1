"""The packet script says what it means: its bytes, read back by other hands, are the packets it promised."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import dpkt
import pytest
from wire import START_NS, Wire, unread_scripts
from wire_bytes import ETHERNET, LINKS, LINUX_SLL, LINUX_SLL2

from ibsniff.capture.files import open_capture
from ibsniff.model import NANOSECONDS, Packet, Segment, Side, UnreachableKind
from ibsniff.net import Dissector

IPV4 = ("172.24.46.63:51000", "172.24.32.1:7497")
IPV6 = ("[fd00::1]:51000", "[fd00::2]:7497")
LOOPBACK = ("127.0.0.1:51000", "127.0.0.1:7497")


def talk(ends: tuple[str, str]) -> Wire:
    wire = Wire(*ends, client_isn=2**32 - 3).connect().client(b"API\0\0\0\0\x09v100..187", mss=5).server(b"reply")
    return wire.keep_alive(Side.CLIENT, after=1.0).client(b"cut", ack=False).cut(1).again().copy().close()


def unchecked(packet: Packet | None) -> Packet | None:
    """The script does not say whether checksums fit; its frames have right ones."""
    if not isinstance(packet, Segment):
        return packet
    assert packet.intact is not False
    return packet._replace(intact=None)


@pytest.mark.parametrize("link_type", sorted(LINKS))
@pytest.mark.parametrize("ends", [IPV4, IPV6, LOOPBACK], ids=["IPv4", "IPv6", "loopback"])
def test_frames_dissect_into_the_packets_of_the_script(ends: tuple[str, str], link_type: int) -> None:
    wire = talk(ends)
    dissector = Dissector(ports=None, skipped=Counter())
    assert [unchecked(dissector.dissect(frame)) for frame in wire.frames(link_type)] == wire.packets()


@pytest.mark.parametrize("link_type", [ETHERNET, LINUX_SLL, LINUX_SLL2])
@pytest.mark.parametrize("kind", list(UnreachableKind))
@pytest.mark.parametrize(("ends", "router"), [(IPV4, "172.24.32.254"), (IPV6, "fd00::ffff")], ids=["IPv4", "IPv6"])
def test_unreachable_frames(ends: tuple[str, str], router: str, kind: UnreachableKind, link_type: int) -> None:
    wire = Wire(*ends).syn().unreachable(kind, reporter=router)
    dissector = Dissector(ports=None, skipped=Counter())
    assert [unchecked(dissector.dissect(frame)) for frame in wire.frames(link_type)] == wire.packets()


def test_arp_frames() -> None:
    wire = Wire(*IPV4).arp_who_has().arp_reply().arp_who_has("172.24.32.9")
    dissector = Dissector(ports=None, skipped=Counter())
    assert [dissector.dissect(frame) for frame in wire.frames()] == wire.packets()


@pytest.mark.parametrize("ends", [IPV4, IPV6], ids=["IPv4", "IPv6"])
def test_checksums_are_right(ends: tuple[str, str]) -> None:
    for frame in Wire(*ends).connect().client(b"odd").close().frames():
        ethernet = dpkt.ethernet.Ethernet(frame.data)
        ethernet.data.data.sum = 0
        if ends is IPV4:
            ethernet.data.sum = 0
        assert bytes(ethernet) == frame.data, "dpkt fills in the checksums it computes itself"


@pytest.mark.parametrize("nanosecond", [True, False])
@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize("suffix", ["pcap", "pcapng"])
def test_files_hold_the_frames(tmp_path: Path, suffix: str, byte_order: str, nanosecond: bool) -> None:
    wire = talk(LOOPBACK)
    path = wire.write(tmp_path / f"talk.{suffix}", nanosecond=nanosecond, byte_order=byte_order, snaplen=80)
    with open_capture(str(path)) as capture:
        assert list(capture.frames()) == wire.frames(snaplen=80)
        assert capture.facts.format == suffix


def test_a_pcapng_says_when_it_ended_and_what_it_dropped(tmp_path: Path) -> None:
    wire = Wire().connect()
    path = wire.write(tmp_path / "talk.pcapng", ended=2.5, drops=3)
    with open_capture(str(path)) as capture:
        frames = list(capture.frames())
        assert capture.facts.watched_until_ns == frames[-1].time_ns + 5 * NANOSECONDS // 2
        assert capture.facts.dropped == 3


def test_time_passes_as_the_script_says() -> None:
    wire = Wire(delay=0.001).syn().syn_ack().wait(1.0).ack(after=0.5).syn(after=0)
    assert [segment.time_ns - START_NS for segment in wire.segments()] == [0, 10**6, 1_501 * 10**6, 1_501 * 10**6]


def test_what_is_lost_leaves_no_packet_and_can_be_sent_again() -> None:
    wire = Wire().connect().lose().client(b"lost", ack=False).client(b"seen", ack=False).again(2)
    seen, again = wire.segments()[3:]
    assert (seen.packet, seen.payload, seen.seq) == (4, b"seen", 1_005)
    assert (again.packet, again.payload, again.seq) == (5, b"lost", 1_001)


def test_a_copy_is_the_same_packet_and_a_retransmission_is_not() -> None:
    original, copy, again = Wire().syn().copy().again().segments()
    assert copy == original._replace(packet=2, time_ns=copy.time_ns)
    assert again.ip_id != original.ip_id


def test_swapped_packets_keep_the_times_of_the_places() -> None:
    straight, swapped = Wire().connect().segments(), Wire().connect().swap(2).segments()
    assert [segment.time_ns for segment in straight] == [segment.time_ns for segment in swapped]
    assert [segment.seq for segment in swapped] == [straight[index].seq for index in (2, 0, 1)]


def test_wires_merge_by_time() -> None:
    first, second = Wire("127.0.0.1:51001").connect(), Wire("127.0.0.1:51002").wait(0.000_15).connect()
    merged = Wire.merge(first, second).segments()
    assert [segment.packet for segment in merged] == [1, 2, 3, 4, 5, 6]
    assert [max(segment.source.port, segment.destination.port) - 51_000 for segment in merged] == [1, 1, 2, 1, 2, 2]
    assert all(isinstance(segment, Segment) for segment in merged)


def test_a_script_is_read_when_its_packets_are_asked_for() -> None:
    wire = Wire().syn()
    assert unread_scripts() == [wire]
    wire.syn_ack()
    assert len(wire.packets()) == 2
    assert unread_scripts() == []
    wire.ack()
    assert unread_scripts() == [wire], "it went on, and nobody has read that"


def test_a_script_made_of_others_must_be_read_itself() -> None:
    wire = Wire().connect()
    made = [Wire.merge(wire), wire.from_packet(2), wire.without({1}), wire.doubled(), wire.between("::1", "::2")]
    assert unread_scripts() == made


def test_parts_and_repetitions_of_a_script() -> None:
    wire = Wire().connect().arp_who_has().lose().client(b"lost", ack=False)
    assert len(wire) == 5
    assert wire.ends_with_tcp
    assert len(wire.packets()) == 4
    assert [packet.time_ns for packet in wire.from_packet(3).packets()] == [one.time_ns for one in wire.packets()[2:]]
    assert wire.without({0, 3}).packets() == [
        packet._replace(packet=number) for number, packet in enumerate(wire.packets()[1:3], start=1)
    ]
    assert [packet.packet for packet in wire.doubled().segments()] == [1, 2, 3, 4, 5, 6]
    assert {segment.source.ip for segment in wire.between("10.0.0.1", "10.0.0.2").segments()} == {
        "10.0.0.1",
        "10.0.0.2",
    }
    assert not Wire().arp_who_has().ends_with_tcp
    unread_scripts()


def test_a_test_that_leaves_a_script_unread_fails(tmp_path: Path) -> None:
    example = tmp_path / "test_example.py"
    example.write_text(
        "from wire import Wire\n"
        "def test_good(): assert Wire().syn().packets()\n"
        "def test_forgotten(): Wire().syn()\n"
        "def test_gone_on():\n    wire = Wire().syn()\n    assert wire.packets()\n    wire.refuse()\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "-p", "no:cacheprovider", "-c", os.devnull]
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(example)], env=here, capture_output=True, text=True, check=False
    )
    assert "2 failed, 1 passed" in done.stdout
    assert done.stdout.count("1 packet scripts were written and never read") >= 2
