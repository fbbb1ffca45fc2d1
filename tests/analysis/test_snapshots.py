"""A report is a value: whatever comes after it was given changes nothing of it, and asking for one changes nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import ib_bytes
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ib_bytes import HELLO, READY, REPLY, START
from lanes.both import Scale, scaled
from lanes.generated import Trouble, capture
from rule_wires import CASES
from wire import Wire

from ibsniff.analysis.pipeline import Analysis
from ibsniff.analysis.tracking import ConversationTracker, Tracked
from ibsniff.capture.files import open_capture
from ibsniff.capture.input_record import InputRecord
from ibsniff.model import NANOSECONDS, Connection, Dialogue, ErrorTally, Frame, Half, Lane, Report, Tick
from ibsniff.render.document import document

CAPTURES = sorted((Path(__file__).parents[2] / "captures").glob("*/capture.pcap*"))

Step = Callable[[InputRecord, Analysis], object]
"""One thing that happens to an analysis and to the record of its input."""


def frame_comes(frame: Frame, record: InputRecord, analysis: Analysis) -> None:
    record.add_packet(frame.time_ns)
    analysis.feed(frame)


def time_passes(time_ns: int, _record: InputRecord, analysis: Analysis) -> None:
    analysis.feed(Tick(time_ns))


def it_ends(_record: InputRecord, analysis: Analysis) -> None:
    analysis.finish()


def live(frames: Sequence[Frame]) -> list[Step]:
    """As a live source gives them: frame by frame, then ten quiet seconds, then the end."""
    steps: list[Step] = [partial(frame_comes, frame) for frame in frames]
    return [*steps, partial(time_passes, frames[-1].time_ns + 10 * NANOSECONDS), it_ends] if frames else [it_ends]


def as_document(report: Report) -> str:
    """What it says to others."""
    return json.dumps(document(report, "0"))


MAX_REPORTS = 80
"""On one capture: after every packet, or after every second or third one of a long capture."""


def reports(steps: list[Step], at_most: int | None = None) -> Iterator[Report]:
    """A report after each step, or after as many of them as are asked for."""
    record = InputRecord("x", is_live=True)
    analysis = Analysis(record)
    every = 1 if at_most is None else max(1, -(-len(steps) // at_most))
    for number, step in enumerate(steps, 1):
        step(record, analysis)
        if number % every == 0 or number == len(steps):
            yield analysis.report()


def changed_later(steps: list[Step], written: Callable[[Report], str] = repr, at_most: int | None = None) -> list[int]:
    """Which of the reports that were given the later steps have changed."""
    given = [(report, written(report)) for report in reports(steps, at_most)]
    return [number for number, (report, before) in enumerate(given) if written(report) != before]


def changed_by_asking(steps: list[Step]) -> list[int]:
    """After which steps a report is another one because some were given before."""
    differing = []
    for number, report in enumerate(reports(steps)):
        record = InputRecord("x", is_live=True)
        alone = Analysis(record)
        for step in steps[: number + 1]:
            step(record, alone)
        if repr(alone.report()) != repr(report):
            differing.append(number)
    return differing


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.parent.name)
def test_a_report_on_the_first_packets_of_a_capture_never_changes(path: Path) -> None:
    with open_capture(str(path)) as source:
        frames = list(source.frames())
    assert changed_later(live(frames), as_document, MAX_REPORTS) == []


@pytest.mark.parametrize("name", CASES)
def test_a_report_depends_on_the_packets_alone(name: str) -> None:
    steps = live(CASES[name].wire.frames())
    assert changed_later(steps) == []
    assert changed_by_asking(steps) == []


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**32),
    troubles=st.frozensets(st.sampled_from([one for one in Trouble if one is not Trouble.FLIPPED]), max_size=12),
    conversations=st.sampled_from([3, 5, 2000]),
)
def test_the_same_of_columns(seed: int, troubles: frozenset[Trouble], conversations: int) -> None:
    """But for captures with flipped bits, some of which cannot be read at all."""
    content = capture(seed, troubles, steps=40)
    with scaled(Scale(columns_read_size=997, conversations=conversations, always_kept=1)):
        given = [(report, repr(report)) for report in while_reading(content)]
        (last,) = while_reading(content, only_last=True)
    assert [before for _, before in given] == [repr(report) for report, _ in given]
    assert given[-1][1] == repr(last)


def while_reading(content: bytes, *, only_last: bool = False) -> Iterator[Report]:
    """Reports on what was read so far, and the last."""
    with open_capture("-", io.BytesIO(content)) as source:
        analysis = Analysis(source.record)
        for packets in source.packets(Lane.COLUMNS):
            analysis.feed(packets)
            if not only_last:
                yield analysis.report()
        analysis.finish()
        yield analysis.report()


# -- the tests above bite ---------------------------------------------------------------------------------------------


def eventful() -> list[Step]:
    """Of everything that a report holds, something changes."""
    wire = Wire().connect().client(HELLO).server(REPLY).client(START).server(READY)
    for _ in range(2):
        wire.server(ib_bytes.error(178, 2104, "usfarm")).ack()
    return live(wire.lose().server(READY, ack=False).ack().close().frames())


@pytest.mark.parametrize("kind", [Connection, Half, Dialogue, ErrorTally])
def test_a_part_that_is_not_copied_would_be_noticed(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    assert changed_later(eventful()) == []
    monkeypatch.setattr(kind, "copy", lambda self: self)
    assert changed_later(eventful()) != []


def test_a_change_that_is_missed_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def changing(self: ConversationTracker, connection: Connection) -> Tracked | None:
        return next((each for each in self.api_conversations() if each.connection is connection), None)

    assert changed_by_asking(eventful()) == []
    monkeypatch.setattr(ConversationTracker, "changing", changing)
    assert changed_by_asking(eventful()) != []
