"""Recording in one file or in a ring: the live report equals that of the file, and a ring loses no evidence."""

from __future__ import annotations

import errno
import itertools
import sys
from contextlib import closing
from pathlib import Path

import ib_bytes
import pytest
from live_kept import Nobody, of_file, shown, watch
from live_script import Script, raw
from rights import as_root
from rule_wires import local, remote, said, session, silent
from wire import Wire

from ibsniff.analysis.following import Follower, Limits, follow
from ibsniff.analysis.pipeline import Analysis
from ibsniff.capture.backend import LinkState, RawPacket
from ibsniff.capture.files import open_capture
from ibsniff.capture.live import LiveSource
from ibsniff.capture.ring_files import Ring, parse_ring_options, ring_file_path
from ibsniff.capture.writer import PcapngWriter
from ibsniff.formatting import iso
from ibsniff.model import NANOSECONDS, ExitCode, Frame, Side, UserError
from ibsniff.recording import recorder
from ibsniff.recording.evidence import FIRST_PACKETS, MAX_OTHER_PACKETS, EvidenceFilter
from ibsniff.recording.recorder import MAX_NAMED, Recorder

RAW_IP = 101


def ends(*entries: RawPacket | list[RawPacket] | OSError | None) -> Script:
    """A script at whose end the interface disappears."""
    backend = Script()

    def go() -> None:
        backend.state = None
        raise OSError(0, "deleted")

    backend.script = iter([*entries, go])
    return backend


def test_the_file_of_several_interfaces_gives_the_live_report(tmp_path: Path) -> None:
    tunnel = ends(raw(silent(remote()).frames(link_type=RAW_IP)), raw(session(remote(4002)).frames(link_type=RAW_IP)))
    tunnel.link_type, tunnel.dropped = RAW_IP, 3
    loopback = ends(raw(session(local()).frames()))
    path = tmp_path / "both.pcapng"
    with LiveSource([("lo", loopback), ("wg0", tunnel)]) as source:
        live = shown(watch(source, path))
    assert live == of_file(path)
    (facts,) = live["inputs"]
    assert (facts["link_types"], facts["dropped"]) == ([1, RAW_IP], 3)
    assert "lo disappeared at" in facts["truncated_detail"]
    assert len(live["conversations"]) == 3
    with open_capture(str(path)) as capture:
        assert {frame.link_type for frame in capture.frames()} == {1, RAW_IP}


def test_the_file_records_events_of_the_interface_and_the_clock(tmp_path: Path) -> None:
    frames = raw(session(local()).frames())
    backend = Script()

    def becomes(link: LinkState | None) -> None:
        backend.state = link
        raise OSError(100, "Network is down")

    backend.script = iter(
        [
            frames[:3],
            lambda: becomes(LinkState("lo", False)),
            lambda: becomes(LinkState("wan0", True)),
            [packet._replace(time_ns=packet.time_ns + 10**18) for packet in frames[3:]],
            lambda: becomes(None),
        ]
    )
    path = tmp_path / "befallen.pcapng"
    with LiveSource([("lo", backend)]) as source:
        live = shown(watch(source, path))
        jumps = source.facts.clock_jumps
    assert live == of_file(path)
    (facts,) = live["inputs"]
    assert len(facts["notes"]) == 2
    assert facts["truncated_detail"].count("; ") == 1
    with open_capture(str(path)) as capture:
        assert list(capture.frames())[3].number == 4
        assert [jump.packet for jump in capture.facts.clock_jumps] == [jump.packet for jump in jumps] == [4]


def test_comments_of_other_programs_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "others.pcapng"
    with path.open("wb") as file:
        writer = PcapngWriter(file, [("lo", 1)])
        for text in ("Counters provided by dumpcap", "clock jumped: soon to later", "clock jumped: 1"):
            writer.comment(0, 5, text)
        for digits in ("9" * 19, "9" * 20, "9" * 5000, "\u0661"):
            writer.comment(0, 5, f"clock jumped: {digits} to {digits}")
        writer.flush()
    with open_capture(str(path)) as capture:
        assert list(capture.frames()) == []
    assert (capture.facts.truncated, capture.facts.notes, capture.facts.clock_jumps) == (None, (), ())


