"""The benchmark's files hold what their generator counted; what it measures and writes down is right. Nothing is timed."""

from __future__ import annotations

import os
import struct
import sys
from collections import Counter
from pathlib import Path
from subprocess import PIPE, CalledProcessError
from subprocess import run as run_process

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import readme
from frames import ACK, Direction, Host, remainder
from making import BULK, KINDS, Capture, write
from measure import MEGABYTE, Run, Spread, run
from tools import OURS, TOOLS, environment
from traffic import Made

from ibsniff.analysis.api_traffic import Ports
from ibsniff.analysis.pipeline import Analysis
from ibsniff.analysis.reading import read_files
from ibsniff.capture.files import open_capture
from ibsniff.capture.input_record import InputRecord
from ibsniff.model import Frame, Outcome, Report, Side
from ibsniff.net import Dissector

SIZES = {"bulk": 20_000, "haystack": 30_000, "sessions": 40, "ticket": 2}


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Made]:
    """A small capture of each kind, and what its generator says is in it."""
    path = tmp_path_factory.mktemp("made") / f"{request.param}.pcap"
    with path.open("wb") as file:
        counted = write(request.param, SIZES[request.param], file)
    return request.param, path, counted


def report(path: Path) -> Report:
    reading = read_files([str(path)], Ports())
    assert not reading.unreadable
    return reading.report


def test_every_packet_conversation_and_message_is_there(made: tuple[str, Path, Made]) -> None:
    kind, path, counted = made
    told = report(path)
    assert told.inputs[0].packets == counted.packets
    assert told.inputs[0].truncated is None
    assert len(told.conversations) + told.omitted == counted.conversations
    seen = [one.dialogue.messages[Side.SERVER].total() for one in told.conversations]
    assert sum(seen) == counted.messages
    assert SIZES[kind] <= {"messages": counted.messages, "packets": counted.packets}.get(
        KINDS[kind].size_of, counted.conversations
    )


def test_the_same_bytes_every_time(made: tuple[str, Path, Made], tmp_path: Path) -> None:
    kind, path, _ = made
    with (tmp_path / "again").open("wb") as file:
        write(kind, SIZES[kind], file)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_no_packet_is_damaged(made: tuple[str, Path, Made]) -> None:
    """Checksums are right, or those of offload: else what is measured would be our way with damage."""
    _, path, _ = made
    skipped: Counter[str] = Counter()
    with open_capture(str(path)) as source:
        dissector = Dissector(None, skipped)
        segments = [packet for packet in map(dissector.dissect, source.frames()) if packet is not None]
    assert set(skipped) <= {"not TCP"}
    assert not [one for one in segments if getattr(one, "intact", None) is False]


def test_bulk_is_as_it_says() -> None:
    """Messages cross the borders of segments, segments come twice and out of order, and nothing is lost."""
    frames = list(KINDS["bulk"].frames(Made(), 60_000))
    halves = [one.connection.from_server for one in told_of(frames).conversations]
    assert all(half.gap_bytes == 0 for half in halves)
    assert sum(half.out_of_order for half in halves) > 0
    assert sum(half.retransmissions + half.duplicates for half in halves) > 0
    payloads = [frame[66:] for frame in frames if frame[34:36] == b"\x1d\x49" and len(frame) > 66]
    assert sum(_ends_within_a_message(payload) for payload in payloads) > len(payloads) / 100
    assert sum(payload.count(b"\0\0\0") > 1 for payload in payloads) > len(payloads) / 2


def told_of(frames: list[bytes]) -> Report:
    analysis = Analysis(InputRecord("generated"))
    analysis.run(Frame(number, number * 200_000, 1, data, len(data)) for number, data in enumerate(frames, 1))
    return analysis.report()


def _ends_within_a_message(payload: bytes) -> bool:
    at = 0
    while at + 4 <= len(payload):
        at += 4 + struct.unpack_from(">I", payload, at)[0]
    return at != len(payload)


def test_half_of_the_sessions_are_silent(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        write("sessions", 10, file)
    outcomes = [one.outcome for one in report(tmp_path / "x").conversations]
    assert outcomes.count(Outcome.REPLIED) == outcomes.count(Outcome.SILENT) == 5


def test_checksums_are_those_of_the_rfc() -> None:
    client, server = Host(bytes(6), b"\x0a\0\0\1", 5000), Host(bytes(6), b"\x0a\0\0\2", 7497)
    frame = Direction(client, server, 1, computes_checksums=True).send(ACK, 1, 1, b"odd")
    pseudo = client.address + server.address + struct.pack(">HH", 6, len(frame) - 34)
    assert remainder(frame[14:34]) == 0
    assert remainder(pseudo + frame[34:]) == 0


# -- what is measured, and written down ---------------------------------------------------------------------------------

needs_wait4 = pytest.mark.skipif(not hasattr(os, "wait4"), reason="os.wait4 is POSIX's")


@needs_wait4
def test_a_run_counts_the_memory_of_the_command(tmp_path: Path) -> None:
    # in a process of its own: a child counts what its parent held when it was made
    much = [sys.executable, "-c", f"bytearray({400 * MEGABYTE}).count(1)"]
    code = f"import measure; one = measure.run({much!r}, {environment(tmp_path)!r}); print(one.peak, one.wall)"
    paths = os.pathsep.join(map(str, (Path(__file__).parent, Path(__file__).parents[1])))
    done = run_process([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}, stdout=PIPE, check=True)
    peak, wall = map(float, done.stdout.split())
    assert 400 < peak < 450
    assert wall > 0


@needs_wait4
def test_a_command_that_fails_is_not_measured(tmp_path: Path) -> None:
    with pytest.raises(CalledProcessError):
        run([sys.executable, "-c", "raise SystemExit(3)"], environment(tmp_path))


@needs_wait4
def test_our_command_reads_the_file(tmp_path: Path) -> None:
    file = Capture("ticket", 2).made_in(tmp_path)
    assert TOOLS[0].run(file, environment(tmp_path)).peak > 5
    assert not file.with_suffix(".part").exists()


def test_spread() -> None:
    assert str(Spread.of([3.0, 1.0, 2.0])) == "2.00 (1.00 to 3.00)"


def test_the_table_stands_between_its_markers(tmp_path: Path) -> None:
    (tmp_path / BULK.name).write_bytes(bytes(2_000_000))
    table = readme.readme_table({BULK: {OURS: [Run(1.0, 0.9, 60.0), Run(2.0, 1.9, 61.0)]}}, tmp_path)
    assert "| 2 MB: all of it TWS traffic, 2,000,000 messages | 1.50 s, 61 MB |" in table
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- benchmark -->\nold\n<!-- end benchmark -->\nafter\n")
    readme.write_readme(table, page)
    readme.write_readme(table, page)
    text = page.read_text()
    assert text.startswith("before\n<!-- benchmark -->\n| file | `ibsniff read` |")
    assert text.endswith("\n<!-- end benchmark -->\nafter\n")
    assert "old" not in text
    assert text.count("2 MB") == 1


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing\n")
    with pytest.raises(SystemExit):
        readme.write_readme("table", tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text() == "nothing\n"
