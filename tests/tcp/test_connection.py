"""How a connection opens, is refused and ends, and which side is the client."""

from __future__ import annotations

import pytest
from tcp_replay import Replay
from wire import Wire, endpoint

from ibsniff.model import ACK, FIN, PSH, RST, SYN, Ended, How, Moment, Side
from ibsniff.tcp import conn_state
from ibsniff.tcp.lifecycle import KEPT_MOMENTS

HELLO = b"API\0\0\0\0\x09v100..187"


def moments(*numbers: int, wire: Wire) -> list[Moment]:
    return [Moment(segment.packet, segment.time_ns) for segment in wire.segments() if segment.packet in numbers]


# -- opening ----------------------------------------------------------------------------------------------------


def test_a_handshake() -> None:
    wire = Wire(client_ttl=128, server_ttl=57).connect()
    connection = Replay(wire.segments()).connection
    assert connection.client == endpoint("127.0.0.1:51000")
    assert connection.syns == moments(1, wire=wire)
    assert [connection.syn_ack, connection.established] == moments(2, 3, wire=wire)
    assert (connection.from_client.ttl, connection.from_server.ttl) == (128, 57)
    assert connection.from_client.mss == connection.from_server.mss == 65_495
    assert [connection.first, connection.last] == moments(1, 3, wire=wire)


OTHER = 3_000_000_000
"""A second beginning of the server's stream: far away from the usual one, in either direction."""


@pytest.mark.parametrize("other", [OTHER, 500, 900_001, 899_999])
@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_syn_acks_the_acknowledged_one_counts(other: int, is_first: bool) -> None:
    wire = Wire().syn()
    if is_first:
        wire.segment(Side.SERVER, SYN | ACK, seq=other, advance=False).syn_ack()
    else:
        wire.syn_ack().segment(Side.SERVER, SYN | ACK, seq=other, advance=False)
    replay = Replay(wire.ack().client(HELLO).server(b"reply").fin_client().fin_server().ack().segments())
    assert replay.connection.established is not None
    assert (replay.client, replay.server) == (HELLO, b"reply")
    assert replay.connection.from_server.length == len(b"reply")
    assert conn_state(replay.connection) == "SF"


def test_a_second_syn_ack_after_the_clients_ack_changes_nothing() -> None:
    wire = Wire().connect().segment(Side.SERVER, SYN | ACK, seq=OTHER, advance=False).client(HELLO).server(b"reply")
    assert Replay(wire.segments()).server == b"reply"


def test_syn_acks_that_come_again_after_the_clients_ack_are_kept() -> None:
    wire = (
        Wire().syn().syn_ack().again(after=1.0).ack().client(HELLO, ack=False).again(4, after=1.0).again(5, after=2.0)
    )
    connection = Replay(wire.segments()).connection
    assert list(connection.repeated_syn_acks) == moments(6, 7, wire=wire)
    many = Wire().connect()
    for _ in range(KEPT_MOMENTS + 4):
        many.segment(Side.SERVER, SYN | ACK, seq=900_000, advance=False, after=1.0)
    assert len(Replay(many.segments()).connection.repeated_syn_acks) == KEPT_MOMENTS


def test_the_ttl_of_a_reset_is_kept_beside_that_of_the_first_packet() -> None:
    *segments, reset = Wire(server_ttl=57).connect().client(HELLO).rst_server().segments()
    connection = Replay([*segments, reset._replace(ttl=250)]).connection
    assert (connection.from_server.ttl, connection.from_server.reset_ttl) == (57, 250)
    assert connection.from_client.reset_ttl is None


def test_syns_are_repeated_and_bounded() -> None:
    wire = Wire()
    for _ in range(KEPT_MOMENTS + 4):
        wire.syn(after=1.0)
    connection = Replay(wire.segments()).connection
    assert connection.syn_count == KEPT_MOMENTS + 4
    assert len(connection.syns) == KEPT_MOMENTS


def test_three_refused_syns_of_windows_are_one_attempt() -> None:
    wire = Wire().syn().refuse().syn(after=0.5).refuse().syn(after=0.5).refuse()
    connection = Replay(wire.segments()).connection
    assert connection.syn_count == 3
    assert connection.refusals == moments(2, 4, 6, wire=wire)
    assert connection.ended is None
    assert connection.established is None


def test_refused_first_and_accepted_then() -> None:
    wire = Wire().syn().refuse().syn(after=0.5).syn_ack().ack().client(HELLO).server(b"reply")
    replay = Replay(wire.segments())
    assert len(replay.connection.refusals) == 1
    assert replay.connection.established is not None
    assert (replay.client, replay.server) == (HELLO, b"reply")
    assert conn_state(replay.connection) == "S1"


def test_a_rst_that_acknowledges_something_else_is_no_refusal() -> None:
    wire = Wire().syn().segment(Side.SERVER, RST | ACK, seq=0, ack=77).segment(Side.SERVER, RST, seq=0)
    connection = Replay(wire.segments()).connection
    assert connection.refusals == []
    assert connection.ended is None


