"""From files to a report: ports, the user's word on time, and files that cannot be read."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import START_NS, Wire

from ibsniff.analysis.api_traffic import API_PORTS, Ports, parse_ports
from ibsniff.analysis.judgement import judge
from ibsniff.analysis.reading import InputReader, collect, collect_in_file, in_packet_order, read_files
from ibsniff.analysis.reading_progress import ReadingProgress
from ibsniff.analysis.snapshot import Snapshot
from ibsniff.analysis.watched_until import parse_watched_until
from ibsniff.capture.input_record import InputRecord
from ibsniff.model import NANOSECONDS, Confidence, Conversation, ExitCode, Outcome, UserError, WatchedBy

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
    record = InputRecord("x")
    record.add_packet(START_NS)
    record.end(START_NS + 9 * NANOSECONDS)
    parse_watched_until("+3").apply_to(record)
    facts = record.facts()
    assert facts.watched_until_ns == START_NS + 9 * NANOSECONDS
    assert facts.notes == ("--watched-until is earlier than the known end of the capture and is ignored",)
    assert facts.watched_by is not WatchedBy.USER


@pytest.mark.parametrize("text", ["2026-09-21T14:13:30Z", "2026-09-21T14:13:30", "2026-09-21T16:13:30+02:00"])
def test_a_time_is_utc_unless_it_says_otherwise(text: str) -> None:
    record = InputRecord("x")
    record.add_packet(START_NS)
    parse_watched_until(text).apply_to(record)
    assert record.facts().watched_until_ns == START_NS + 10 * NANOSECONDS


@pytest.mark.parametrize("text", ["", "10", "+", "+x", "+" + "9" * 400, "yesterday"])
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


# -- pieces of one capture ---------------------------------------------------------------------------------------------


def test_ring_files_are_read_in_the_order_of_their_packets(tmp_path: Path) -> None:
    for name, start in (("b", 0), ("c", 60), ("a", 120)):
        Wire(start_ns=START_NS + start * NANOSECONDS).connect().write(tmp_path / name)
    (tmp_path / "empty").write_bytes((tmp_path / "a").read_bytes()[:24])
    paths = [str(tmp_path / name) for name in ("a", "b", "c", "empty")]
    assert [Path(path).name for path in in_packet_order(paths)] == ["empty", "b", "c", "a"]


@given(cuts=st.sets(st.integers(0, 12), max_size=4), shuffled=st.randoms(use_true_random=False))
def test_a_capture_cut_into_pieces_is_joined_again(
    tmp_path_factory: pytest.TempPathFactory, cuts: set[int], shuffled: Random
) -> None:
    folder = tmp_path_factory.mktemp("pieces")
    Wire().connect().client(HELLO).wait(1.0).server(b"\0\0\0\x1a178\x0020260105 09:30:00 EST\0").close().write(
        folder / "whole.pcap"
    )
    header, records = _taken_apart((folder / "whole.pcap").read_bytes())
    places = [0, *sorted(cut for cut in cuts if 0 < cut < len(records)), len(records)]
    names = [str(folder / str(number)) for number in range(len(places) - 1)]
    for name, start, stop in zip(names, places, places[1:], strict=False):
        Path(name).write_bytes(header + b"".join(records[start:stop]))
    shuffled.shuffle(names)
    joined = judge([InputReader().read_joined(names)])
    whole = read_files([str(folder / "whole.pcap")], Ports()).report
    assert joined.conversations == whole.conversations
    assert replace(joined.inputs[0], path="") == replace(whole.inputs[0], path="")


def _taken_apart(capture: bytes) -> tuple[bytes, list[bytes]]:
    """The file header of a little-endian pcap, and its records."""
    records, at = [], 24
    while at < len(capture):
        end = at + 16 + int.from_bytes(capture[at + 8 : at + 12], "little")
        records.append(capture[at:end])
        at = end
    return capture[:24], records


# -- reading as it goes on -----------------------------------------------------------------------------------------------


def test_progress_tells_how_far_it_is(tmp_path: Path) -> None:
    progress = ReadingProgress()
    sizes = 0
    for name in ("a.pcap", "b.pcap"):
        InputReader().read(str(hanging(tmp_path / name)), progress)
        sizes += (tmp_path / name).stat().st_size
        assert progress.position == sizes
    assert (progress.inputs_begun, progress.connections, progress.stopped) == (2, 2, False)


def test_there_is_nothing_to_end_before_anything_was_read() -> None:
    with pytest.raises(KeyboardInterrupt):
        ReadingProgress().stop()


def test_what_is_seen_can_be_handed_to_another_process(tmp_path: Path) -> None:
    seen = InputReader().read(str(hanging(tmp_path / "a.pcap")))
    assert judge([pickle.loads(pickle.dumps(seen))]) == judge([seen])


def test_an_input_that_turns_out_damaged_leaves_nothing_behind(tmp_path: Path) -> None:
    progress = ReadingProgress()
    whole = hanging(tmp_path / "a.pcap").read_bytes()
    (tmp_path / "b.pcap").write_bytes(whole[:24] + b"\xff" * 40)
    with pytest.raises(UserError):
        InputReader().read(str(tmp_path / "b.pcap"), progress)
    assert progress.position == 64
    progress.stop()
    assert progress.stopped


# -- a report over more captures than fit into memory -----------------------------------------------------------------


class ManyCaptures:
    """Snapshots of as many captures as one likes, one at a time; it counts the conversations that are alive meanwhile."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        self.most_alive = 0

    def __iter__(self) -> Iterator[Snapshot]:
        reader = InputReader()
        for path in self.paths:
            yield reader.read(str(path))
            self.most_alive = max(self.most_alive, sum(type(one) is Conversation for one in gc.get_objects()))


@pytest.fixture
def new_objects_only() -> Iterator[None]:
    """What other tests keep is not looked through again and again."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("new_objects_only")
def test_a_report_in_a_file_is_the_same(tmp_path: Path) -> None:
    paths = sorted((Path(__file__).parents[2] / "captures").glob("*/capture.pcap*"))[:60]
    expected = collect(ManyCaptures(paths)).report
    with collect_in_file(ManyCaptures(paths)) as reading:
        report = reading.report
        assert report._replace(inputs=tuple(report.inputs), conversations=tuple(report.conversations)) == expected
    assert expected.verdict is not None


@pytest.mark.usefixtures("new_objects_only")
def test_a_report_in_a_file_keeps_as_many_conversations_in_memory_whatever_the_number_of_captures(
    tmp_path: Path,
) -> None:
    path = hanging(tmp_path / "a.pcap")

    def most_alive(captures: int) -> int:
        many = ManyCaptures([path] * captures)
        with collect_in_file(many) as reading:
            assert len(reading.report.conversations) == captures
        return many.most_alive

    assert most_alive(40) == most_alive(10)
    in_memory = ManyCaptures([path] * 40)
    collect(in_memory)
    assert in_memory.most_alive >= 40, "the count above would not notice conversations that are kept"
