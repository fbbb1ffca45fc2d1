"""The judgements that a live capture keeps are those that it would reach again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from ib_bytes import HELLO, READY, REPLY, START
from wire import Wire

from ibsniff.analysis import remembered
from ibsniff.analysis.judgement import judge
from ibsniff.analysis.noted_index import NotedIndex, Watched
from ibsniff.analysis.pipeline import Analysis
from ibsniff.analysis.remembered import Memory
from ibsniff.analysis.snapshot import Snapshot
from ibsniff.capture.files import open_capture
from ibsniff.capture.input_record import InputRecord
from ibsniff.model import NANOSECONDS, Finding, Frame, Report, Side, Tick
from ibsniff.rules import Rule, apply_rule
from ibsniff.rules.citations import Citations

SCENARIOS = sorted(Path(__file__).parents[2].glob("captures/*/*.pcap*"))
TICK_NS = NANOSECONDS // 2
MAX_TICKS = 12
"""Ticks in one pause: then the clock leaps to its end, as nobody looks at every second of an hour."""
LONG = 150
"""Packets from which on a capture has fewer of them, as it has more pauses."""
MAX_LOOKS = 50
"""Reports of one scenario."""


def as_live(frames: Sequence[Frame], looks: int = MAX_LOOKS) -> Iterator[tuple[Analysis, Report]]:
    """A report after each packet, or of many after some, and after each tick between them."""
    record = InputRecord("lo", is_live=True)
    analysis = Analysis(record)
    every = max(1, len(frames) // looks)
    last_ns = frames[0].time_ns if frames else 0
    ticks = MAX_TICKS if len(frames) < LONG else 2
    for number, frame in enumerate(frames):
        for tick_ns in range(last_ns + TICK_NS, min(frame.time_ns, last_ns + ticks * TICK_NS), TICK_NS):
            analysis.feed(Tick(tick_ns))
            yield analysis, analysis.report()
        record.add_packet(frame.time_ns)
        if number % 50 == 30:
            record.add_loss(frame.time_ns - TICK_NS, frame.time_ns, 1)
        analysis.feed(frame)
        last_ns = max(last_ns, frame.time_ns)
        if number % every == 0:
            yield analysis, analysis.report()
    for seconds in (1, 4, 6, 60, 3600):
        analysis.feed(Tick(last_ns + seconds * NANOSECONDS))
        yield analysis, analysis.report()
    analysis.finish()
    yield analysis, analysis.report()


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.parent.name)
def test_a_report_with_kept_judgements_is_that_of_all_rules(path: Path) -> None:
    with open_capture(str(path)) as captured:
        frames = list(captured.frames())
    for analysis, report in as_live(frames):
        assert report == judge([anew(analysis)])


def anew(analysis: Analysis) -> Snapshot:
    """The snapshot without anything that was kept."""
    snapshot, facts = analysis.snapshot(), analysis.facts
    tracked = analysis.tracker.api_conversations()
    conversations = tuple(analysis.conversation_now(one, facts) for one in tracked)
    return snapshot._replace(capture=snapshot.capture._replace(conversations=conversations))


def loop(attempts: int) -> list[Frame]:
    """A program that tries again every five seconds, beside a session that goes on; both with the same TWS."""
    session = Wire("127.0.0.1:40000").connect().client(HELLO).server(REPLY).client(START).server(READY)
    wires = [session]
    for number in range(attempts):
        began_ns = session.frames()[0].time_ns + (number + 1) * 5 * NANOSECONDS
        tried = Wire(f"127.0.0.1:{50000 + number}", start_ns=began_ns).connect().client(HELLO).ack(Side.SERVER)
        wires.append(tried.fin_client(after=4))
    return Wire.merge(*wires).frames()


class Asked:
    """Counts how often rules are asked about a conversation."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        monkeypatch.setattr(remembered, "apply_rule", self.ask)

    def ask(self, rule: Rule, conversation: Watched, index: NotedIndex, citations: Citations) -> Finding | None:
        self.count += 1
        return apply_rule(rule, conversation, index, citations)


def test_rules_are_not_asked_again_about_what_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    analyses = [analysis for analysis, _ in as_live(loop(20))]
    before = asked.count
    analyses[-1].report()
    assert asked.count == before


def clock_steps_back(analysis: Analysis) -> None:
    last_ns = analysis.record.facts().last_time_ns or 0
    analysis.record.add_packet(last_ns - 10 * NANOSECONDS)


def interface_disappears(analysis: Analysis) -> None:
    analysis.record.lose_interface("lo has gone")


@pytest.mark.parametrize("happens", [clock_steps_back, interface_disappears])
def test_what_happens_to_the_capture_counts_for_what_has_ended(happens: Callable[[Analysis], None]) -> None:
    *_, (analysis, _) = as_live(loop(3))
    before = analysis.report()
    happens(analysis)
    after = analysis.report()
    assert after == judge([anew(analysis)])
    if happens is clock_steps_back:
        assert {one.confidence for one in before.conversations} != {one.confidence for one in after.conversations}


def test_evicted_conversations_are_forgotten() -> None:
    memory = Memory()
    *_, (analysis, _) = as_live(loop(3))
    capture = analysis.snapshot().capture
    memory.judged(capture)
    memory.judged(capture._replace(conversations=capture.conversations[2:]))
    assert sorted(memory.remembered) == ["c3", "c4"]


def test_a_file_keeps_no_judgements() -> None:
    analysis = Analysis(InputRecord("x"))
    for frame in loop(2):
        analysis.feed(frame)
    analysis.report()
    assert analysis.memory is None