def test_a_syn_ack_of_another_syn_is_no_answer() -> None:
    connection = Replay(Wire().syn().segment(Side.SERVER, SYN | ACK, ack=77).rst_client().segments()).connection
    assert connection.syn_ack is None
    assert conn_state(connection) == "RSTOS0"


def test_an_ack_of_something_else_establishes_nothing() -> None:
    connection = Replay(Wire().syn().syn_ack().segment(Side.CLIENT, ACK, ack=899_000).segments()).connection
    assert connection.established is None


def test_a_repeated_part_of_the_handshake_changes_nothing() -> None:
    wire = Wire().connect().again(3, after=1.0).again(3).ack()
    connection = Replay(wire.segments()).connection
    assert [connection.syn_ack, connection.established] == moments(2, 3, wire=wire)
    assert connection.syn_count == 2


def test_a_challenge_from_a_connection_the_server_still_has() -> None:
    """A restarted client meets its own half-open connection (RFC 9293, 3.5.1): ACK, RST, and a second SYN succeeds."""
    wire = Wire().syn().segment(Side.SERVER, ACK, seq=555_555_555, ack=444_444_444, advance=False)
    wire.segment(Side.CLIENT, RST, seq=444_444_444).syn(after=1.0).syn_ack().ack().client(HELLO).server(b"reply")
    replay = Replay(wire.segments())
    assert replay.connection.syn_count == 2
    assert replay.connection.ended is None
    assert (replay.client, replay.server) == (HELLO, b"reply")
    assert replay.gaps(Side.CLIENT) == replay.gaps(Side.SERVER) == []


def test_one_way_capture_of_the_client() -> None:
    wire = Wire().syn().lose().syn_ack().ack().client(HELLO, ack=False)
    wire.lose().server(b"reply").lose().server(b"more")
    replay = Replay(wire.segments())
    connection = replay.connection
    assert connection.syn_ack is None
    assert connection.established == moments(2, wire=wire)[0]
    assert connection.from_server.segments == 0
    assert (connection.from_server.length, connection.from_server.acked) == (9, 9)
    assert replay.gaps(Side.SERVER) == [(0, 9)]


def test_one_way_capture_of_the_server() -> None:
    wire = Wire().lose().syn().syn_ack().lose().ack().lose().client(HELLO).server(b"reply", ack=False)
    replay = Replay(wire.segments())
    assert replay.connection.client == endpoint("127.0.0.1:51000")
    assert replay.connection.syn_count == 0
    assert replay.gaps(Side.CLIENT) == [(0, len(HELLO))]
    assert replay.server == b"reply"


def test_a_syn_captured_after_its_answer() -> None:
    replay = Replay(Wire().syn().syn_ack().swap().ack().client(HELLO).segments())
    assert replay.connection.syn_count == 1
    assert replay.connection.client == endpoint("127.0.0.1:51000")
    assert replay.client == HELLO


def test_data_in_the_syn() -> None:
    """TCP Fast Open (RFC 7413)."""
    wire = Wire().segment(Side.CLIENT, SYN, HELLO).segment(Side.SERVER, SYN | ACK).server(b"reply")
    replay = Replay(wire.segments())
    assert (replay.client, replay.server) == (HELLO, b"reply")
    assert replay.connection.from_client.acked == len(HELLO)


def test_data_in_the_syn_that_was_not_acknowledged_is_sent_again() -> None:
    wire = Wire().segment(Side.CLIENT, SYN, HELLO).segment(Side.SERVER, SYN | ACK, ack=1_001)
    wire.segment(Side.CLIENT, ACK | PSH, HELLO, seq=1_001).ack(Side.SERVER)
    replay = Replay(wire.segments())
    assert replay.client == HELLO
    assert replay.connection.from_client.retransmissions == 1


def test_simultaneous_open() -> None:
    """Both sides connect at once (RFC 9293, 3.5, figure 7)."""
    wire = Wire().syn().segment(Side.SERVER, SYN).segment(Side.CLIENT, SYN | ACK, seq=1_000)
    wire.segment(Side.SERVER, SYN | ACK, seq=900_000).client(HELLO).server(b"reply")
    replay = Replay(wire.segments())
    assert replay.connection.client == endpoint("127.0.0.1:51000")
    assert replay.connection.established is not None
    assert (replay.client, replay.server) == (HELLO, b"reply")
    assert conn_state(replay.connection) == "S1"


def test_split_handshake() -> None:
    """The server answers with an ACK and a SYN of its own, which the client answers."""
    wire = Wire().syn().ack(Side.SERVER).restart(client_isn=1_001, server_isn=900_000).segment(Side.SERVER, SYN)
    wire.segment(Side.CLIENT, SYN | ACK, seq=1_000).ack(Side.SERVER).client(HELLO).server(b"reply")
    replay = Replay(wire.segments())
    assert replay.connection.established is not None
    assert (replay.client, replay.server) == (HELLO, b"reply")
    assert replay.gaps(Side.SERVER) == []


