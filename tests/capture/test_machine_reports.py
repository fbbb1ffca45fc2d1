from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import endpoint

from ibsniff.capture.files import open_capture
from ibsniff.capture.input_record import MAX_MACHINE_REPORTS, InputRecord
from ibsniff.capture.machine_reports import MAX_PROGRAM, MAX_TOLD, MachineNews, as_comment, is_news, parse_comment
from ibsniff.capture.writer import PcapngWriter
from ibsniff.model import MachineReport, Side, WireText

CLIENT, SERVER = endpoint("127.0.0.1:50123"), endpoint("127.0.0.1:7497")
SEEN = MachineReport(10**18, CLIENT, SERVER, Side.SERVER, 1234, WireText("java"), 3, 2, 17)


def as_text(report: MachineReport | None) -> object:
    """With the program as a text that can be compared."""
    assert report is not None
    return report._replace(program=None), report.program and report.program.unmasked


def test_a_report_is_a_comment_that_can_be_read_in_wireshark() -> None:
    assert as_comment(SEEN) == (
        "process: 127.0.0.1:50123 to 127.0.0.1:7497, server end, process 1234, close-wait 3, accept-queue 2, unread 17, "
        "program java"
    )


numbers = st.none() | st.integers(0, 10**12)


@given(
    st.builds(
        MachineReport,
        st.just(7),
        st.sampled_from([CLIENT, endpoint("[2001:db8::1]:50123")]),
        st.sampled_from([SERVER, endpoint("[::1]:7497")]),
        st.sampled_from(Side),
        numbers,
        st.none() | st.text(min_size=1, max_size=MAX_PROGRAM).filter(lambda text: text != "unknown").map(WireText),
        st.integers(0, 10**12),
        numbers,
        numbers,
    )
)
def test_what_is_written_is_read_again(report: MachineReport) -> None:
    assert as_text(parse_comment(as_comment(report), 7)) == as_text(report)


@pytest.mark.parametrize(
    "comment",
    [
        "process: ",
        as_comment(SEEN).replace("3", "x"),
        as_comment(SEEN).replace("127.0.0.1", "127.0.0.999"),
        as_comment(SEEN).replace("7497", "99999"),
        as_comment(SEEN).replace("server end", "other end"),
        as_comment(SEEN) + "x" * 200,
    ],
)
def test_other_comments_are_none(comment: str) -> None:
    assert parse_comment(comment, 7) is None


def test_a_file_keeps_the_reports_with_their_times(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    with path.open("wb") as file:
        writer = PcapngWriter(file, [("lo", 1)])
        for number in range(300):
            writer.comment(0, SEEN.time_ns + number, as_comment(SEEN._replace(close_wait=number)))
        writer.flush()
    with open_capture(str(path)) as capture:
        assert list(capture.frames()) == []
    (report,) = capture.facts.machine_reports
    assert as_text(report) == as_text(SEEN._replace(time_ns=SEEN.time_ns + 299, close_wait=299))


def test_the_reports_that_are_kept_are_bounded() -> None:
    record = InputRecord("x")
    for port in range(MAX_MACHINE_REPORTS + 5):
        record.add_machine_report(SEEN._replace(client=CLIENT._replace(port=port)))
    kept = record.facts().machine_reports
    assert [report.client.port for report in (kept[0], kept[-1])] == [5, MAX_MACHINE_REPORTS + 4]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"close_wait": 4}, False),
        ({"close_wait": 6}, True),
        ({"close_wait": 0}, True),
        ({"accept_queue": None}, True),
        ({"unread": 18}, False),
        ({"process": 5}, True),
    ],
)
def test_small_changes_are_no_news(changes: dict[str, int | None], expected: bool) -> None:
    assert is_news(SEEN, SEEN._replace(**changes)) is expected  # type: ignore[arg-type]
    assert is_news(None, SEEN)


def test_news_about_one_end_are_bounded_and_evicted_ends_are_forgotten() -> None:
    news, present = MachineNews(), {(CLIENT, SERVER)}
    told = [news.select([SEEN._replace(close_wait=number % 2)], present) for number in range(100)]
    assert sum(map(len, told)) == MAX_TOLD
    assert news.select([], set()) == []
    assert news.select([SEEN], present) == [SEEN]
