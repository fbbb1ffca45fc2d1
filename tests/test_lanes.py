"""Whatever the input, packets one by one and packets by columns make the same report to the last byte."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import capture_bytes as made
import pytest
from corpus import CORPUS, files, needs_corpus
from hypothesis import given, settings
from hypothesis import strategies as st
from ib_bytes import HELLO, READY, REPLY, START, error, frame, text
from lanes.both import ALL_PORTS, DEFAULT_PORTS, Scale, difference, look, scaled, written
from lanes.generated import ACK, Host, Trouble, capture, in_ip, tcp_packet

from ibsniff.analysis.api_traffic import Ports
from ibsniff.analysis.pipeline import Analysis
from ibsniff.analysis.reading import InputReader
from ibsniff.analysis.snapshot import Snapshot
from ibsniff.capture.columns import pcap_columns
from ibsniff.capture.files import open_capture
from ibsniff.capture.input_record import InputRecord
from ibsniff.model import NANOSECONDS, Columns, Frame, Lane, Outcome, UserError

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "hostile"))

import packets as hostile_packets  # noqa: E402  (the path comes first)
import shapes  # noqa: E402

CAPTURES = sorted((HERE.parent / "captures").glob("*/capture.pcap*"))
SMALL = Scale()
TINY = Scale(fewest=1, look_at=3, columns_read_size=301, first_messages=0)
"""Everything that can be taken in bulk is, even a single segment."""
HANDSHAKE_PACKETS = 9
"""At the beginning of each ``Talk``."""
CLIENT, SERVER = Host(b"\x0a\0\0\1", 50_000), Host(b"\x0a\0\0\2", 7497)


# ---------------------------------------------------------------------------------------------------------------
# What there is


def frames_of(path: Path) -> list[Frame]:
    try:
        with open_capture(str(path)) as source:
            return list(source.frames())
    except UserError:
        return []


def as_pcapng(frames: Iterable[Frame]) -> bytes:
    """Each link type an interface, in nanoseconds."""
    frames = list(frames)
    links = list(dict.fromkeys(frame.link_type for frame in frames))
    interfaces = [made.interface(link, 0, made.option(9, b"\x09")) for link in links]
    return b"".join(
        [made.section(), *interfaces]
        + [made.enhanced(one.data, links.index(one.link_type), one.time_ns, original=one.wire_length) for one in frames]
    )


def as_pcap(frames: Iterable[Frame], order: str = ">") -> bytes:
    """Those of the first link type."""
    frames = list(frames)
    link = frames[0].link_type if frames else 1
    records = (
        made.record(one.data, one.time_ns // 10**9, one.time_ns % 10**9, original=one.wire_length, order=order)
        for one in frames
        if one.link_type == link and one.time_ns < 2**32 * NANOSECONDS
    )
    return made.pcap_header(order, 0xA1B23C4D, link) + b"".join(records)


def test_our_captures_and_what_they_look_like_in_other_formats():
    differing = {}
    with scaled(TINY) as work:
        for path in CAPTURES:
            frames = frames_of(path)
            sources = {"file": str(path), "pcapng": as_pcapng(frames), "pcap": as_pcap(frames)}
            found = {kind: difference(source) for kind, source in sources.items()}
            found["any port"] = difference(str(path), ALL_PORTS)
            differing |= {f"{path.parent.name} as {kind}": told for kind, told in found.items() if told}
    assert not differing
    assert work.stretches > len(CAPTURES)


@needs_corpus
@pytest.mark.parametrize("ports", [DEFAULT_PORTS, ALL_PORTS], ids=["default ports", "any port"])
def test_foreign_captures(ports: Ports):
    differing = {}
    with scaled(Scale(fewest=2, look_at=5, columns_read_size=1 << 14, first_messages=0)) as work:
        for path in files():
            if told := difference(str(path), ports):
                differing[str(path.relative_to(CORPUS))] = told
    assert not differing
    assert work.columns > 500


NO_FILES = {"conversations watched live"}


@pytest.mark.parametrize("name", sorted(set(shapes.SHAPES) - NO_FILES))
def test_hostile_shapes(name: str, monkeypatch: pytest.MonkeyPatch):
    told: list[str] = []

    def judged(
        packets: Iterable[bytes], any_port: bool = False, step_ns: int = 1_000_000, link_type: int = 101
    ) -> set[str]:
        content = as_pcap(hostile_packets.frames(packets, step_ns, link_type))
        told.append(difference(content, ALL_PORTS if any_port else DEFAULT_PORTS))
        return set()

    def file(*parts: Iterable[bytes]) -> set[str]:
        told.append(difference(b"".join(chain.from_iterable(parts))))
        return set()

    monkeypatch.setattr(shapes, "judged", judged)
    monkeypatch.setattr(shapes, "file", file)
    shape = shapes.SHAPES[name]
    with scaled(Scale(columns_read_size=1 << 13, conversations=60, always_kept=10)):
        shape.run(min(shape.n, 150))
    assert told == [""]


# ---------------------------------------------------------------------------------------------------------------
# What may be: generated

troubles = st.frozensets(st.sampled_from(Trouble), max_size=12)
seeds = st.integers(0, 2**32)
scales = st.builds(
    Scale,
    fewest=st.sampled_from([1, 2, 3, 8, 20]),
    look_at=st.sampled_from([3, 16, 100]),
    read_size=st.sampled_from([61, 997, 65_536]),
    columns_read_size=st.sampled_from([301, 1009, 4096, 20_011, 1 << 20]),
    first_messages=st.sampled_from([0, 1, 3, 10]),
    conversations=st.sampled_from([2, 3, 5, 2000]),
    always_kept=st.sampled_from([0, 1]),
)


@settings(max_examples=60)
@given(
    seed=seeds,
    troubles=troubles,
    scale=scales,
    ports=st.sampled_from([DEFAULT_PORTS, DEFAULT_PORTS, ALL_PORTS]),
    lane=st.sampled_from([Lane.COLUMNS, Lane.COLUMNS, Lane.AUTO]),
)
def test_generated_captures(seed: int, troubles: frozenset[Trouble], scale: Scale, ports: Ports, lane: Lane):
    content = capture(seed, troubles, steps=150)
    with scaled(scale):
        assert not difference(content, ports, lane)


@settings(max_examples=15)
@given(seed=seeds, troubles=troubles, columns_read_size=st.sampled_from([301, 4096, 20_011]))
def test_generated_files(seed: int, troubles: frozenset[Trouble], columns_read_size: int, tmp_path_factory):
    path = tmp_path_factory.mktemp("lanes") / "capture"
    path.write_bytes(capture(seed, troubles, steps=100))
    with scaled(Scale(columns_read_size=columns_read_size)):
        assert not difference(str(path))


def test_most_of_a_generated_capture_is_read_as_columns():
    """None of the tests above would notice a lane that is never used."""
    quiet = [frozenset(), {Trouble.IPV6}, {Trouble.LOST, Trouble.REPEATED}, {Trouble.PCAPNG, Trouble.BIG_ENDIAN}]
    for seed, trouble in enumerate(quiet):
        with scaled(Scale()) as work:
            assert not difference(capture(seed, frozenset(trouble), steps=400))
        assert work.segments > 200, trouble
        assert work.messages > 200, trouble


@pytest.mark.parametrize("lane", [Lane.COLUMNS, Lane.AUTO])
def test_a_large_capture_at_true_scale(lane: Lane, tmp_path: Path):
    path = tmp_path / "large.pcap"
    wanted = {Trouble.LONG_FRAMES, Trouble.ERRORS, Trouble.OTHERS, Trouble.REPEATED}
    path.write_bytes(capture(11, frozenset(wanted), steps=9000))
    assert path.stat().st_size > 2 << 20
    true = Scale(fewest=64, look_at=1024, columns_read_size=2 << 20, first_messages=40)
    with scaled(true) as work:
        assert not difference(str(path), lane=lane)
    assert work.stretches > 10
    assert work.messages > 1000


def test_pieces_that_are_joined(tmp_path: Path):
    """Connections, numbers of packets and reasons to skip them go on from file to file."""
    content = capture(5, frozenset({Trouble.OTHERS, Trouble.LOST, Trouble.FRAGMENTS}), steps=300)
    whole = tmp_path / "whole.pcap"
    whole.write_bytes(content)
    frames = frames_of(whole)
    paths = []
    for number, start in enumerate(range(0, len(frames), 150)):
        paths.append(tmp_path / f"ring{number}.pcap")
        paths[-1].write_bytes(as_pcap(frames[start : start + 150]))
    with scaled(SMALL) as work:
        plain, columns = (InputReader(lane=lane).read_joined(map(str, paths)) for lane in (Lane.PLAIN, Lane.COLUMNS))
    assert len(paths) > 2
    assert work.stretches > len(paths)
    assert written(plain) == written(columns)


# ---------------------------------------------------------------------------------------------------------------
# What once differed


class Talk:
    """A conversation in order, as raw IP packets; what is odd about it is said in between."""

    def __init__(self, client: Host = CLIENT, server: Host = SERVER, **options: Any) -> None:
        self.options = options
        self.ends = {"client": [client, 1001], "server": [server, 9001]}
        self.packets: list[bytes] = []
        self.send("client", b"", 2, at=-1)
        self.send("server", b"", 2 | ACK, at=-1)
        self.send("client")
        for side, data in (("client", HELLO), ("server", REPLY), ("client", START), ("server", READY)):
            self.send(side, data)
        self.send("client")
        self.send("server")

    def send(self, side: str, data: bytes = b"", flags: int = ACK, at: int = 0, **options: Any) -> Talk:
        mine, other = self.ends[side], self.ends["client" if side == "server" else "server"]
        ack = other[1] if flags & ACK else 0
        self.packets.append(
            tcp_packet(mine[0], other[0], mine[1] + at, ack, flags, data, **self.options | options).data
        )
        mine[1] += len(data) if not at else 0
        return self

    def bulk(self, count: int = 8) -> Talk:
        for number in range(count):
            self.send("server", text(178, 1, 6, number, 1.5)).send("client")
        return self


def file_of(packets: Iterable[bytes], step_ns: int = 1_000_000) -> bytes:
    return as_pcap(hostile_packets.frames(packets, step_ns))


def same(content: bytes | str, scale: Scale = SMALL, ports: Ports = DEFAULT_PORTS, stretches: int = 1) -> None:
    with scaled(scale) as work:
        assert not difference(content, ports)
    assert work.stretches >= stretches


def test_packets_before_a_damaged_block_are_not_lost():
    damaged = made.block(6, bytes(20))[:4] + b"\xff" * 20
    head = made.section() + made.interface(101)
    for count in (1, 2, 20):
        same(head + b"".join(map(made.enhanced, Talk().packets[:count])) + damaged, stretches=0)


def test_a_connection_asked_for_twice_before_its_next_packet_has_it_once():
    """Each new connection asks whether the oldest may be evicted, and it then catches up."""
    busy = Talk().bulk(20)
    calls = [Talk(Host(b"\x0a\0\0\1", port)).packets[0] for port in range(51_000, 51_008)]
    half = len(busy.packets) // 2
    packets = busy.packets[:half] + calls + busy.packets[half:]
    for kept in (2, 3, 5):
        same(file_of(packets), Scale(conversations=kept, always_kept=0), stretches=0)
    same(file_of(packets))


@pytest.mark.parametrize("packets_before", [9, 13, 60])
@pytest.mark.parametrize("kept", [9, 12])
def test_a_busy_connection_that_is_evicted_is_judged_after_all_its_packets(packets_before: int, kept: int):
    """It still talks like all others, and what it said stands in the same columns as the SYNs that push it out.

    What it goes on to say belongs to a connection that is joined in the middle.
    """
    busy = Talk().bulk(40)
    others = [Talk(Host(b"\x0a\0\0\1", port)) for port in range(51_000, 51_030)]
    floods = [packet for other in others for packet in other.packets]  # sessions too: what is rare is kept for longer
    content = file_of(busy.packets[:packets_before] + floods + busy.packets[packets_before:])
    scale = Scale(columns_read_size=1 << 16, conversations=kept, always_kept=0)
    same(content, scale, stretches=int(packets_before > 13))
    with scaled(scale):
        seen = look(content, Lane.COLUMNS)
    assert isinstance(seen, Snapshot)
    assert seen.evicted[Outcome.REPLIED] > len(others) - kept
    assert seen.connections == 1 + len(others) + 1


def test_reasons_to_skip_packets_stand_in_the_order_of_the_capture():
    udp = in_ip(b"\x0a\0\0\1", b"\x0a\0\0\2", 17, bytes(20), 1)[0]
    other = tcp_packet(Host(b"\x0a\0\0\1", 443), Host(b"\x0a\0\0\2", 40_000), 1, 1, ACK).data
    not_ip = b"\x10" * 60
    for order in ((udp, other, not_ip), (other, udp, not_ip), (not_ip, other, udp)):
        same(file_of([*order, *Talk().bulk().packets, *order]))


def test_a_block_longer_than_what_is_read_at_once(tmp_path: Path):
    packets = [made.enhanced(packet) for packet in Talk().bulk().packets]
    secrets = made.block(10, bytes(70_000))
    path = tmp_path / "secrets.pcapng"
    head = made.section() + made.interface(101)
    path.write_bytes(head + b"".join(packets[:20]) + secrets + b"".join(packets[20:]))
    same(str(path), Scale(columns_read_size=4096))


def test_one_byte_of_a_stretch_that_is_acknowledged_in_it():
    """It looks like a FIN's number to whoever hears of the ACK before the byte."""
    for side, other in (("client", "server"), ("server", "client")):
        talk = Talk().bulk()
        for number in range(6):
            talk.send(other, text(178, 1, 6, number))
        talk.send(side, b"\0").send(other)
        same(file_of(talk.packets), Scale(fewest=1))