@pytest.mark.skipif(sys.platform == "win32", reason="needs flock(2)")
def test_two_captures_cannot_write_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.pcapng"
    with LiveSource([("lo", ends())]) as source:
        first = Recorder(path, source)
        with pytest.raises(UserError, match="another capture is writing to it") as raised:
            Recorder(path, source)
        assert raised.value.exit_code is ExitCode.USAGE
        first.finish(10)
        Recorder(path, source).finish(10)


# -- rings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "ring"),
    [
        ([], None),
        (["duration:1.5"], Ring(seconds=1.5)),
        (["filesize:10", "files:3"], Ring(kilobytes=10, files=3)),
        (["duration:60", "filesize:10"], Ring(60, 10)),
    ],
)
def test_ring_options(options: list[str], ring: Ring | None) -> None:
    assert parse_ring_options(options) == ring


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["sometimes"], "-b sometimes: not understood"),
        (["duration:0"], "not understood"),
        (["duration:nan"], "not understood"),
        (["filesize:1.5"], "not understood"),
        (["files:-1"], "not understood"),
        (["files:5"], "does not say when a file is full"),
        (["files:1", "filesize:1"], "a ring needs at least two files"),
    ],
)
def test_invalid_ring_options(options: list[str], what: str) -> None:
    with pytest.raises(UserError, match=what) as raised:
        parse_ring_options(options)
    assert raised.value.exit_code is ExitCode.USAGE


def test_files_are_named_as_dumpcap_names_them() -> None:
    path = Path("folder/case.pcapng")
    assert ring_file_path(path, 7, 1_763_641_800 * NANOSECONDS) == Path("folder/case_00007_20251120123000.pcapng")


def chatter(wire: Wire, packets: int, after: float = 0.001) -> Wire:
    """Add messages of the server."""
    for _ in range(packets):
        wire.segment(Side.SERVER, data=ib_bytes.text(178, 1, 6, 9001, 1, "187.42", 100, 0), after=after)
    return wire


def joined(folder: Path) -> Path:
    """Concatenate the remaining files of a ring: a pcapng file may have several sections."""
    path = folder.with_name("joined.pcapng")
    path.write_bytes(b"".join(file.read_bytes() for file in sorted(folder.iterdir())))
    return path


def turned(folder: Path, frames: list[Frame], ring: Ring) -> dict[str, object]:
    """Capture into a ring, and return the live document."""
    folder.mkdir()
    with LiveSource([("lo", ends(*([packet] for packet in raw(frames))))]) as source:
        source.opened_at_ns = frames[0].time_ns
        return shown(watch(source, folder / "case.pcapng", ring))


def verdicts(document: dict[str, object]) -> list[tuple[str, ...]]:
    """The verdict of each conversation, without packet numbers."""
    told = ("id", "outcome", "rung", "fault", "code", "client_id", "hello", "reply", "errors")
    return [
        tuple(_numberless(conversation[key]) for key in told)
        for conversation in document["conversations"]  # type: ignore[attr-defined]
    ]


def _numberless(value: object) -> str:
    if isinstance(value, dict):
        value = {key: _numberless(inner) for key, inner in value.items() if key not in ("packets", "packet", "time")}
    if isinstance(value, list):
        value = [_numberless(inner) for inner in value]
    return str(value)


def test_the_next_file_begins_by_size_and_by_time(tmp_path: Path) -> None:
    frames = chatter(session(local()), 100, after=0.5).frames()
    by_size, by_time = tmp_path / "size", tmp_path / "time"
    live = {
        folder: turned(folder, frames, ring) for folder, ring in ((by_size, Ring(kilobytes=4)), (by_time, Ring(10)))
    }
    assert all(4000 <= file.stat().st_size < 4400 for file in sorted(by_size.iterdir())[:-1])
    assert 5 <= len(list(by_time.iterdir())) <= 7
    for folder, document in live.items():
        assert of_file(joined(folder)) == document, "nothing is lost as long as nothing is deleted"


