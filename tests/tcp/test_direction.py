"""One direction: holes, retransmissions, overlaps, keep-alives, limits."""

from __future__ import annotations

import pytest
from tcp_replay import Replay
from wire import Wire

from ibsniff.model import ACK, PSH, Gap, Moment, Run, Side
from ibsniff.tcp import direction, reassembly_buffer
from ibsniff.tcp.direction import KEPT_GAPS
from ibsniff.tcp.hole_wait import WAIT_NS, WAIT_SEGMENTS
from ibsniff.tcp.reassembly_buffer import CHUNK_OVERHEAD
from ibsniff.tcp.recent_segments import DUPLICATE_NS

HELLO = b"API\0\0\0\0\x09v100..187"
NANOSECOND = 1e-9


def settle_after(wire: Wire) -> int:
    """The packet that gave up the first hole."""
    replay = Replay(wire.segments(), finish=False)
    gap = next(event for event in replay.of(Side.CLIENT) if isinstance(event, Gap))
    return gap.noticed.packet


# -- holes ------------------------------------------------------------------------------------------------------


def test_a_hole_the_receiver_acknowledges_is_given_up_after_some_segments() -> None:
    wire = Wire().connect().lose().client(b"lost", ack=False).client(b"seen")  # 4: seen, 5: its ACK
    for _ in range(WAIT_SEGMENTS):
        wire.server(b"x", ack=False)
    replay = Replay(wire.segments(), finish=False)
    gap, run = replay.of(Side.CLIENT)
    assert gap == Gap(0, 4, Moment(5 + WAIT_SEGMENTS, wire.segments()[-1].time_ns))
    assert isinstance(run, Run)
    assert (run.offset, run.data) == (4, b"seen")


def test_a_hole_the_receiver_acknowledges_is_given_up_after_some_time() -> None:
    wire = Wire().connect().lose().client(b"lost", ack=False).client(b"seen")
    wire.server(b"x", ack=False, after=WAIT_NS * NANOSECOND - 1e-6).server(b"x", ack=False, after=1e-6)
    assert settle_after(wire) == 7


def test_a_hole_the_receiver_does_not_acknowledge_is_waited_for() -> None:
    wire = Wire().connect().lose().client(b"lost", ack=False).client(b"seen", ack=False)
    for _ in range(3 * WAIT_SEGMENTS):
        wire.segment(Side.SERVER, ACK, b"x", ack=1_001, after=1.0)
    replay = Replay(wire.segments(), finish=False)
    assert replay.of(Side.CLIENT) == []
    assert replay.connection.from_client.captured == 0
    assert replay.connection.from_client.length == 8


def test_a_hole_is_filled_by_the_retransmission() -> None:
    wire = Wire().connect().lose().client(b"lost", ack=False).client(b"seen", ack=False)
    wire.segment(Side.SERVER, ACK, ack=1_001).again(3, after=0.2)
    replay = Replay(wire.segments(), finish=False)
    assert replay.client == b"lostseen"
    assert replay.connection.from_client.out_of_order == 1
    assert replay.connection.from_client.gap_bytes == 0


def test_holes_that_one_ack_covers_are_given_up_together() -> None:
    wire = Wire().connect()
    for _ in range(5):
        wire.lose().client(b"lost", ack=False).client(b"seen", ack=False)
    wire.ack(Side.SERVER)
    for _ in range(WAIT_SEGMENTS):
        wire.server(b"x", ack=False)
    assert Replay(wire.segments(), finish=False).gaps(Side.CLIENT) == [(8 * index, 4) for index in range(5)]


def test_a_hole_at_the_end_is_known_from_the_ack_alone() -> None:
    replay = Replay(Wire().connect().client(b"seen").lose().client(b"lost").segments())
    half = replay.connection.from_client
    assert replay.gaps(Side.CLIENT) == [(4, 4)]
    assert (half.length, half.captured, half.acked, half.gap_bytes) == (8, 4, 8, 4)


def test_a_fin_that_was_not_captured_is_no_missing_byte() -> None:
    replay = Replay(Wire().connect().client(b"seen").lose().fin_client().ack(Side.SERVER).segments())
    assert replay.gaps(Side.CLIENT) == []
    assert replay.connection.from_client.length == replay.connection.from_client.acked == 4


