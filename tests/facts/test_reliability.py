"""Whatever takes the weight from a silence takes the surety from whoever is blamed for it, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from ib_bytes import HELLO
from judging import Watch, codes, judge, only
from rule_wires import CASES, LONG, local, remote, silent

from ibsniff.analysis.api_traffic import Ports
from ibsniff.analysis.reading import read_files
from ibsniff.capture.files import STILL_BEING_WRITTEN, open_capture
from ibsniff.model import Confidence, Fault, Outcome, Side

DOUBTS: dict[str, tuple[Watch, str]] = {
    "time backwards": (Watch(times_backwards=1), "IBS010"),
    "no time": (Watch(untimed=1), "IBS015"),
    "another link": (Watch(skipped={"link type 127 (IEEE802_11_RADIOTAP) is not read": 1}), "IBS016"),
}
SILENT = {
    "silent": lambda: silent(local()),
    "silent from afar": lambda: silent(remote()),
    "never answered": lambda: remote().syn().syn(after=1).syn(after=2),
    "never asked": lambda: local().connect().fin_client(after=6),
    "broken hello": lambda: silent(local(), b"API\0\0\0\0\x08v100.200"),
}


@pytest.mark.parametrize("doubt", DOUBTS)
@pytest.mark.parametrize("wire", SILENT)
def test_a_doubt_lowers_the_confidence_and_is_reported(wire: str, doubt: str) -> None:
    watch, code = DOUBTS[doubt]
    sure = only(SILENT[wire]())
    assert sure.cause is not None
    assert sure.confidence is not Confidence.LOW
    report = judge(SILENT[wire](), watch=watch)
    (doubted,) = report.conversations
    assert (doubted.outcome, doubted.fault) == (sure.outcome, sure.fault)
    assert doubted.fault not in (Fault.NONE, Fault.UNDETERMINED)
    assert doubted.confidence is Confidence.LOW
    assert report.verdict is not None
    assert report.verdict.confidence is Confidence.LOW
    assert code in codes(report)


def test_silence_across_a_leap_is_a_guess() -> None:
    report = judge(CASES["a clock that leaps"].wire)
    assert report.verdict is not None
    assert (report.verdict.outcome, report.verdict.confidence) == (Outcome.SILENT, Confidence.LOW)
    proved = judge(CASES["hours of quiet, proved before"].wire)
    assert proved.verdict is not None
    assert proved.verdict.confidence is Confidence.MEDIUM


def test_silence_whose_end_was_cut_off_is_a_guess() -> None:
    open_end = local().connect().client(HELLO)
    cut = Watch(ended=6, truncated="it ends inside a packet")
    assert only(open_end, cut).confidence is Confidence.LOW
    assert only(open_end, LONG).confidence is Confidence.MEDIUM
    ended = only(silent(local()), Watch(truncated="it ends inside a packet"))
    assert ended.confidence is Confidence.MEDIUM, "the client had left by then"


@pytest.mark.parametrize("doubt", DOUBTS)
def test_what_was_captured_is_not_in_doubt(doubt: str) -> None:
    for name in ("refused", "rejected", "id in use", "too old", "HTTP answers"):
        sure, doubted = only(CASES[name].wire, CASES[name].watch), only(CASES[name].wire, DOUBTS[doubt][0])
        assert sure.confidence is doubted.confidence, name


def test_only_a_reliable_clock_distinguishes_a_relay_from_tws() -> None:
    wire = local().connect().fin_server(after=0.001)
    assert only(wire).confidence is Confidence.MEDIUM
    assert only(wire, Watch(times_backwards=1)).confidence is Confidence.LOW


# -- a file that is still written to ----------------------------------------------------------------------------------


def test_a_file_that_grows_while_it_is_read_is_reported(tmp_path: Path) -> None:
    path = local().connect().client(HELLO).write(tmp_path / "grows.pcap")
    whole = path.read_bytes()
    with open_capture(str(path)) as capture:
        frames = capture.frames()
        first = next(frames)
        with path.open("ab") as more:
            more.write(whole[24:50])
        numbers = [first.number, *(frame.number for frame in frames)]
    assert numbers == [1, 2, 3, 4, 5]
    assert capture.facts.truncated is not None
    assert "ends inside" in capture.facts.truncated
    assert capture.facts.truncated.endswith(STILL_BEING_WRITTEN)


def test_a_file_whose_last_packet_is_partly_written_is_read_so_far(tmp_path: Path) -> None:
    path = local().connect().client(HELLO).ack(Side.SERVER).write(tmp_path / "part.pcap")
    path.write_bytes(path.read_bytes()[:-7])
    reading = read_files([str(path)], Ports(), "+60")
    assert "IBS002" in codes(reading.report)
    (conversation,) = reading.report.conversations
    assert conversation.outcome is Outcome.SILENT
    assert conversation.confidence is Confidence.LOW, "the packet that was cut may be the answer"


def test_every_packet_twice_changes_nothing_else() -> None:
    for name in ("silent", "refused", "hung up", "id in use"):
        wire = CASES[name].wire
        once, twice = only(wire, CASES[name].watch), only(wire.doubled(), CASES[name].watch)
        assert (once.outcome, once.fault, once.confidence) == (twice.outcome, twice.fault, twice.confidence)
