"""Streams that all stop at one moment are no quiet market; a market that closes, or a competing session, looks different."""

from __future__ import annotations

import ib_bytes
import pytest
from field.thread import session
from judging import Watch, codes, findings, judge
from rule_wires import asked, said, ticks
from wire import START_NS, Wire

from ibsniff.model import NANOSECONDS, Confidence, Fault, Finding, Severity

TIME = ib_bytes.text(178, 49, 1, 1_790_000_000)
TAKEN = said(10197, "No market data during competing live session", request=1)


def polled(wire: Wire, seconds: int) -> Wire:
    """The clock is asked for and answered every ten seconds."""
    for _ in range(0, seconds, 10):
        wire.client(ib_bytes.text(178, 49, 1), after=10.0).server(TIME)
    return wire


def ticking(*numbers: int, start: float = 0.0, seconds: int = 20) -> Wire:
    """Each of these subscriptions ticks once a second."""
    wire = session(Wire(start_ns=START_NS + round(start * NANOSECONDS)))
    for number in numbers:
        wire.client(asked("REQ_MKT_DATA", number))
    return going_on(wire, *numbers, seconds=seconds)


def going_on(wire: Wire, *numbers: int, seconds: int = 20) -> Wire:
    for _ in range(seconds):
        wire.server(b"".join(map(ticks, numbers)), after=1.0)
    return wire


def stopped(wire: Wire) -> Finding:
    (found,) = (one for one in findings(judge(wire)) if one.code == "IBS424")
    return found


def test_streams_that_stop_together_for_long_are_a_warning() -> None:
    found = stopped(polled(ticking(1, 2, 3), 700))
    assert (found.severity, found.fault, found.confidence) == (Severity.WARNING, Fault.UNDETERMINED, Confidence.LOW)
    assert "3 subscriptions (1, 2, 3) stopped at one moment, " in found.summary
    assert [other.fault for other in found.alternatives] == [Fault.TWS_STATE, Fault.UNDETERMINED]


def at_a_closing(seconds_off: float) -> Wire:
    """Their last tick comes so long after a full five minutes."""
    last = 300 - (START_NS // NANOSECONDS) % 300 + seconds_off
    return polled(ticking(1, 2, 3, start=last - 20.0), 700)


def one_by_one() -> Wire:
    wire = ticking(1, 2, 3)
    return polled(going_on(polled(going_on(polled(wire, 20), 2, 3), 20), 3), 700)


def others_tick() -> Wire:
    wire = ticking(1, 2, 3, 4)
    for _ in range(70):
        wire.client(ib_bytes.text(178, 49, 1), after=10.0).server(TIME + ticks(4))
    return wire


def client_did_not_read() -> Wire:
    return polled(ticking(1, 2, 3).ack(window=0).ack(after=17.0), 700)


QUIET = {
    "a market closes": lambda: at_a_closing(0.0),
    "a market closes, and the last trades are late": lambda: at_a_closing(6.0),
    "a market closes, and the last trades were a moment before": lambda: at_a_closing(-6.0),
    "two streams": lambda: polled(ticking(1, 2), 700),
    "one after the other": one_by_one,
    "another one ticks on": others_tick,
    "not for long enough": lambda: polled(ticking(1, 2, 3), 300),
    "the client did not read": client_did_not_read,
}


@pytest.mark.parametrize("why", QUIET)
def test_what_a_quiet_market_explains_stays_a_note(why: str) -> None:
    assert stopped(QUIET[why]()).severity is Severity.NOTE


def test_near_a_closing_and_not_at_it_is_a_warning() -> None:
    assert stopped(at_a_closing(30.0)).severity is Severity.WARNING


def test_one_stream_and_cancelled_streams_are_not_told() -> None:
    assert "IBS424" not in codes(judge(polled(ticking(1), 700)))
    wire = ticking(1, 2, 3)
    for number in (1, 2, 3):
        wire.client(ib_bytes.text(178, 2, 2, number))
    assert "IBS424" not in codes(judge(polled(wire, 700)))


def test_a_competing_session_and_the_silence_after_it_are_one_story() -> None:
    report = judge(polled(ticking(1, 2, 3).server(TAKEN, after=7.0), 700))
    (found,) = (one for one in findings(report) if one.code == "IBS411")
    assert "takes the market data (error 10197): 3 subscriptions brought nothing more after that" in found.summary
    assert found.severity is Severity.WARNING
    assert "IBS424" not in codes(report)


def competing(*again: int) -> Finding:
    """Another session takes the data of three streams; these have data again a minute later."""
    wire = ticking(1, 2, 3).server(TAKEN, after=7.0).wait(60.0)
    (found,) = (one for one in findings(judge(going_on(wire, *again, seconds=30))) if one.code == "IBS411")
    return found


def test_only_data_that_comes_again_ends_a_competing_session() -> None:
    over = competing(1, 2, 3)
    assert over.severity is Severity.NOTE
    assert "took the market data (error 10197); the data came again" in over.summary
    assert competing(1, 2).severity is Severity.WARNING, "the third brought nothing"


def test_a_stream_that_was_quiet_long_before_was_not_taken() -> None:
    wire = polled(ticking(1, 2, 3), 700).server(TAKEN, after=1.0)
    report = judge(polled(wire, 300), watch=Watch(ended=1.0))
    (found,) = (one for one in findings(report) if one.code == "IBS411")
    assert found.summary.endswith("takes the market data (error 10197).")
    assert "IBS424" in codes(report)
