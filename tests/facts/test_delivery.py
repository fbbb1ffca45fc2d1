"""When bytes count as lost on the way: repeated or missing, and still asked for by the other side."""

from __future__ import annotations

import ib_bytes
import pytest
from ib_bytes import READY, REPLY
from judging import Watch, judge
from rule_wires import local, remote, resent, session, started, text
from wire import Wire

from ibsniff.analysis.changes import ChangeDetector
from ibsniff.analysis.pipeline import Analysis
from ibsniff.facts.delivery import lost_bytes, unacknowledged, undelivered
from ibsniff.model import ACK, RST, Connection, Rung, Side

TICK = text("1", "1")
BEFORE_READY = 900_001 + len(REPLY)


def connection_of(wire: Wire) -> Connection:
    return judge(wire).conversations[0].connection


def ticking(repeats: int) -> Wire:
    return resent(session(remote()).server(TICK, ack=False), repeats)


def test_bytes_repeated_for_three_seconds_are_unacknowledged_but_not_proved_to_be_lost() -> None:
    connection = connection_of(ticking(4))
    stall = unacknowledged(connection, Side.SERVER)
    assert stall is not None
    assert (stall.repeats, stall.since.packet) == (
        4,
        connection.from_server.segments + connection.from_client.segments - 4,
    )
    assert undelivered(connection, Side.SERVER) is None
    assert unacknowledged(connection, Side.CLIENT) is None


def test_a_shorter_row_of_repeats_is_no_evidence() -> None:
    assert unacknowledged(connection_of(ticking(3)), Side.SERVER) is None
    assert (
        unacknowledged(connection_of(session(remote()).server(TICK, ack=False).again(after=9.0)), Side.SERVER) is None
    )


def test_a_later_packet_that_still_asks_for_them_proves_that_they_were_lost() -> None:
    asks = ticking(4).segment(Side.CLIENT, ack=BEFORE_READY + len(READY), after=0.1)
    assert undelivered(connection_of(asks), Side.SERVER) is not None


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(lambda wire: wire.ack(after=0.1), id="acknowledged after all"),
        pytest.param(lambda wire: wire.ack(window=0, after=0.1), id="acknowledged, window closed"),
        pytest.param(
            lambda wire: wire.segment(Side.CLIENT, ACK, ack=BEFORE_READY + len(READY), window=0), id="window closed"
        ),
    ],
)
def test_an_acknowledgment_or_a_closed_window_takes_the_evidence_back(after: object) -> None:
    assert unacknowledged(connection_of(after(ticking(5))), Side.SERVER) is None  # type: ignore[operator]


def test_a_reset_does_not_ask_for_anything() -> None:
    reset = ticking(4).segment(Side.CLIENT, RST | ACK, ack=BEFORE_READY + len(READY), after=0.1)
    assert undelivered(connection_of(reset), Side.SERVER) is None


def test_a_hole_that_is_still_asked_for_is_a_loss_on_the_way_and_an_acknowledged_one_is_not() -> None:
    ahead = session(remote()).segment(Side.SERVER, data=TICK, seq_offset=500, advance=False).ack()
    assert lost_bytes(connection_of(ahead.ack(after=2.0)), Side.SERVER) == 500
    early = session(remote()).segment(Side.SERVER, data=TICK, seq_offset=500, advance=False).ack().ack(after=0.2)
    assert lost_bytes(connection_of(early), Side.SERVER) == 0
    missed = session(remote()).lose().server(b"x" * 500, ack=False).server(TICK).ack(after=2.0)
    assert lost_bytes(connection_of(missed), Side.SERVER) == 0


def test_ready_is_ticked_at_sight_and_taken_back_when_it_was_not_received() -> None:
    wire = resent(started(remote()).server(READY, ack=False)).segment(Side.CLIENT, ack=BEFORE_READY, after=0.1)
    frames = wire.frames()
    analysis = Analysis(Watch().record(frames))
    detector = ChangeDetector(analysis)
    rungs = []
    for frame in frames:
        analysis.feed(frame)
        rungs += [change.text for change in detector.update() if change.type == "rung"]
    assert rungs[-2:] == [Rung.READY, Rung.STARTED]


def test_what_came_before_ready_being_acknowledged_leaves_it_ready() -> None:
    wire = resent(session(local()).server(ib_bytes.error(178, 2104, "OK"), ack=False))
    (conversation,) = judge(wire.segment(Side.CLIENT, ack=BEFORE_READY + len(READY), after=0.1)).conversations
    assert conversation.rung is Rung.READY
