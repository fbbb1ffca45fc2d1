"""Data that acknowledges what was not captured: held back until the other side shows whether it was sent."""

from __future__ import annotations

import pytest
from ib_bytes import HELLO, REPLY
from judging import only
from tcp_replay import Replay
from wire import Wire

from ibsniff.diagnosis import outcome_of
from ibsniff.model import ACK, NANOSECONDS, PSH, Dialogue, Outcome, Side
from ibsniff.tcp import direction, held_segments

UNSEEN = b"a request that was not captured"


def doubtful(answer: bytes = REPLY) -> Wire:
    """The server answers a request that was sent and not captured."""
    return Wire().connect().client(HELLO).lose().client(UNSEEN, ack=False).server(answer, ack=False)


def replayed(wire: Wire) -> Replay:
    """What the capture holds up to now; its end is not known yet."""
    return Replay(wire.segments(), finish=False)


def test_an_answer_to_a_request_that_was_not_captured_is_held_until_the_client_has_it() -> None:
    wire = doubtful()
    assert replayed(wire).server == b""
    assert replayed(wire).connection.from_server.held == 1
    wire.ack()
    assert replayed(wire).server == REPLY
    assert replayed(wire).connection.from_server.held == 0


def test_it_counts_when_the_client_goes_on_behind_the_bytes_in_doubt() -> None:
    stale = doubtful().segments()[-1].seq
    assert replayed(doubtful().segment(Side.CLIENT, PSH | ACK, b"next", ack=stale)).server == REPLY


def test_it_counts_when_the_capture_ends() -> None:
    connection = Replay(doubtful().segments()).connection
    assert connection.from_server.captured == len(REPLY)
    assert connection.from_client.gap_bytes == len(UNSEEN)


def test_a_request_that_was_captured_after_its_answer() -> None:
    swapped = Wire().connect().client(HELLO, ack=False).server(REPLY, ack=False).swap().ack()
    assert replayed(swapped).server == REPLY
    assert Replay(swapped.segments()).connection.from_client.gap_bytes == 0


@pytest.mark.parametrize("last", [Wire.fin_client, Wire.rst_client])
def test_it_does_not_count_when_the_client_ends_before_the_bytes_in_doubt(last: object) -> None:
    forged = Wire().connect().client(HELLO)
    stale = forged.segments()[-1]
    forged.segment(Side.SERVER, PSH | ACK, REPLY, ack=stale.ack + 5000, advance=False)
    last(forged)  # type: ignore[operator]
    connection = Replay(forged.segments()).connection
    assert (connection.from_server.captured, connection.from_client.gap_bytes) == (0, 0)


def test_all_count_when_they_are_too_many() -> None:
    """The capture misses what the client sends, but for its handshake: nothing will ever show what it sent."""
    for data, most in ((b"x", held_segments.MAX_HELD_SEGMENTS), (b"x" * 5000, held_segments.MAX_HELD_BYTES // 5000)):
        wire = Wire().connect().client(HELLO).lose().client(UNSEEN, ack=False)
        for count in range(1, most + 5):
            wire.server(data, ack=False)
            assert replayed(wire).connection.from_server.held == (count if count <= most else 0)
        connection = replayed(wire).connection
        assert connection.from_server.captured == (most + 4) * len(data)
        assert (connection.from_server.out_of_order, connection.from_server.retransmissions) == (0, 0)


def test_nothing_is_held_behind_a_gap_that_is_known() -> None:
    wire = doubtful().ack().server(b"more", ack=False)
    assert replayed(wire).server == REPLY + b"more"


def test_as_long_as_an_answer_is_in_doubt_no_silence_is_concluded() -> None:
    asked = Wire().connect().client(HELLO)
    for wire, outcome in ((asked, Outcome.SILENT), (doubtful(), Outcome.UNPROVEN)):
        connection = replayed(wire).connection
        assert outcome_of(connection, Dialogue(), connection.last.time_ns + 60 * NANOSECONDS) is outcome


def test_a_capture_that_missed_much_goes_on_where_both_sides_do() -> None:
    far = direction.NEAR_DISTANCE + 1000
    wire = Wire().connect().client(HELLO).server(REPLY)
    wire.segment(Side.SERVER, PSH | ACK, b"first", seq_offset=far).ack().server(b"later").ack(after=1)
    assert b"later" in Replay(wire.segments()).server


def test_an_answer_is_found_all_the_same() -> None:
    assert only(doubtful().ack()).outcome is Outcome.REPLIED