def test_bytes_lost_before_a_fin_are_a_gap() -> None:
    replay = Replay(Wire().connect().lose().client(b"lost").fin_client().ack(Side.SERVER).segments())
    half = replay.connection.from_client
    assert replay.gaps(Side.CLIENT) == [(0, 4)]
    assert (half.length, half.acked) == (4, 4)


def test_a_fin_repeated_after_its_ack_shows_where_the_data_ended() -> None:
    wire = Wire().connect().lose(2).client(b"lost", ack=False).fin_client().ack(Side.SERVER).again(2, after=0.2)
    half = Replay(wire.segments()).connection.from_client
    assert (half.length, half.acked, half.gap_bytes) == (4, 4, 4)


def test_a_hole_acknowledged_in_part_waits_for_another_ack() -> None:
    wire = Wire().connect().lose().client(b"lost", ack=False).client(b"seen", ack=False)
    wire.lose(2).client(b"LOST", ack=False).client(b"LATE", ack=False).client(b"SEEN", ack=False)
    wire.segment(Side.SERVER, ACK, ack=1_001 + 12)
    for acked in (12, 20):
        for _ in range(WAIT_SEGMENTS + 1):
            wire.segment(Side.SERVER, ACK, b"x", ack=1_001 + acked)
    replay = Replay(wire.segments(), finish=False)
    assert replay.gaps(Side.CLIENT) == [(0, 4), (8, 8)]
    first, second = replay.connection.from_client.gaps
    assert second.noticed.packet == first.noticed.packet + WAIT_SEGMENTS + 1 + 1


def test_gaps_are_listed_up_to_a_bound_and_counted_beyond() -> None:
    wire = Wire().connect()
    for _ in range(KEPT_GAPS + 5):
        wire.lose().client(b"lost").client(b"seen")
    half = Replay(wire.segments()).connection.from_client
    assert len(half.gaps) == KEPT_GAPS
    assert half.gap_bytes == 4 * (KEPT_GAPS + 5)


@pytest.mark.parametrize("limit", ["DIRECTION_LIMIT", "TOTAL_LIMIT"])
def test_a_full_buffer_gives_up_the_hole_and_reports_the_limit(monkeypatch, limit: str) -> None:
    monkeypatch.setattr(reassembly_buffer, limit, 3 * (CHUNK_OVERHEAD + 10))
    wire = Wire().connect().lose().client(b"lost", ack=False)
    for _ in range(4):
        wire.client(b"0123456789", ack=False)
    replay = Replay(wire.segments(), finish=False)
    half = replay.connection.from_client
    assert half.limit_reached
    assert replay.gaps(Side.CLIENT) == [(0, 4)]
    assert replay.client == bytes(4) + b"0123456789" * 4
    assert half.gaps[0].noticed.packet == 7


def test_work_grows_with_the_segments_not_with_their_square(monkeypatch) -> None:
    """Segments in reverse order: the worst case for what waits."""

    def chunks_touched(count: int) -> int:
        touched = 0

        class Counted(list):  # type: ignore[type-arg]
            def __iter__(self):
                nonlocal touched
                for item in super().__iter__():
                    touched += 1
                    yield item

        wire = Wire().connect()
        for _ in range(count):
            wire.client(b"x", ack=False)
        segments = wire.segments()
        original = reassembly_buffer.ReassemblyBuffer.__init__

        def counting(self, total) -> None:
            original(self, total)
            self._chunks = Counted()

        with monkeypatch.context() as patch:
            patch.setattr(reassembly_buffer.ReassemblyBuffer, "__init__", counting)
            replay = Replay([*segments[:3], *reversed(segments[3:])])
        assert replay.client == b"x" * count
        return touched

    assert chunks_touched(4 * 500) <= 5 * chunks_touched(500)


# -- repeats and overlaps ---------------------------------------------------------------------------------------


def test_a_retransmission_is_counted_and_not_delivered() -> None:
    replay = Replay(Wire().connect().client(b"hello", ack=False).again(after=0.2).again(after=0.4).segments())
    half = replay.connection.from_client
    assert replay.client == b"hello"
    assert (half.retransmissions, half.duplicates, half.conflicts, half.segments) == (2, 0, 0, 5)