def test_who_waits_for_bytes_when_all_together_wait_for_too_many():
    """Each conversation has a hole; whose bytes are let go depends on whose came first."""
    talks = []
    for port in range(52_000, 52_012):
        talk = Talk(Host(b"\x0a\0\0\1", port)).bulk(6)
        before = len(talk.packets)
        talk.send("server", text(178, 1, 6, 0))
        del talk.packets[before]
        for number in range(150):
            talk.packets.append(talk.send("server", text(178, 1, 6, number)).packets.pop())
        talks.append(talk.packets)
    bursts = range(0, len(talks[0]), 5)
    packets = [packet for at in bursts for talk in talks for packet in talk[at : at + 5]]
    content = file_of(packets, step_ns=1000)
    for waiting in (100_000, 200_000, 400_000):
        same(content, Scale(read_size=4096, columns_read_size=4096, waiting=waiting))
        with scaled(Scale(waiting=waiting)):
            seen = look(content, Lane.PLAIN)
        assert isinstance(seen, Snapshot)
        assert any(one.connection.from_server.limit_reached for one in seen.capture.conversations)


def test_the_same_ends_in_both_versions_of_ip():
    """An IPv4 address written as IPv6 is the same address, and the packets of one conversation."""
    talk = Talk().bulk(40)
    mapped = [Host(bytes(10) + b"\xff\xff" + host.address, host.port) for host in (CLIENT, SERVER)]
    other = Talk(*mapped).bulk(40)
    for step in (2, 3, 7):
        mixed = [(talk, other)[index % step == 0].packets[index] for index in range(len(talk.packets))]
        same(file_of(mixed), stretches=0)


