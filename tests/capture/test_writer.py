from __future__ import annotations

import io
import shutil
import subprocess

import pytest
from capture_bytes import DATA, read
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.utils import RawPcapNgReader

from ibsniff.capture.writer import PcapngWriter
from ibsniff.model import Frame, WatchedBy

NOW = 1_700_000_000_123_456_789
INTERFACES = (("lo", 1), ("any", 276))


def written(
    frames: list[tuple[Frame, int]], statistics: tuple[tuple[int, int, int | None, int | None], ...] = ()
) -> bytes:
    stream = io.BytesIO()
    writer = PcapngWriter(stream, INTERFACES, application="ibsniff 1.2.3")
    for frame, index in frames:
        writer.write(frame, index)
    for block in statistics:
        writer.statistics(*block)
    writer.flush()
    content = stream.getvalue()
    writer.close()
    assert stream.closed
    return content


@st.composite
def frames_and_interfaces(draw) -> list[tuple[Frame, int]]:
    result = []
    for number in range(1, draw(st.integers(0, 8)) + 1):
        index = draw(st.integers(0, 1))
        data = draw(st.binary(max_size=70))
        wire_length = len(data) + draw(st.integers(0, 3))
        time_ns = draw(st.integers(0, 2**63 - 1))
        result.append((Frame(number, time_ns, INTERFACES[index][1], data, wire_length), index))
    return result


@settings(deadline=None)
@given(frames_and_interfaces())
def test_our_reader_reads_back_what_was_written(frames):
    assert read(written(frames))[0] == [frame for frame, _ in frames]


@settings(deadline=None)
@given(frames_and_interfaces())
def test_scapy_reads_the_same(frames):
    packets = list(RawPcapNgReader(io.BytesIO(written(frames))))
    assert [data for data, _ in packets] == [frame.data for frame, _ in frames]
    assert [(meta.tshigh << 32) + meta.tslow for _, meta in packets] == [frame.time_ns for frame, _ in frames]
    assert [meta.wirelen for _, meta in packets] == [frame.wire_length for frame, _ in frames]


def test_statistics_come_back_as_facts():
    frame = Frame(1, NOW, 1, DATA, 60)
    _, facts = read(written([(frame, 0)], ((0, NOW + 5, 7, 2), (0, NOW + 10, 9, 3), (1, NOW + 9, None, 4))))
    assert (facts.dropped, facts.link_types) == (7, (1, 276))
    assert (facts.watched_until_ns, facts.watched_by) == (NOW + 10, WatchedBy.STATISTICS)


def test_statistics_without_drop_counters():
    assert read(written([], ((0, NOW, None, None),)))[1].dropped is None


@pytest.mark.skipif(shutil.which("capinfos") is None, reason="capinfos is not installed")
def test_wireshark_reads_names_application_and_drops(tmp_path):
    path = tmp_path / "written.pcapng"
    path.write_bytes(
        written([(Frame(1, NOW, 1, DATA, 60), 0), (Frame(2, NOW + 1, 276, DATA, 99), 1)], ((0, NOW + 2, 2, 3),))
    )
    told = subprocess.run(["capinfos", str(path)], capture_output=True, text=True, check=True).stdout
    for words in ("ibsniff 1.2.3", "Name = lo", "Name = any", "nanoseconds (9)", "Number of stat entries = 1"):
        assert words in told
