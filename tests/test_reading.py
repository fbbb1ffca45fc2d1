"""From files to a report: ports, the user's word on time, and files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from wire import START_NS, Wire

from ibsniff.model import NANOSECONDS, Confidence, ExitCode, InputFacts, Outcome, UserError, WatchedBy
from ibsniff.pipeline import API_PORTS
from ibsniff.reading import Ports, parse_ports, parse_watched_until, read_files

HELLO = b"API\0\0\0\0\x09v100..187"


def hanging(path: Path) -> Path:
    """A client that says hello and still waits when the capture ends."""
    Wire().connect().client(HELLO).write(path)
    return path


def test_named_ports_are_added_to_the_usual_ones() -> None:
    assert parse_ports(["5555", "7777"]).api == API_PORTS | {5555, 7777}
    assert parse_ports([]).filter == API_PORTS


def test_any_looks_everywhere_and_still_knows_the_usual_ports() -> None:
    ports = parse_ports(["any", "5555"])
    assert ports.filter is None
    assert 5555 in ports.api


@pytest.mark.parametrize("text", ["0", "65536", "-1", "x", "", "7497 ", "\N{ARABIC-INDIC DIGIT SEVEN}"])
def test_what_is_no_port_is_a_usage_error(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_ports([text])
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_classic_pcap_that_stops_early_proves_no_silence_until_the_user_vouches(tmp_path: Path) -> None:
    path = str(hanging(tmp_path / "a.pcap"))
    (unproven,) = read_files([path], Ports()).report.conversations
    assert unproven.outcome is Outcome.UNPROVEN
    (vouched,) = read_files([path], Ports(), "+10").report.conversations
    assert vouched.outcome is Outcome.SILENT
    assert vouched.confidence is not Confidence.HIGH
    assert vouched.watched_by is WatchedBy.USER


def test_a_pcapng_end_time_proves_silence_without_a_word_of_the_user(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    Wire().connect().client(HELLO).write(path, ended=8.0)
    (conversation,) = read_files([str(path)], Ports()).report.conversations
    assert conversation.outcome is Outcome.SILENT


def test_the_users_word_never_shortens_what_the_capture_says() -> None:
    facts = InputFacts("x", last_time_ns=START_NS, watched_until_ns=START_NS + 9 * NANOSECONDS)
    parse_watched_until("+3")(facts)
    assert facts.watched_until_ns == START_NS + 9 * NANOSECONDS
    assert facts.watched_by is not WatchedBy.USER


@pytest.mark.parametrize("text", ["2026-09-21T14:13:30Z", "2026-09-21T14:13:30", "2026-09-21T16:13:30+02:00"])
def test_a_time_is_utc_unless_it_says_otherwise(text: str) -> None:
    facts = InputFacts("x", last_time_ns=START_NS, watched_until_ns=START_NS)
    parse_watched_until(text)(facts)
    assert facts.watched_until_ns == START_NS + 10 * NANOSECONDS


@pytest.mark.parametrize("text", ["", "10", "+", "+x", "yesterday"])
def test_what_is_no_time_is_a_usage_error(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_watched_until(text)
    assert caught.value.exit_code is ExitCode.USAGE


def test_an_unreadable_file_harms_no_other(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pcap"
    bad.write_text("not a capture\n")
    reading = read_files([str(bad), str(hanging(tmp_path / "a.pcap"))], Ports())
    assert [error.exit_code for error in reading.unreadable] == [ExitCode.INPUT]
    assert len(reading.report.conversations) == 1


def test_conversations_of_several_files_have_ids_of_their_own(tmp_path: Path) -> None:
    paths = [str(hanging(tmp_path / name)) for name in ("a.pcap", "b.pcap")]
    report = read_files(paths, Ports()).report
    assert [(one.id, one.input) for one in report.conversations] == [("c1", 0), ("c2", 1)]