def test_empty_packets_at_the_very_end():
    for link in (0, 1, 12, 101, 108, 113, 276):
        same(made.pcap_header(link=link) + made.record(b"", original=0) * 3, stretches=0)


def test_connections_joined_in_the_middle_are_numbered_by_their_first_packets():
    """Nothing but regular segments is captured of the busy one, and too few of the other one to be taken as columns."""
    busy, quiet = Talk().bulk(20), Talk(Host(b"\x0a\0\0\1", 51_000)).bulk(1)
    first, rest = busy.packets[HANDSHAKE_PACKETS:][:6], busy.packets[HANDSHAKE_PACKETS:][6:]
    content = file_of([*first, *quiet.packets[-2:], *rest])
    same(content, stretches=0)
    with scaled(SMALL):
        seen = look(content, Lane.COLUMNS)
    assert isinstance(seen, Snapshot)
    assert [one.connection.client.port for one in seen.capture.conversations] == [50_000, 51_000]


def test_an_icmp_error_meets_all_that_was_sent_before_it():
    """It is believed if it quotes a segment that was sent: its connection must have caught up by then."""
    for seed in range(6):
        same(capture(seed, frozenset({Trouble.ICMP}), steps=100))


def test_an_answer_to_a_request_that_was_not_captured_is_held_back():
    """Until the client acknowledges it; then nothing is left that columns cannot take."""
    for answers in (1, 3, 40):
        talk = Talk().bulk()
        talk.ends["client"][1] += 30  # the request, which the server got
        for number in range(answers):
            talk.send("server", text(178, 1, 6, number))
        talk.send("client").bulk(50)
        same(file_of(talk.packets), Scale(fewest=1))


