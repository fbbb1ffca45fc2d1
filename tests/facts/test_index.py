"""What is found out once about a capture dies with the judgement, and is the same however often it is asked."""

from __future__ import annotations

import gc
import weakref

import pytest
from ib_bytes import HELLO
from judging import judge
from rule_wires import session, silent
from wire import START_NS, Wire, endpoint

from ibsniff.analysis import judgement
from ibsniff.facts.index import CaptureIndex
from ibsniff.model import Capture, Connection, Conversation

CLIENT = "10.98.76.54"
"""It occurs in no other test: what is left of its connections was left by this one."""


def wires() -> list[Wire]:
    """A session, a silence, a refusal and a broken hello: rules ask for most of what an index knows."""
    starts = [Wire(f"{CLIENT}:{50_000 + n}", "10.98.76.1:7497", start_ns=START_NS + n * 10**11) for n in range(4)]
    session(starts[0])
    silent(starts[1])
    starts[2].syn().refuse()
    silent(starts[3], HELLO[:6])
    return starts


def left_over() -> list[object]:
    """What is still kept in memory of that client's connections."""
    gc.collect()
    address = endpoint(CLIENT + ":1").address
    kept = [one for one in gc.get_objects() if isinstance(one, Connection | Conversation | Capture | CaptureIndex)]
    return [one for one in kept if _is_of(one, address)]


def _is_of(one: object, address: bytes) -> bool:
    match one:
        case Connection():
            return one.client.address == address
        case Conversation():
            return one.connection.client.address == address
        case Capture() | CaptureIndex():
            return any(_is_of(conversation, address) for conversation in one.conversations)
    return False


def test_nothing_keeps_a_capture_alive_when_its_report_is_dropped() -> None:
    report = judge(*wires())
    assert {finding.code for one in report.conversations for finding in one.findings} >= {"IBS102", "IBS204", "IBS302"}
    assert left_over(), "the report holds its conversations"
    del report
    assert left_over() == []


def test_no_index_outlives_the_judgement(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[CaptureIndex]] = []

    class Watched(CaptureIndex):
        def __init__(self, capture: Capture) -> None:
            super().__init__(capture)
            made.append(weakref.ref(self))

    monkeypatch.setattr(judgement, "CaptureIndex", Watched)
    report = judge(*wires())
    gc.collect()
    assert made
    assert [index() for index in made] == [None] * len(made)
    assert report.conversations


def test_what_is_kept_is_noticed() -> None:
    """The test above would see a cache that holds a capture."""
    cache = [judge(*wires()).conversations[0]]
    assert left_over()
    cache.clear()
    assert left_over() == []