# -- ending -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "by", "how", "packet"),
    [
        (Wire().connect().client(HELLO).close(), Side.CLIENT, How.FIN, 6),
        (Wire().connect().client(HELLO).close(by="server"), Side.SERVER, How.FIN, 6),
        (Wire().connect().rst_server(), Side.SERVER, How.RST, 4),
        (Wire().connect().fin_server().client(HELLO, ack=False).rst_server(), Side.SERVER, How.FIN, 4),
        (Wire().syn().syn_ack().rst_client(), Side.CLIENT, How.RST, 3),
        (Wire().syn().rst_client(), Side.CLIENT, How.RST, 2),
        (Wire().syn().fin_client(), Side.CLIENT, How.FIN, 2),
        (Wire().connect().fin_client(b"bye"), Side.CLIENT, How.FIN, 4),
        (Wire().client(b"middle").rst_server(), Side.SERVER, How.RST, 3),
        (Wire().rst_server(), Side.SERVER, How.RST, 1),
        (Wire().fin_server(), Side.SERVER, How.FIN, 1),
    ],
)
def test_the_first_end_decides(wire: Wire, by: Side, how: How, packet: int) -> None:
    assert Replay(wire.segments()).connection.ended == Ended(by, how, moments(packet, wire=wire)[0])


def test_data_still_flows_in_a_half_closed_connection() -> None:
    wire = Wire().connect().client(HELLO).fin_client().ack(Side.SERVER).server(b"reply").fin_server().ack()
    replay = Replay(wire.segments())
    assert replay.server == b"reply"
    assert conn_state(replay.connection) == "SF"


@pytest.mark.parametrize("seq_offset", [-5, -(2**31) + 1, 2**25])
def test_a_rst_out_of_the_window_is_not_the_end(seq_offset: int) -> None:
    wire = Wire().connect().server(b"reply").segment(Side.SERVER, RST, seq_offset=seq_offset).server(b"more")
    replay = Replay(wire.segments())
    assert replay.connection.ended is None
    assert replay.connection.from_server.rst is None
    assert replay.server == b"replymore"


def test_a_fin_before_the_data_already_seen_is_not_the_end() -> None:
    wire = Wire().connect().server(b"reply").segment(Side.SERVER, FIN | ACK, seq_offset=-5).server(b"more")
    replay = Replay(wire.segments())
    assert replay.connection.ended is None
    assert replay.server == b"replymore"


def test_a_fin_from_far_away_is_not_the_end() -> None:
    wire = Wire().connect().segment(Side.SERVER, FIN | ACK, seq_offset=2**30 + 1, advance=False)
    assert Replay(wire.segments()).connection.ended is None


def test_the_text_in_a_rst_belongs_to_the_stream() -> None:
    replay = Replay(Wire().connect().server(b"reply").rst_server(b"go away").segments())
    assert replay.server == b"replygo away"


def test_urgent_data_stays_in_its_place() -> None:
    """The pointer is advice to the receiving program; the byte is in the stream (RFC 6093, 3.1)."""
    wire = Wire().connect().client(b"hel", ack=False).segment(Side.CLIENT, ACK | PSH | 0x20, b"!").client(b"lo")
    assert Replay(wire.segments()).client == b"hel!lo"


def test_odd_flags_are_in_the_history() -> None:
    wire = Wire().segment(Side.CLIENT, SYN | FIN).segment(Side.CLIENT, FIN | RST | ACK)
    assert Replay(wire.segments()).connection.history == "QSFIR"


# -- roles ------------------------------------------------------------------------------------------------------


def test_a_hello_in_the_middle_of_a_connection_shows_which_side_is_the_client() -> None:
    wire = Wire("127.0.0.1:7497", "127.0.0.1:51000").ack().ack(Side.SERVER).client(HELLO).server(b"reply")
    replay = Replay(wire.segments())
    connection = replay.connection
    assert connection.client == endpoint("127.0.0.1:7497")
    assert (replay.client, replay.server) == (HELLO, b"reply")
    assert connection.from_client.captured == len(HELLO)
    assert connection.history == "AaDd"
    assert len(replay.table) == 0, "it is over"


def test_a_hello_does_not_swap_the_roles_of_a_captured_handshake() -> None:
    replay = Replay(Wire().connect().server(HELLO).segments())
    assert replay.connection.client == endpoint("127.0.0.1:51000")
    assert replay.server == HELLO


def test_a_hello_does_not_swap_the_roles_when_the_other_side_has_sent_data() -> None:
    replay = Replay(Wire().client(b"data").server(HELLO).segments())
    assert replay.connection.client == endpoint("127.0.0.1:51000")