def test_columns_continue_after_a_damaged_segment():
    """It lies aside for ever, and must not slow down all that follows."""
    talk = Talk(checksum="right").bulk()
    damaged = text(178, 1, 6, 0, 1.5)
    talk.send("server", damaged, checksum="wrong")
    talk.ends["server"][1] -= len(damaged)
    talk.send("server", damaged).send("client")
    before = len(talk.packets)
    talk.bulk(50)
    with scaled(SMALL) as work:
        assert not difference(file_of(talk.packets))
    assert work.segments >= len(talk.packets) - before


def test_both_sides_leave_the_language_in_one_stretch():
    for broken in (bytes(4), b"\xff\xff\xff\xff"):
        talk = Talk().bulk().send("server", broken).send("client", broken).bulk()
        same(file_of(talk.packets))


def test_errors_and_first_meetings_keep_their_order():
    talk = Talk()
    for number in range(20):
        said = [
            text(178, 40 + number, 1),
            error(178, 2104 + number % 3, str(number)),
            frame(b"0001\0x\0"),
            text(201, 90 - number, 1),
        ]
        talk.send("server", b"".join(said)).send("client", text(178, 20 - number, 1))
    same(file_of(talk.packets), Scale(fewest=2, first_messages=1))


# ---------------------------------------------------------------------------------------------------------------
# Nothing is kept


def test_a_buffer_is_given_up_when_its_packets_were_taken():
    packets = Talk().bulk(200).packets
    with scaled(Scale()) as work:
        analysis = Analysis(InputRecord("x"))
        for part in (packets[:200], packets[200:]):
            columns = columns_of(part)
            buffer = columns.buffer
            analysis.feed(columns)
            del columns
            assert sys.getrefcount(buffer) == 2, "this name, and the question"
        analysis.finish()
    assert work.segments > 300


def columns_of(packets: list[bytes]) -> Columns:
    content = b"".join(made.record(packet, seconds) for seconds, packet in enumerate(packets))
    return pcap_columns(content, "<", 1000, 101, 1)
