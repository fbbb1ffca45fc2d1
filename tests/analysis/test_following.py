"""A live source's events become news, and the last report is the one a file would give."""

from __future__ import annotations

import pytest
from live_events import events
from memory import size_kept
from wire import START_NS, Wire

from ibsniff.analysis import tracking
from ibsniff.analysis.changes import Change, ChangeDetector
from ibsniff.analysis.following import Follower, Limits, Throttle, follow
from ibsniff.analysis.pipeline import Analysis
from ibsniff.capture.input_record import InputRecord
from ibsniff.model import NANOSECONDS, Outcome, Report, Rung, Tick
from ibsniff.net import segment

HELLO = b"API\0\0\0\0\x09v157..178"


class Screen:
    """Keeps what it is shown."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.reports: list[Report] = []
        self.said_quiet = 0

    def show(self, seen: Report, changes: list[Change]) -> None:
        self.reports.append(seen)
        self.changes += changes

    def quiet(self) -> None:
        self.said_quiet += 1


def watch(wire: Wire, watched: float, limits: Limits | None = None) -> tuple[Report, Screen]:
    record = InputRecord("lo", is_live=True)
    screen = Screen()
    report = follow(events(record, wire, watched), Follower(Analysis(record), screen, limits or Limits()))
    return report, screen


def test_silence_is_concluded_from_ticks_without_another_packet() -> None:
    report, screen = watch(Wire().connect().client(HELLO), watched=8, limits=Limits(until_verdict=True))
    (conversation,) = report.conversations
    assert conversation.outcome is Outcome.SILENT
    assert conversation.watched_until_ns - conversation.connection.first.time_ns < 6 * NANOSECONDS
    assert [change.code for change in screen.changes if change.type == "finding"] == ["IBS301"]


def test_the_news_come_in_order_and_once() -> None:
    _, screen = watch(Wire().connect().client(HELLO).fin_client(after=4.0), watched=6)
    said = [(change.type, change.conversation.rung) for change in screen.changes if change.type != "finding"]
    assert said[0][0] == "conversation"
    assert ("rung", Rung.GREETED) in said
    assert said[-1][0] == "outcome"
    assert len(said) == len(set(said))


def test_a_quiet_line_is_said_once_after_five_seconds() -> None:
    _, screen = watch(Wire(server="127.0.0.1:80").connect(), watched=12)
    assert screen.said_quiet == 1


def test_a_line_with_a_conversation_is_not_called_quiet() -> None:
    _, screen = watch(Wire().connect().client(HELLO), watched=12)
    assert screen.said_quiet == 0


def test_it_stops_after_a_number_of_packets() -> None:
    report, _ = watch(Wire().connect().client(HELLO), watched=8, limits=Limits(packets=2))
    assert report.inputs[0].packets == 2


def test_it_stops_after_a_time() -> None:
    report, _ = watch(Wire().connect().client(HELLO), watched=60, limits=Limits(seconds=2))
    watched = report.conversations[0].watched_until_ns - report.conversations[0].connection.first.time_ns
    assert 2 * NANOSECONDS <= watched < 3 * NANOSECONDS


def test_until_verdict_does_not_wait_for_a_session_that_was_joined() -> None:
    joined = Wire(client="127.0.0.1:40000").connect().server(b"\0\0\0\x064\x002\x001\0")
    joined_frames = joined.frames()[3:]
    fresh = Wire(client="127.0.0.1:50000", start_ns=joined_frames[-1].time_ns + NANOSECONDS).syn()
    record, screen = InputRecord("lo", is_live=True), Screen()
    refused = fresh.rst_server().frames()
    follower = Follower(Analysis(record), screen, Limits(until_verdict=True))
    report = follow([*joined_frames, *refused], follower)
    assert Outcome.REFUSED in {conversation.outcome for conversation in report.conversations}


def test_what_was_evicted_is_forgotten_and_never_mistaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """An evicted connection leaves its place in memory to the next, which must not be taken for it."""
    monkeypatch.setattr(tracking, "ALWAYS_KEPT", 1)
    monkeypatch.setattr(tracking, "MAX_CONVERSATIONS", 3)
    monkeypatch.setattr(segment, "MAX_FLOWS", 10)
    analysis = Analysis(InputRecord("x", is_live=True))
    detector, called, sizes = ChangeDetector(analysis), [], []
    for number in range(50):
        wire = Wire(client=f"127.0.0.1:{51_000 + number}", start_ns=START_NS + number * 10**9).syn().refuse()
        for frame in wire.frames():
            analysis.feed(frame)
        called += [change.conversation.id for change in detector.update() if change.type == "conversation"]
        sizes.append(size_kept(detector))
    assert max(sizes[25:]) <= 1.1 * max(sizes[5:25])
    assert called == [f"c{number}" for number in range(1, 51)]


def test_looking_takes_no_more_than_a_tenth_of_the_time() -> None:
    """With thousands of conversations a look takes long: packets must be taken all the same."""
    now = 0.0

    def clock() -> float:
        return now

    throttle, looks = Throttle(clock), []
    for step in range(10_000):
        now = max(now, step / 1000)
        if throttle.is_due(Tick(0)):
            looks.append(now)
            now += 0.05  # looking
            throttle.done()
    assert 19 <= len(looks) <= 21, "ten seconds, half a second apart"


def test_who_was_halted_while_it_looked_need_not_rest() -> None:
    """Ctrl-Z, a minute, fg: the screen must go on at once, and not ten minutes later."""
    now, worked = 100.0, 3.0
    throttle = Throttle(lambda: now, lambda: worked)
    assert throttle.is_due(Tick(0))
    now, worked = now + 60, worked + 0.001
    throttle.done()
    assert throttle.is_due(Tick(0))


def test_a_quick_look_is_taken_ten_times_a_second() -> None:
    throttle = Throttle()
    looks = 0
    for step in range(1000):
        if throttle.is_due(Tick(START_NS + step * 10_000_000)):
            looks += 1
            throttle.done()
    assert 90 <= looks <= 101


def test_packets_in_plenty_are_not_looked_at_one_by_one() -> None:
    wire = Wire().connect().client(HELLO)
    for _ in range(500):
        wire.ack(after=0.001)
    _, screen = watch(wire, watched=1)
    assert len(screen.reports) < 15


def test_a_silence_taken_back_is_news() -> None:
    late = Wire().connect().client(HELLO).wait(37).server(b"\0\0\0\x13178\x0020260105 09:30\0")
    _, screen = watch(late, watched=45)
    told = [(change.type, change.code or change.conversation.outcome) for change in screen.changes]
    assert told.index(("finding", "IBS301")) < told.index(("outcome", Outcome.REPLIED))
    (answered,) = (change for change in screen.changes if change.code == "IBS313")
    assert "37" in answered.text


def test_patience_is_the_users_to_give() -> None:
    record, screen = InputRecord("lo", is_live=True), Screen()
    follower = Follower(Analysis(record, patience=1.0), screen, Limits(until_verdict=True))
    report = follow(events(record, Wire().connect().client(HELLO), 30), follower)
    (conversation,) = report.conversations
    assert conversation.outcome is Outcome.SILENT
    assert conversation.watched_until_ns - conversation.connection.first.time_ns < 2 * NANOSECONDS