def test_a_retransmission_may_bring_new_bytes_after_the_old() -> None:
    wire = Wire().connect().client(b"hel", ack=False).segment(Side.CLIENT, ACK, b"hello", seq_offset=-3)
    replay = Replay(wire.segments())
    assert replay.client == b"hello"
    assert replay.connection.from_client.retransmissions == 1
    assert replay.connection.from_client.length == 5


@pytest.mark.parametrize("client", ["127.0.0.1:51000", "[::1]:51000"])
def test_the_first_bytes_win_and_a_conflict_is_counted(client: str) -> None:
    server = "[::1]:7497" if "[" in client else "127.0.0.1:7497"
    wire = (
        Wire(client, server)
        .connect()
        .client(b"first", ack=False)
        .segment(Side.CLIENT, ACK | PSH, b"other", seq_offset=-5)
    )
    replay = Replay(wire.segments())
    assert replay.client == b"first"
    assert replay.connection.from_client.conflicts == 1


def test_the_first_bytes_win_after_a_hole_too() -> None:
    wire = Wire().connect().lose().client(b"lost", ack=False).client(b"first", ack=False)
    wire.segment(Side.CLIENT, ACK, b"LOSTfIrst", seq_offset=-9)
    replay = Replay(wire.segments())
    assert replay.client == b"LOSTfirst"
    assert replay.connection.from_client.conflicts == 1


def test_a_byte_cut_by_the_snaplen_comes_with_the_whole_retransmission() -> None:
    wire = Wire().connect().client(b"x", ack=False).cut(0).again(after=0.2)
    segments = wire.segments()
    replay = Replay([*segments[:4], segments[4]._replace(payload=b"x")])
    assert replay.client == b"x"
    assert replay.gaps(Side.CLIENT) == []
    assert replay.connection.from_client.cut_by_snaplen == 1


def test_a_retransmission_of_which_no_byte_was_captured_is_counted() -> None:
    wire = Wire().connect().client(b"hello", ack=False).cut(0).again(after=0.2)
    half = Replay(wire.segments()).connection.from_client
    assert (half.retransmissions, half.out_of_order, half.length) == (1, 0, 5)


# -- duplicates --------------------------------------------------------------------------------------------------


def test_a_duplicate_is_no_retransmission() -> None:
    wire = Wire().syn().copy().syn_ack().copy().ack().copy().client(b"hello", ack=False).copy().ack("server").copy()
    replay = Replay(wire.fin_client().copy().rst_server().copy().segments())
    connection = replay.connection
    assert replay.client == b"hello"
    assert connection.syn_count == len(connection.syns) == 1
    assert connection.from_client.duplicates == 4
    assert connection.from_server.duplicates == 3
    assert connection.from_client.retransmissions == 0
    assert (connection.from_client.segments, connection.from_server.segments) == (4, 3)


def test_duplicates_may_come_after_a_burst() -> None:
    wire = Wire().connect().client(b"abcdefgh", mss=2, ack=False)
    for _ in range(4):
        wire.copy(4)
    half = Replay(wire.segments()).connection.from_client
    assert (half.duplicates, half.retransmissions) == (4, 0)


def test_the_same_packet_after_a_long_time_is_a_retransmission() -> None:
    wire = Wire().connect().client(b"hello", ack=False).copy(after=(DUPLICATE_NS + 1) * NANOSECOND)
    half = Replay(wire.segments()).connection.from_client
    assert (half.duplicates, half.retransmissions) == (0, 1)


def test_without_an_ip_identification_the_bytes_show_a_duplicate() -> None:
    wire = Wire("[::1]:51000", "[::1]:7497").connect().client(b"hello", ack=False).copy()
    assert Replay(wire.segments()).connection.from_client.duplicates == 1


def test_duplicates_in_a_one_way_capture() -> None:
    half = Replay(Wire().client(b"middle", ack=False).copy().segments()).connection.from_client
    assert (half.duplicates, half.retransmissions) == (1, 0)


def test_a_duplicate_may_come_after_a_further_ack() -> None:
    wire = Wire().connect().server(b"a").server(b"b").copy(3)
    assert Replay(wire.segments()).connection.from_client.duplicates == 1


@pytest.mark.parametrize("client", ["127.0.0.1:51000", "[::1]:51000"])
def test_duplicate_acks_are_no_duplicate_packets(client: str) -> None:
    wire = Wire(client, client.replace("51000", "7497")).connect()
    wire.lose().server(b"lost", ack=False).server(b"seen", ack=False)
    for _ in range(3):
        wire.segment(Side.CLIENT, ACK, ack=900_001)
    assert Replay(wire.segments()).connection.from_client.duplicates == 0


