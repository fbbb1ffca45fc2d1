from __future__ import annotations

import pytest
from judging import Watch, judge
from wire import Wire

from ibsniff.analysis.pipeline import Analysis
from ibsniff.ib.names import CLIENT_LIBRARIES, LEGACY_CLIENTS
from ibsniff.ib.patience import LIBRARY_PATIENCE, patience_for
from ibsniff.model import PATIENCE, Dialect, Hello, Moment, Outcome

NOW = Moment(1, 0)


def hello(low: int | None, high: int | None, dialect: Dialect = Dialect.V100PLUS) -> Hello:
    return Hello(dialect, b"", (1,), NOW, NOW, low, high)


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        (hello(157, 178), 4.0),
        (hello(157, 176), 4.0),
        (hello(None, 47, Dialect.LEGACY), 5.0),
        (hello(None, 63, Dialect.LEGACY), PATIENCE),
        (hello(100, 187), PATIENCE),
        (hello(100, 999), PATIENCE),
        (hello(157, 178, Dialect.BAD_LENGTH), PATIENCE),
        (None, PATIENCE),
    ],
)
def test_a_library_is_no_more_patient_than_its_default(sent: Hello | None, seconds: float) -> None:
    assert patience_for(sent) == seconds


def test_the_timeout_given_by_the_user_counts_more() -> None:
    assert patience_for(hello(157, 178), 30.0) == 30.0
    assert patience_for(None, 0.5) == 0.5


def test_every_library_of_the_table_is_known_by_its_hello() -> None:
    known = [*CLIENT_LIBRARIES.values(), *LEGACY_CLIENTS.values()]
    for library in LIBRARY_PATIENCE:
        assert any(name.startswith(library) for name in known), library


IB_ASYNC, OFFICIAL = b"API\0\0\0\0\x09v157..178", b"API\0\0\0\0\x09v100..187"


@pytest.mark.parametrize(
    ("sent", "ended", "outcome"),
    [
        (IB_ASYNC, 3.9, Outcome.UNPROVEN),
        (IB_ASYNC, 4.1, Outcome.SILENT),
        (OFFICIAL, 4.1, Outcome.UNPROVEN),
        (OFFICIAL, 5.1, Outcome.SILENT),
    ],
)
def test_a_server_is_silent_when_the_library_would_have_given_up(sent: bytes, ended: float, outcome: Outcome) -> None:
    (conversation,) = judge(Wire().connect().client(sent), watch=Watch(ended=ended)).conversations
    assert conversation.outcome is outcome


@pytest.mark.parametrize(("given", "outcome"), [(1.0, Outcome.SILENT), (30.0, Outcome.UNPROVEN)])
def test_an_analysis_uses_and_reports_the_timeout_given_by_the_user(given: float, outcome: Outcome) -> None:
    frames = Wire().connect().client(IB_ASYNC).frames()
    analysis = Analysis(Watch(ended=10.0).record(frames), patience=given)
    analysis.run(frames)
    (conversation,) = analysis.report().conversations
    assert (conversation.outcome, conversation.patience) == (outcome, given)
    if outcome is Outcome.UNPROVEN:
        assert "A capture of 30 s or more" in conversation.summary


def test_a_reply_after_the_patience_changes_the_verdict() -> None:
    late = Wire().connect().client(IB_ASYNC).wait(37).server(b"\0\0\0\x0d178\x0020260105\0")
    (conversation,) = judge(late, watch=Watch(ended=1.0)).conversations
    assert conversation.outcome is Outcome.REPLIED
    assert {found.code for found in conversation.findings} >= {"IBS313"}