def test_after_twenty_files_the_verdicts_are_the_same(tmp_path: Path) -> None:
    hung = silent(remote())
    refused = Wire(client="127.0.0.1:52000").syn().refuse()
    bot = session(Wire(client="127.0.0.1:53000"))
    bot.server(said(502, "Couldn't connect"))
    chatter(bot, 400)
    bot.server(said(1100, "Connectivity between IB and TWS has been lost"))
    chatter(bot, 3300)
    folder = tmp_path / "ring"
    live = turned(folder, Wire.merge(hung, refused, bot).frames(), Ring(kilobytes=20, files=3))
    names = [file.name for file in sorted(folder.iterdir())]
    assert names[0].startswith("case_00000_"), "the evidence comes first"
    assert len(names) == 4
    assert int(names[-1].split("_")[1]) > 20
    after = of_file(joined(folder))
    assert verdicts(after) == verdicts(live)
    assert [one["code"] for one in after["conversations"]][:2] == [one["code"] for one in live["conversations"]][:2]  # type: ignore[index]


def test_evidence_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MAX_EVIDENCE_BYTES", 6_000)
    calls = [Wire(client=f"127.0.0.1:{50_000 + number}").connect().fin_client() for number in range(120)]
    frames = Wire.merge(*calls, chatter(session(local(start_ns=calls[-1].frames()[-1].time_ns)), 20)).frames()
    spread = [frame._replace(time_ns=frame.time_ns + 10**7 * frame.number) for frame in frames]
    folder = tmp_path / "ring"
    turned(folder, spread, Ring(kilobytes=4, files=2))
    evidence = [file for file in folder.iterdir() if file.name.startswith("case_00000_")]
    assert len(evidence) == recorder.MAX_EVIDENCE_FILES
    assert sum(file.stat().st_size for file in evidence) < 40_000


@pytest.mark.parametrize("files", [2, None])
def test_the_files_of_a_ring_are_named_at_the_end(tmp_path: Path, files: int | None) -> None:
    folder = tmp_path / "my ring"
    folder.mkdir()
    with LiveSource([("lo", ends(*([packet] for packet in raw(chatter(session(local()), 100).frames()))))]) as source:
        recorder = Recorder(folder / "case.pcapng", source, Ring(kilobytes=4, files=files))
        for event in source.events():
            if isinstance(event, Frame):
                recorder.write(event)
        recorder.finish(10**18)
    lines = recorder.ring_in_words()
    named = [line.strip() for line in lines if line.endswith(".pcapng") and line.startswith("  ")]
    assert named == sorted(map(str, folder.iterdir()))
    assert lines[-1] == f"to read them as one capture: ibsniff read --join '{folder}/case'_*.pcapng"
    assert ("deleted when the ring was full" in lines[0]) == (files is not None)


def test_of_many_files_the_latest_are_named(tmp_path: Path) -> None:
    with LiveSource([("lo", ends(*([packet] for packet in raw(chatter(session(local()), 2000).frames()))))]) as source:
        recorder = Recorder(tmp_path / "case.pcapng", source, Ring(kilobytes=4))
        for event in source.events():
            if isinstance(event, Frame):
                recorder.write(event)
        recorder.finish(10**18)
    lines = recorder.ring_in_words()
    assert len(lines) == MAX_NAMED + 2
    assert lines[0] == f"{len(list(tmp_path.iterdir()))} files written; the latest {MAX_NAMED} are:"
    assert lines[-2].strip() == str(max(tmp_path.iterdir()))


def test_one_file_is_not_named(tmp_path: Path) -> None:
    with LiveSource([("lo", ends())]) as source:
        recorder = Recorder(tmp_path / "one.pcapng", source)
        recorder.finish(10)
    assert recorder.ring_in_words() == []


def test_a_deleted_file_of_the_ring_is_no_error(tmp_path: Path) -> None:
    folder = tmp_path / "ring"
    folder.mkdir()
    with LiveSource([("lo", ends(*([packet] for packet in raw(chatter(session(local()), 100).frames()))))]) as source:
        recorder = Recorder(folder / "case.pcapng", source, Ring(kilobytes=4, files=2))
        for event in source.events():
            if isinstance(event, Frame):
                recorder.write(event)
                for file in sorted(folder.glob("case_0000[1-9]_*"))[:-1]:
                    file.unlink()
        recorder.finish(10**18)
    assert recorder.failure is None
    assert max(int(file.name.split("_")[1]) for file in folder.iterdir()) > 3


