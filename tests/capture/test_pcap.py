from __future__ import annotations

import io

import dpkt
import pytest
from capture_bytes import BIG, DATA, LITTLE, opened, pcap_header, read, record

from ibsniff.capture.input_buffer import MAX_FRAME
from ibsniff.model import Frame, Lane, UserError

SECOND = 1_000_000_000


@pytest.mark.parametrize("order", [LITTLE, BIG])
@pytest.mark.parametrize(("magic", "fraction"), [(0xA1B2C3D4, 123_456), (0xA1B23C4D, 123_456_000)])
def test_reads_both_byte_orders_and_both_resolutions(order, magic, fraction):
    frames, facts = read(pcap_header(order, magic, link=113) + record(DATA, 7, fraction, order=order))
    assert frames == [Frame(1, 7 * SECOND + 123_456_000, 113, DATA, len(DATA))]
    assert (facts.format, facts.link_types, facts.packets, facts.truncated) == ("pcap", (113,), 1, None)


def test_agrees_with_dpkt_on_a_whole_file():
    content = pcap_header() + b"".join(record(DATA[:n], n, n * 1000) for n in range(61))
    frames, _ = read(content)
    theirs = [(round(stamp * SECOND), data) for stamp, data in dpkt.pcap.Reader(io.BytesIO(content))]
    assert [(frame.time_ns, frame.data) for frame in frames] == theirs


def test_a_packet_cut_by_the_snaplen_keeps_its_length_and_is_counted():
    frames, facts = read(pcap_header(snaplen=20) + record(DATA[:20], original=60) + record(DATA[:10]))
    assert [(len(frame.data), frame.wire_length) for frame in frames] == [(20, 60), (10, 10)]
    assert facts.cut_by_snaplen == 1


def test_a_wire_length_below_the_captured_length_is_corrected():
    frames, facts = read(pcap_header() + record(DATA, original=10))
    assert frames[0].wire_length == 60
    assert facts.cut_by_snaplen == 0


def test_a_length_above_the_snaplen_is_accepted():
    frames, facts = read(pcap_header(snaplen=40) + record() * 3)
    assert len(frames) == 3
    assert facts.truncated is None


@pytest.mark.parametrize("link", [0x14000001, 0xF4000001, 0x30000001, 0x08000001])
def test_the_bits_above_the_link_type_are_ignored(link):
    assert read(pcap_header(link=link) + record())[0][0].link_type == 1


def test_reserved_bits_in_the_link_type_are_refused_as_libpcap_and_wireshark_do():
    with pytest.raises(UserError, match="reserved bits"):
        opened(pcap_header(link=0x00300001))


@pytest.mark.parametrize("version", [(1, 4), (2, 5), (3, 0), (0, 0), (0x3030, 0x3030)])
def test_an_unknown_version_is_refused(version):
    with pytest.raises(UserError, match=r"pcap version is .* only versions 2\.0 to 2\.4 are supported"):
        opened(pcap_header(version=version) + record())


OLD_RECORD = {"captured": 60, "original": 20}
"""The lengths of a packet of which 20 bytes were captured, in the order of version 2.2 and earlier."""


@pytest.mark.parametrize("lane", [Lane.PLAIN, Lane.COLUMNS])
@pytest.mark.parametrize(
    ("version", "lengths"),
    [((2, 0), (60, 20)), ((2, 1), (60, 20)), ((2, 2), (60, 20)), ((2, 3), (60, 20)), ((2, 3), (20, 60))],
)
def test_old_versions_may_state_the_lengths_the_other_way_round(version, lengths, lane):
    first, second = lengths
    content = pcap_header(version=version) + record(DATA[:20], captured=first, original=second) + record()
    with opened(content) as capture:
        frames = list(capture.packets(lane))
    assert [(len(frame.data), frame.wire_length) for frame in frames] == [(20, 60), (60, 60)]
    assert (capture.facts.cut_by_snaplen, capture.facts.truncated) == (1, None)


@pytest.mark.parametrize("lane", [Lane.PLAIN, Lane.COLUMNS])
def test_an_old_version_that_is_cut_or_damaged_keeps_what_came_before(lane):
    cut = record(DATA[:20], **OLD_RECORD)[:-1]
    for rest, words in ((cut, "packet 2: 19 of 20 bytes are there"), (b"\xff" * 90, "impossible length")):
        with opened(pcap_header(version=(2, 1)) + record() + rest) as capture:
            assert len(list(capture.packets(lane))) == 1
        assert words in str(capture.facts.truncated)


def test_a_fraction_above_one_second_is_added():
    frames, _ = read(pcap_header() + record(fraction=1_500_000) + record(fraction=4_000_000_000))
    assert [frame.time_ns for frame in frames] == [2_500_000_000, 4_001 * SECOND]


def test_seconds_are_unsigned():
    assert read(pcap_header() + record(seconds=0xFFFFFFFF))[0][0].time_ns == 0xFFFFFFFF * SECOND


def test_the_longest_packet_is_read_and_a_longer_one_is_damage():
    longest = record(bytes(MAX_FRAME))
    frames, facts = read(pcap_header() + record() + longest + record())
    assert [len(frame.data) for frame in frames] == [60, MAX_FRAME, 60]
    assert facts.truncated is None
    frames, facts = read(pcap_header() + record() + record(bytes(MAX_FRAME + 1)) + record())
    assert [frame.number for frame in frames] == [1]
    assert facts.truncated == f"packet 2, at byte 100, has an impossible length: {MAX_FRAME + 1} bytes"


def test_an_impossible_length_in_the_first_packet_makes_the_file_unreadable():
    with pytest.raises(UserError, match="packet 1, at byte 24, has an impossible length: 2147483647 bytes"):
        read(pcap_header() + record(captured=0x7FFFFFFF))


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (16 + 58, "the capture ends inside packet 2: 58 of 60 bytes are there"),
        (16, "the capture ends inside packet 2: 0 of 60 bytes are there"),
        (10, "the capture ends inside the header of packet 2: 10 of 16 bytes are there"),
    ],
)
def test_what_is_missing_from_a_truncated_file_is_described(there, words):
    frames, facts = read(pcap_header() + record() + record()[:there])
    assert [frame.number for frame in frames] == [1]
    assert facts.truncated == words


def test_a_file_truncated_in_its_first_packet_is_readable():
    frames, facts = read(pcap_header() + record()[:20])
    assert frames == []
    assert facts.truncated == "the capture ends inside packet 1: 4 of 60 bytes are there"
    assert facts.watched_until_ns is None


def test_a_file_with_only_a_header_is_complete_and_empty():
    frames, facts = read(pcap_header())
    assert frames == []
    assert (facts.packets, facts.first_time_ns, facts.truncated) == (0, None, None)


def test_a_truncated_file_header_is_unreadable():
    with pytest.raises(UserError, match="the file header is cut: 23 of 24 bytes"):
        opened(pcap_header()[:23])
