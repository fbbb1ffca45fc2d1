"""Segments with a wrong checksum are left out, and checksums that mean nothing are recognised."""

from __future__ import annotations

from tcp_replay import Replay
from wire import Wire

from ibsniff.model import ACK, FIN, RST, SYN, Ended, How, Segment, Side
from ibsniff.tcp.damaged_segments import INTACT_PER_DAMAGED
from ibsniff.tcp.hole_wait import WAIT_SEGMENTS


def sound(wire: Wire, wrong: dict[int, dict[str, object]]) -> list[Segment]:
    """All checksums right but those of these packets, of which some fields are changed too."""
    segments = [segment._replace(intact=True) for segment in wire.segments()]
    return [segment._replace(intact=False, **wrong[segment.packet]) if segment.packet in wrong else segment
            for segment in segments]  # fmt: skip


def test_damaged_bytes_are_left_out_until_they_are_sent_again() -> None:
    wire = Wire().connect().client(b"hello", ack=False).again(after=0.2).ack(Side.SERVER)
    replay = Replay(sound(wire, {4: {"payload": b"hallo"}}))
    half = replay.connection.from_client
    assert replay.client == b"hello"
    assert (half.damaged, half.conflicts, half.retransmissions, half.gap_bytes) == (1, 0, 0, 0)


def test_damaged_bytes_that_are_never_repeated_are_a_gap_unless_they_were_acknowledged() -> None:
    wire = Wire().connect().client(b"lost", ack=False).client(b"seen", ack=False).segment(Side.SERVER, ACK, ack=1_001)
    replay = Replay(sound(wire, {4: {}}))
    assert replay.gaps(Side.CLIENT) == [(0, 4)]
    assert replay.client == bytes(4) + b"seen"


def test_a_damaged_ack_a_damaged_syn_and_damaged_numbers_do_no_harm() -> None:
    wire = Wire().connect().client(b"hello", ack=False).server(b"reply", ack=False).ack(Side.SERVER).ack()
    wire.client(b"one").server(b"two")
    wrong = {4: {"seq": 900_000_000}, 6: {"ack": 900_000_000}, 7: {"flags": SYN | ACK}}
    segments = sound(wire, wrong)
    good = sound(wire, {})
    replay = Replay([*segments[:7], good[3], *segments[7:]])
    assert (replay.client, replay.server) == (b"helloone", b"replytwo")
    assert replay.connection.from_client.gap_bytes == replay.connection.from_server.gap_bytes == 0
    assert replay.connection.from_client.acked == 8


def test_the_first_segment_of_a_side_is_believed() -> None:
    """A refusal is the only packet of its side: there is nothing to compare its checksum with."""
    assert len(Replay(sound(Wire().syn().refuse(), {2: {}})).connection.refusals) == 1


def test_a_bare_fin_or_rst_in_sequence_is_believed() -> None:
    for flags, how in ((RST, How.RST), (FIN, How.FIN)):
        wire = Wire().connect().client(b"hello").segment(Side.SERVER, flags | ACK)
        segments = sound(wire, {6: {}})
        ended = Replay(segments).connection.ended
        assert ended is not None
        assert (ended.by, ended.how) == (Side.SERVER, how)
        elsewhere = sound(wire, {6: {"seq": 900_123}})
        assert Replay(elsewhere).connection.ended is None


def test_wrong_checksums_that_are_acknowledged_mean_nothing() -> None:
    """The network card of this machine computes them after the capture."""
    wire = Wire().connect().client(b"hello")
    for _ in range(WAIT_SEGMENTS):
        wire.server(b"x", ack=False)
    wire.client(b"and more").fin_client()
    wrong = {segment.packet: {} for segment in wire.segments() if segment.packet > 3 and segment.source.port == 51_000}
    replay = Replay(sound(wire, wrong), finish=False)
    assert replay.client == b"helloand more"
    assert replay.gaps(Side.CLIENT) == []
    assert replay.connection.from_client.damaged == 1
    assert replay.connection.ended == Ended(Side.CLIENT, How.FIN, replay.connection.last)


def test_many_wrong_checksums_mean_nothing() -> None:
    """As after a wrong address translation; no ACK was captured, because the capture is one-way."""
    wire = Wire().connect()
    for index in range(20):
        wire.client(b"%02d" % index, ack=False)
    wrong = {segment.packet: {} for segment in wire.segments() if segment.packet > 3}
    half = Replay(sound(wire, wrong)).connection.from_client
    assert half.damaged < INTACT_PER_DAMAGED
    assert half.captured == half.length == 40


def test_unknown_checksums_are_taken() -> None:
    replay = Replay(Wire().connect().client(b"hello").segments())
    assert replay.client == b"hello"
    assert replay.connection.from_client.damaged == 0