def test_a_window_update_is_no_duplicate() -> None:
    wire = Wire("[::1]:51000", "[::1]:7497").connect().server(b"much", ack=False).ack(window=0).ack()
    half = Replay(wire.segments()).connection.from_client
    assert (half.duplicates, half.zero_windows) == (0, 1)


# -- keep-alives and windows ------------------------------------------------------------------------------------


@pytest.mark.parametrize("probe", [b"", b"\0"])
def test_keep_alives_change_nothing_else(probe: bytes) -> None:
    wire = Wire().connect().client(b"before")
    for _ in range(3):
        wire.keep_alive(Side.CLIENT, probe, after=60.0).ack(Side.SERVER)
    replay = Replay(wire.client(b"after").segments())
    half = replay.connection.from_client
    assert replay.client == b"beforeafter"
    assert half.keep_alives == 3
    assert half.retransmissions == half.conflicts == half.gap_bytes == 0
    assert half.last_data is not None
    assert half.last_data.packet == 12


def test_the_last_byte_sent_again_after_the_fin_is_no_keep_alive() -> None:
    wire = Wire().connect().client(b"x", ack=False).fin_client().segment(Side.CLIENT, ACK | PSH, b"x", seq_offset=-2)
    half = Replay(wire.segments()).connection.from_client
    assert (half.keep_alives, half.retransmissions, half.length) == (0, 1, 1)


def test_a_keep_alive_before_any_data() -> None:
    replay = Replay(Wire().connect().keep_alive(Side.SERVER, after=60.0).ack().server(b"reply").segments())
    assert replay.server == b"reply"
    assert replay.connection.from_server.keep_alives == 1


@pytest.mark.parametrize("acked", [True, False])
def test_a_stream_joined_at_a_keep_alive_has_no_hole(acked: bool) -> None:
    wire = Wire().keep_alive(Side.SERVER)
    if acked:
        wire.ack(Side.CLIENT)
    wire.server(b"tick", ack=False).segment(Side.CLIENT, ACK, ack=900_000 + 2)
    replay = Replay(wire.segments())
    assert replay.server == b"tick"
    assert replay.gaps(Side.SERVER) == []
    assert replay.connection.from_server.acked == 2


def test_zero_windows_are_counted_with_the_first_time() -> None:
    wire = Wire().connect().server(b"much", ack=False)
    for _ in range(10):
        wire.ack(Side.CLIENT, window=0, after=0.01)
    segments = wire.ack(Side.CLIENT).segments()
    connection = Replay(segments).connection
    assert connection.from_client.zero_windows == 10
    assert connection.from_client.first_zero_window == Moment(5, segments[4].time_ns)
    assert connection.history == "ShAdWW"


# -- acknowledgements -------------------------------------------------------------------------------------------


def test_the_first_ack_of_the_whole_first_segment_is_remembered() -> None:
    wire = Wire().connect().client(b"hello", ack=False)
    wire.segment(Side.SERVER, ACK, ack=1_001 + 4).segment(Side.SERVER, ACK, ack=1_001 + 5).ack(Side.SERVER)
    connection = Replay(wire.segments()).connection
    assert connection.from_client.ack_of_first_data is not None
    assert connection.from_client.ack_of_first_data.packet == 6
    assert connection.from_client.acked == 5


def test_the_first_ack_of_the_fin_is_remembered() -> None:
    wire = Wire().connect().client(b"hello").fin_client()
    half = Replay(Wire.merge(wire).segments()).connection.from_client
    assert (half.ack_of_fin, half.fin_repeats) == (None, 0)
    wire.again(after=0.2).again(2, after=0.4).ack(Side.SERVER).ack(Side.SERVER)
    half = Replay(wire.segments()).connection.from_client
    assert half.ack_of_fin is not None
    assert (half.ack_of_fin.packet, half.fin_repeats) == (9, 2)


def test_an_ack_captured_before_its_fin_counts() -> None:
    half = Replay(Wire().connect().fin_client().ack(Side.SERVER).swap().segments()).connection.from_client
    assert half.ack_of_fin is not None
    assert (half.ack_of_fin.packet, half.fin_repeats) == (4, 0)