def test_a_write_error_ends_the_ring_and_not_the_capture(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    frames = raw(chatter(session(local()), 100).frames())
    with LiveSource([("lo", ends(*([packet] for packet in frames)))]) as source:
        analysis = Analysis(source.record)
        recorder = Recorder(folder / "case.pcapng", source, Ring(kilobytes=4))
        with closing(source.events()) as events:
            follower = Follower(analysis, Nobody(), Limits(), recorder)
            for event in itertools.islice(events, 10):
                follower.take(event)
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
            follow(events, follower)
        recorder.finish(analysis.watched_until_ns)
    assert source.facts.packets == len(frames)
    assert recorder.failure is not None
    assert "cannot write" in recorder.failure.what


@as_root
def test_a_ring_in_a_folder_of_root_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "12345")
    monkeypatch.setenv("SUDO_GID", "12345")
    with LiveSource([("lo", ends())]) as source:
        with pytest.raises(UserError, match="privileges are dropped when the capture begins"):
            Recorder(tmp_path / "case.pcapng", source, Ring(kilobytes=1))
        assert list(tmp_path.iterdir()) == []
        Recorder(tmp_path / "case.pcapng", source).finish(1)


def test_drops_of_the_files_of_a_ring_add_up(tmp_path: Path) -> None:
    folder = tmp_path / "ring"
    folder.mkdir()
    frames = [[packet] for packet in raw(chatter(session(local()), 60).frames())]
    backend = ends(*frames)
    with LiveSource([("lo", backend)]) as source:
        recorder = Recorder(folder / "case.pcapng", source, Ring(kilobytes=4))
        for event in source.events():
            if isinstance(event, Frame):
                backend.dropped = event.number * 2
                source.statistics()
                recorder.write(event)
        recorder.finish(10**18)
    assert len(list(folder.iterdir())) > 2
    facts = of_file(joined(folder))["inputs"][0]
    assert facts["dropped"] == backend.dropped
    losses = [(one.since_ns, one.until_ns, one.packets) for one in source.record.losses]
    assert [(iso(since), iso(until), packets) for since, until, packets in losses] == [
        tuple(one.values()) for one in facts["losses"]
    ]


def test_a_file_says_when_the_interface_was_down(tmp_path: Path) -> None:
    frames = raw(session(local()).frames())
    went_down = OSError(errno.ENETDOWN, "Network is down")
    backend = ends(*([frame] for frame in frames[:-1]), went_down, [frames[-1]])
    with LiveSource([("lo", backend)]) as source:
        recorder = Recorder(tmp_path / "case.pcapng", source)
        for event in source.events():
            if isinstance(event, Frame):
                recorder.write(event)
        recorder.finish(10**18)
    losses = source.facts.losses
    assert [loss.packets for loss in losses] == [None]
    facts = of_file(tmp_path / "case.pcapng")["inputs"][0]
    assert facts["losses"] == [
        {"since": iso(loss.since_ns), "until": iso(loss.until_ns), "packets": None} for loss in losses
    ]


def test_a_number_of_other_packets_is_kept() -> None:
    evidence = EvidenceFilter()
    arp = Frame(1, 0, 1, bytes(12) + b"\x08\x06" + bytes(28), 42)
    assert sum(evidence.wants(arp) for _ in range(MAX_OTHER_PACKETS + 5)) == MAX_OTHER_PACKETS


def test_a_new_connection_between_the_same_endpoints_is_kept_again() -> None:
    evidence = EvidenceFilter()
    talk = chatter(session(local()), FIRST_PACKETS * 2).frames()
    kept = [evidence.wants(frame) for frame in talk]
    assert all(kept[:FIRST_PACKETS])
    assert not any(kept[FIRST_PACKETS:])
    assert all(evidence.wants(frame) for frame in talk[:10])
