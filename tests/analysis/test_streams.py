"""Every conversation of a capture: numbered, counted, hashed as it comes, followed; however many there are."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from pathlib import Path

import pytest
from stream_tools import tcpflow_hashes, tshark_counts, tshark_streams
from wire import Wire
from work import calls_made

from ibsniff.analysis import streams
from ibsniff.analysis.streams import StreamReader
from ibsniff.capture.files import open_capture
from ibsniff.capture.input_record import InputRecord
from ibsniff.model import SYN, Frame, Side, WireBytes, WireText
from ibsniff.model.streams import Chunk, Stream, StreamList

CAPTURES = sorted((Path(__file__).parents[2] / "captures").glob("*/capture.pcap*"))

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
needs_tcpflow = pytest.mark.skipif(shutil.which("tcpflow") is None, reason="tcpflow is not installed")


def listed(frames: list[Frame], ports: frozenset[int] | None = None, *, hashing: bool = True) -> StreamList:
    return StreamReader(InputRecord("x.pcap"), ports, hashing=hashing).run(frames)


def followed(frames: list[Frame], number: int) -> list[Chunk]:
    return list(StreamReader(InputRecord("x.pcap")).follow(frames, number))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def two() -> list[Frame]:
    """A web conversation, and one with TWS inside of its time."""
    web = Wire("10.0.0.1:50000", "10.0.0.2:80").connect().client(b"GET /\r\n").server(b"200").wait(1).close()
    tws = Wire().wait(0.5).connect().client(b"API\0").server(b"ab", mss=1)
    return Wire.merge(web, tws).frames()


def syns(count: int) -> list[Frame]:
    """A flood: every SYN from another port, a millisecond apart."""
    template = Wire("10.0.0.1:1", "10.0.0.2:80").syn().frames()[0]
    data = bytearray(template.data)
    frames = []
    for number in range(count):
        data[34:36] = (1024 + number).to_bytes(2, "big")
        frames.append(template._replace(number=number + 1, time_ns=number * 1_000_000, data=bytes(data)))
    return frames


def test_every_port_is_listed_in_the_order_of_first_packets() -> None:
    found = listed(two())
    assert [(one.number, one.connection.server.port) for one in found.streams] == [(0, 80), (1, 7497)]
    assert [one.conn_state for one in found.streams] == ["SF", "S1"]


def test_a_filter_does_not_renumber() -> None:
    (one,) = listed(two(), frozenset({7497})).streams
    assert (one.number, one.connection.server.port) == (1, 7497)


def test_hashes_are_those_of_the_bytes() -> None:
    web, tws = listed(two()).streams
    assert web.sha256 == {Side.CLIENT: sha256(b"GET /\r\n"), Side.SERVER: sha256(b"200")}
    assert tws.sha256 == {Side.CLIENT: sha256(b"API\0"), Side.SERVER: sha256(b"ab")}
    assert listed(two(), hashing=False).streams[0].sha256 == {}


def test_a_gap_is_hashed_as_zeros_and_counted() -> None:
    wire = Wire().connect().client(b"ab").lose().client(b"cd").client(b"ef").close()
    (one,) = listed(wire.frames()).streams
    assert one.sha256[Side.CLIENT] == sha256(b"ab\0\0ef")
    assert (one.gaps, one.connection.from_client.gap_bytes) == ({Side.CLIENT: 1}, 2)


def test_gaps_too_large_to_hash_are_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_ZEROS", 1)
    wire = Wire().connect().client(b"ab").lose().client(b"cd").client(b"ef").server(b"g").close()
    (one,) = listed(wire.frames()).streams
    assert one.sha256 == {Side.CLIENT: None, Side.SERVER: sha256(b"g")}


def test_zeros_are_as_many_as_asked_for() -> None:
    for length in (0, 1, 1 << 16, (1 << 17) + 3):
        assert b"".join(streams.zeros(length)) == bytes(length)


def test_following_gives_what_each_packet_brought_in_order_of_arrival() -> None:
    wire = Wire().connect().client(b"ab").server(b"cd").lose().client(b"ef").client(b"gh").close()
    assert followed(wire.frames(), 0) == [
        Chunk(Side.CLIENT, 0, 4, WireBytes(b"ab")),
        Chunk(Side.SERVER, 0, 6, WireBytes(b"cd")),
        Chunk(Side.CLIENT, 2, 13, WireBytes(b""), 2),
        Chunk(Side.CLIENT, 4, 9, WireBytes(b"gh")),
    ]


def test_bytes_that_waited_keep_the_packets_they_came_in() -> None:
    wire = Wire().connect().client(b"ab", ack=False).client(b"cd", ack=False).client(b"ef", ack=False)
    swapped = wire.swap().frames()
    assert [(chunk.offset, chunk.data.unmasked) for chunk in followed(swapped, 0)] == [
        (0, b"ab"),
        (2, b"cd"),
        (4, b"ef"),
    ]
    assert [chunk.packet for chunk in followed(swapped, 0)] == [4, 6, 5]


def test_following_knows_the_accounts_the_conversation_names() -> None:
    hello, reply = b"API\0\0\0\0\x09v157..178", b"\0\0\0\x08178\0now\0"
    named = b"15\x001\x00XYZZY77\x00"
    wire = Wire().connect().client(hello).server(reply).server(len(named).to_bytes(4, "big") + named)
    reader = StreamReader(InputRecord("x"))
    assert list(reader.follow(wire.frames(), 0))
    assert reader.accounts == [WireText("XYZZY77")]
    assert list(reader.account_places[Side.SERVER]) == [(12 + 4 + 5, 12 + 4 + 5 + 7)]


def test_nobody_is_followed_beyond_the_last() -> None:
    reader = StreamReader(InputRecord("x"))
    assert not list(reader.follow(two(), 2))
    assert (reader.followed, reader.total) == (None, 2)


# ---------------------------------------------------------------------------------------------------------------
# Bounds


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_OPEN", 20)
    monkeypatch.setattr(streams, "MAX_LISTED", 50)


@pytest.mark.usefixtures("small")
def test_a_flood_is_listed_to_the_bound_and_counted_beyond() -> None:
    found = listed(syns(400))
    assert [one.number for one in found.streams] == list(range(50))
    assert {one.conn_state for one in found.streams} == {"S0"}
    assert found.unlisted == Counter({"S0": 350})
    assert found.closed_early == 380


@pytest.mark.usefixtures("small")
def test_what_talks_and_what_is_followed_survive_a_flood() -> None:
    before = Wire("10.0.0.9:5000", "10.0.0.8:90", delay=1e-6).connect().client(b"before").frames()
    flood = [frame._replace(number=frame.number + len(before)) for frame in syns(400)]
    later = Wire("10.0.0.9:5000", "10.0.0.8:90", delay=1e-6).connect().client(b"before").client(b" and after").frames()
    begun = [frame._replace(time_ns=0) for frame in before]
    gone_on = [frame._replace(number=frame.number + 400, time_ns=400_000_000) for frame in later[len(before) :]]
    found = listed([*begun, *flood, *gone_on])
    assert found.streams[0].sha256[Side.CLIENT] == sha256(b"before and after")
    assert [chunk.data.unmasked for chunk in followed([*begun, *flood, *gone_on], 0)] == [b"before", b" and after"]


@pytest.mark.usefixtures("small")
def test_a_conversation_closed_for_room_gives_up_its_holes() -> None:
    holed = Wire("10.0.0.9:5000", "10.0.0.8:90").connect().lose().client(b"ab", ack=False).client(b"cd", ack=False)
    quiet = [frame._replace(time_ns=0) for frame in holed.frames()]
    flood = [frame._replace(number=9 + frame.number, time_ns=10**12 + frame.number) for frame in syns(40)]
    one = listed([*quiet, *flood]).streams[0]
    assert (one.gaps, one.sha256[Side.CLIENT]) == ({Side.CLIENT: 1}, sha256(b"\0\0cd"))


@pytest.mark.usefixtures("small")
def test_a_filter_leaves_the_list_to_what_was_asked_for() -> None:
    wanted = Wire("10.0.0.9:5000", "10.0.0.8:90").connect().client(b"x").frames()
    found = listed([*syns(400), *wanted], frozenset({90}))
    assert [one.number for one in found.streams] == [400]
    assert not found.unlisted


def test_a_flood_costs_each_syn_the_same(small: None) -> None:
    listed(syns(10))  # imports are nobody's work
    few, many = (calls_made(lambda packets=packets: listed(packets)) for packets in (syns(500), syns(2000)))
    assert many <= 4.5 * few


def test_the_flood_is_one_of_syns() -> None:
    assert all(frame.data[47] == SYN for frame in syns(3))


# ---------------------------------------------------------------------------------------------------------------
# The other tools


def read(capture: Path) -> dict[int, dict[Side, bytes]]:
    """Both streams of every conversation, gaps as zeros, without what nobody captured at their end."""
    with open_capture(str(capture)) as source:
        numbers = [one.number for one in StreamReader(source.record).run(source.frames()).streams]
    said: dict[int, dict[Side, bytes]] = {}
    for number in numbers:
        with open_capture(str(capture)) as source:
            chunks = list(StreamReader(source.record).follow(source.frames(), number))
        said[number] = {}
        for side in Side:
            mine = [chunk for chunk in chunks if chunk.side is side]
            if mine and mine[-1].missing:
                mine.pop()
            said[number][side] = b"".join(chunk.data.unmasked + bytes(chunk.missing) for chunk in mine)
    return said


def conversations(capture: Path) -> list[Stream]:
    with open_capture(str(capture)) as source:
        return StreamReader(source.record).run(source.frames()).streams


@needs_tshark
@pytest.mark.parametrize("capture", CAPTURES[::3], ids=lambda path: path.parent.name)
def test_streams_and_their_numbers_are_tsharks(capture: Path) -> None:
    ours = read(capture)
    theirs = tshark_streams(capture, list(ours)) if ours else {}
    for one in conversations(capture):
        ends = {Side.CLIENT: str(one.connection.client), Side.SERVER: str(one.connection.server)}
        assert theirs[one.number] == {ends[side]: data for side, data in ours[one.number].items()}


@needs_tshark
@pytest.mark.parametrize(
    "capture", [path for path in CAPTURES if path.parent.name.startswith("ok-")], ids=lambda path: path.parent.name
)
def test_packets_are_counted_as_by_tshark(capture: Path) -> None:
    ours: Counter[tuple[int, str]] = Counter()
    for one in conversations(capture):
        connection = one.connection
        for end, half in ((connection.client, connection.from_client), (connection.server, connection.from_server)):
            ours[one.number, str(end.port)] = half.segments + half.duplicates + half.damaged
    assert ours == tshark_counts(capture)


LOOPBACK, COOKED_V2 = 0, 276


def unread_by_tcpflow(capture: Path) -> str:
    """What tcpflow 1.6 does not know; empty when it reads this."""
    if capture.parent.name == "two-syn-acks":
        return "a server's stream whose SYN-ACK is not the first one"
    with open_capture(str(capture)) as source:
        streams = StreamReader(source.record).run(source.frames()).streams
    if COOKED_V2 in source.facts.link_types:
        return "Linux cooked v2"
    if len(source.facts.link_types) > 1:
        return "several link types in one file, as libpcap does not"
    over_ipv6 = any(len(one.connection.client.address) == 16 for one in streams)
    return "IPv6 on another system's loopback" if LOOPBACK in source.facts.link_types and over_ipv6 else ""


@needs_tcpflow
@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.parent.name)
def test_streams_are_those_of_tcpflow(capture: Path, tmp_path: Path) -> None:
    if unread := unread_by_tcpflow(capture):
        pytest.skip(f"tcpflow does not read {unread}")
    ours = Counter(sha256(data) for sides in read(capture).values() for data in sides.values() if data)
    assert ours == tcpflow_hashes(capture, tmp_path)