def test_an_ack_captured_before_its_data_counts() -> None:
    connection = Replay(Wire().connect().client(b"hello").swap().segments()).connection
    assert connection.from_client.ack_of_first_data is not None
    assert connection.from_client.ack_of_first_data.packet == 4
    assert connection.from_client.first_data is not None
    assert connection.from_client.first_data.packet == 5


def test_an_older_ack_takes_nothing_back() -> None:
    wire = Wire().connect().client(b"hello").segment(Side.SERVER, ACK, ack=1_003)
    assert Replay(wire.segments()).connection.from_client.acked == 5


def test_syn_and_fin_are_not_counted_as_acknowledged_data() -> None:
    connection = Replay(Wire().connect().client(b"hello").close().ack(Side.SERVER).segments()).connection
    assert connection.from_client.acked == 5
    assert connection.from_server.acked == 0
    assert connection.from_server.length == 0


def test_a_segment_too_far_away_does_not_belong_to_the_stream() -> None:
    wire = Wire().connect().segment(Side.CLIENT, ACK, b"stray", seq_offset=direction.STRAY_DISTANCE + 1, advance=False)
    wire.segment(Side.SERVER, ACK, ack=1_001 + direction.STRAY_DISTANCE + 1).client(b"hello")
    replay = Replay(wire.segments())
    assert replay.client == b"hello"
    assert replay.connection.from_client.length == 5


def test_a_bare_ack_past_the_captured_data_shows_that_more_was_sent() -> None:
    wire = Wire().connect().client(b"seen").server(b"reply").lose(2).client(b"unseen bytes").ack()
    half = Replay(wire.segments()).connection.from_client
    assert (half.captured, half.length, half.gap_bytes) == (4, 15, 11)  # the last number may be a FIN's


def test_a_bare_ack_one_number_past_the_data_shows_a_fin_and_one_far_past_it_nothing() -> None:
    for distance in (1, 5 << 20):
        wire = Wire().connect().client(b"seen").server(b"reply")
        last = wire.segments()[-2]
        stray = last._replace(seq=last.seq + last.length + distance, payload=b"", length=0, flags=ACK)
        half = Replay([*wire.segments(), stray]).connection.from_client
        assert (half.length, half.gap_bytes) == (4, 0)


# -- bytes that are none ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("probe", [b"", b"\0"])
@pytest.mark.parametrize("by", list(Side))
def test_a_stream_joined_at_a_keep_alive_and_closed_has_no_data(probe: bytes, by: Side) -> None:
    other = Side.SERVER if by is Side.CLIENT else Side.CLIENT
    wire = Wire().ack(other).keep_alive(by, probe).ack(other).wait(9.0).close(by)
    connection = Replay(wire.segments()).connection
    for half in (connection.from_client, connection.from_server):
        assert (half.length, half.captured, half.gap_bytes) == (0, 0, 0)
    assert connection.ended is not None
    assert connection.ended.by is by


def test_data_after_a_keep_alive_at_which_the_capture_began_is_all_there() -> None:
    wire = Wire().ack(Side.CLIENT).keep_alive(Side.SERVER, b"\0").ack().server(b"data")
    replay = Replay(wire.segments())
    assert replay.server == b"data"
    assert replay.connection.from_server.gap_bytes == 0


def test_a_single_byte_that_was_not_acknowledged_before_is_data() -> None:
    replay = Replay(Wire().ack(Side.CLIENT).server(b"x").server(b"y").segments())
    assert replay.server == b"xy"


def test_the_fin_of_a_side_that_was_not_captured_is_no_byte() -> None:
    wire = Wire().syn().syn_ack().ack().client(HELLO).server(b"reply").fin_client().ack(Side.SERVER).fin_server()
    only_server = [segment for segment in wire.segments() if segment.source.port == 7497]
    connection = Replay(only_server).connection
    assert connection.from_client.length == len(HELLO)
    assert connection.ended is not None
    assert connection.ended.by is Side.CLIENT


def test_a_byte_of_a_side_that_was_not_captured_is_counted_when_more_follows() -> None:
    wire = Wire().syn().syn_ack().ack().client(HELLO).client(b"x").client(HELLO)
    only_server = [segment for segment in wire.segments() if segment.source.port == 7497]
    assert Replay(only_server).connection.from_client.length == 2 * len(HELLO) + 1
