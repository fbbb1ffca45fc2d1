"""However a conversation is cut, ordered, repeated and interleaved, the same bytes come out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tcp_replay import Replay
from wire import START_NS, Wire

from ibsniff.model import ACK, FIN, SYN, Endpoint, Gap, Mark, Run, Segment, Side
from ibsniff.tcp.hole_wait import WAIT_SEGMENTS
from ibsniff.tcp.sequence import advance

CLIENT, SERVER = Endpoint(b"\x7f\0\0\1", 51_000), Endpoint(b"\x7f\0\0\1", 7_497)
STREAMS = st.binary(max_size=120)
ISNS = st.one_of(st.integers(2**32 - 130, 2**32 - 1), st.integers(0, 2**32 - 1))


@dataclass(frozen=True)
class Slice:
    """Some bytes of one direction."""

    side: Side
    start: int
    stop: int
    fin: bool = False


@dataclass(frozen=True)
class Talk:
    """Two streams and their initial sequence numbers."""

    streams: dict[Side, bytes]
    isns: dict[Side, int]

    def segment(self, number: int, piece: Slice, acked: int = 0) -> Segment:
        """The slice as a packet; ``acked`` is how much of the other stream it acknowledges."""
        other = Side.SERVER if piece.side is Side.CLIENT else Side.CLIENT
        ends = (CLIENT, SERVER) if piece.side is Side.CLIENT else (SERVER, CLIENT)
        data = self.streams[piece.side][piece.start : piece.stop]
        return Segment(
            packet=number,
            time_ns=START_NS + number * 10_000,
            source=ends[0],
            destination=ends[1],
            seq=advance(self.isns[piece.side], 1 + piece.start),
            ack=advance(self.isns[other], 1 + acked),
            flags=ACK | FIN if piece.fin else ACK,
            window=1_000,
            payload=data,
            length=len(data),
            ip_id=number,
        )

    def handshake(self) -> list[Segment]:
        return Wire(client_isn=self.isns[Side.CLIENT], server_isn=self.isns[Side.SERVER]).connect().segments()


@st.composite
def talks(draw: st.DrawFn) -> Talk:
    streams = {Side.CLIENT: draw(STREAMS), Side.SERVER: draw(STREAMS)}
    return Talk(streams, {Side.CLIENT: draw(ISNS), Side.SERVER: draw(ISNS)})


def cut(draw: st.DrawFn, talk: Talk, side: Side) -> list[Slice]:
    length = len(talk.streams[side])
    inner = draw(st.lists(st.integers(1, length - 1), max_size=12)) if length > 1 else []
    places = [0, *sorted(set(inner)), length]
    pieces = [Slice(side, start, stop) for start, stop in pairwise(places)]
    return [*pieces, Slice(side, length, length, fin=True)]


def repeats(draw: st.DrawFn, talk: Talk, side: Side) -> list[Slice]:
    ends = st.integers(0, len(talk.streams[side]))
    pairs = draw(st.lists(st.tuples(ends, ends), max_size=6))
    return [Slice(side, min(pair), max(pair)) for pair in pairs]


def interleave(draw: st.DrawFn, left: list[Slice], right: list[Slice]) -> list[Slice]:
    """Each list keeps its order."""
    merged: list[Slice] = []
    left, right = list(left), list(right)
    while left or right:
        take_left = left and (not right or draw(st.booleans()))
        merged.append(left.pop(0) if take_left else right.pop(0))
    return merged


@given(st.data())
def test_any_cutting_order_repetition_and_interleaving_gives_the_same_streams(data: st.DataObject) -> None:
    talk = data.draw(talks())
    pieces = [piece for side in Side for piece in cut(data.draw, talk, side) + repeats(data.draw, talk, side)]
    segments = [talk.segment(number, piece) for number, piece in enumerate(data.draw(st.permutations(pieces)), start=4)]
    replay = Replay(talk.handshake() + segments)
    for side in Side:
        assert replay.stream(side) == talk.streams[side]
        assert replay.gaps(side) == []
        assert_marks_are_true(replay, talk, side, {segment.packet: segment for segment in segments})
    connection = replay.connection
    for half, side in ((connection.from_client, Side.CLIENT), (connection.from_server, Side.SERVER)):
        assert half.length == half.captured == len(talk.streams[side])
        assert half.conflicts == half.gap_bytes == 0
        assert half.fin is not None


def assert_marks_are_true(replay: Replay, talk: Talk, side: Side, packets: dict[int, Segment]) -> None:
    """Every byte really was in the packet its mark names."""
    for run in replay.of(side):
        assert isinstance(run, Run)
        ends = [mark.offset for mark in run.marks[1:]] + [run.offset + len(run.data)]
        for mark, end in zip(run.marks, ends, strict=True):
            packet = packets[mark.packet]
            start = mark.offset - (packet.seq - talk.isns[side] - 1) % 2**32
            assert packet.time_ns == mark.time_ns
            assert packet.payload[start : start + end - mark.offset] == talk.streams[side][mark.offset : end]


@given(st.data())
def test_what_was_lost_is_a_gap_and_nothing_else_is(data: st.DataObject) -> None:
    talk = data.draw(talks())
    sent = interleave(data.draw, cut(data.draw, talk, Side.CLIENT), cut(data.draw, talk, Side.SERVER))
    lost = data.draw(st.sets(st.sampled_from(range(len(sent)))))
    reached = {Side.CLIENT: 0, Side.SERVER: 0}
    segments = []
    for index, piece in enumerate(sent):
        other = Side.SERVER if piece.side is Side.CLIENT else Side.CLIENT
        reached[piece.side] = piece.stop
        # a lost FIN leaves the end of the stream to the ACKs, which then count what was lost before it
        if index not in lost or piece.fin:
            segments.append(talk.segment(index + 4, piece, acked=reached[other]))
    replay = Replay(talk.handshake() + segments)
    for side in Side:
        missing = bytearray(len(talk.streams[side]))
        for index in lost:
            if sent[index].side is side and not sent[index].fin:
                missing[sent[index].start : sent[index].stop] = b"\1" * (sent[index].stop - sent[index].start)
        shown = bytearray(len(talk.streams[side]))
        for event in replay.of(side):
            if isinstance(event, Gap):
                shown[event.offset : event.offset + event.length] = b"\1" * event.length
            else:
                assert event.data == talk.streams[side][event.offset : event.offset + len(event.data)]
        assert shown == missing


@given(st.data())
def test_reordering_within_a_burst_loses_nothing_although_acks_overtake(data: st.DataObject) -> None:
    """A capture that swaps packets of two queues shows ACKs before the data they acknowledge."""
    talk = data.draw(talks())
    pieces = interleave(data.draw, cut(data.draw, talk, Side.CLIENT), cut(data.draw, talk, Side.SERVER))
    reached = {Side.CLIENT: 0, Side.SERVER: 0}
    segments = []
    for number, piece in enumerate(pieces, start=4):
        reached[piece.side] = piece.stop
        other = Side.SERVER if piece.side is Side.CLIENT else Side.CLIENT
        segments.append(talk.segment(number, piece, acked=reached[other]))
    size = WAIT_SEGMENTS // 2
    bursts = [segments[start : start + size] for start in range(0, len(segments), size)]
    shuffled = [segment for burst in bursts for segment in data.draw(st.permutations(burst))]
    replay = Replay(talk.handshake() + shuffled)
    for side in Side:
        assert replay.stream(side) == talk.streams[side]
        assert replay.gaps(side) == []


@given(st.data())
def test_bytes_cut_by_the_snaplen_are_gaps(data: st.DataObject) -> None:
    talk = data.draw(talks())
    snaplen = data.draw(st.integers(0, 20))
    whole = [talk.segment(number, piece) for number, piece in enumerate(cut(data.draw, talk, Side.CLIENT), start=4)]
    segments = [segment._replace(payload=segment.payload[:snaplen]) for segment in whole]
    replay = Replay(talk.handshake() + segments)
    expected = b"".join(segment.payload.ljust(segment.length, b"\0") for segment in segments)
    half = replay.connection.from_client
    assert replay.client == expected
    assert half.cut_by_snaplen == sum(segment.length > snaplen for segment in segments)
    assert half.retransmissions == half.out_of_order == 0
    assert half.captured + half.gap_bytes == half.length == len(expected)


@given(st.data())
def test_of_conflicting_bytes_the_first_captured_win(data: st.DataObject) -> None:
    """Repeats with other bytes, in any order, in both directions, over the wrap of the sequence numbers."""
    talk = data.draw(talks())
    other = Talk({side: bytes(byte ^ 0xFF for byte in stream) for side, stream in talk.streams.items()}, talk.isns)
    pieces = [(talk, piece) for side in Side for piece in cut(data.draw, talk, side)]
    pieces += [(other, piece) for side in Side for piece in repeats(data.draw, talk, side)]
    order = data.draw(st.permutations(pieces))
    expected = {side: bytearray(len(talk.streams[side])) for side in Side}
    known: set[tuple[Side, int]] = set()
    for source, piece in order:
        for place in range(piece.start, piece.stop):
            if (piece.side, place) not in known:
                known.add((piece.side, place))
                expected[piece.side][place] = source.streams[piece.side][place]
    segments = [source.segment(number, piece) for number, (source, piece) in enumerate(order, start=4)]
    replay = Replay(talk.handshake() + segments)
    for side in Side:
        assert replay.stream(side) == expected[side]
        assert replay.gaps(side) == []


@given(st.data())
def test_damaged_segments_do_not_change_the_streams(data: st.DataObject) -> None:
    talk = data.draw(talks())
    pieces = [piece for side in Side for piece in cut(data.draw, talk, side)]
    whole = [talk.segment(number, piece)._replace(intact=True) for number, piece in enumerate(pieces, start=4)]
    damaged = []
    for side in Side:
        candidates = [segment for segment, piece in zip(whole, pieces, strict=True) if piece.side is side]
        for segment in data.draw(st.lists(st.sampled_from(candidates), max_size=2)):
            noise = data.draw(st.binary(min_size=segment.length, max_size=segment.length))
            change = data.draw(
                st.sampled_from([{"payload": noise}, {"ack": 77}, {"flags": segment.flags ^ SYN}, {"seq": 7}])
            )
            damaged.append(segment._replace(intact=False, packet=1_000 + len(damaged), **change))
    handshake = [segment._replace(intact=True) for segment in talk.handshake()]
    replay = Replay(handshake + data.draw(st.permutations(whole + damaged)))
    for side in Side:
        assert replay.stream(side) == talk.streams[side]
        assert replay.gaps(side) == []


def test_a_run_names_every_packet_its_bytes_came_in() -> None:
    segments = Wire().connect().client(b"aa", ack=False).client(b"bb", ack=False).client(b"cc", ack=False).segments()
    first, second, third = segments[3:]
    replay = Replay([*segments[:3], second, third, first])
    (run,) = replay.of(Side.CLIENT)
    assert isinstance(run, Run)
    assert run.data == b"aabbcc"
    assert [(mark.offset, mark.packet) for mark in run.marks] == [(0, 4), (2, 5), (4, 6)]
    assert run.marks[0] == Mark(0, 4, first.time_ns)
    assert replay.connection.from_client.out_of_order == 1
