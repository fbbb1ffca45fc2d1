"""Reading a file as columns equals reading it packet by packet; and the input buffer of both."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator

import capture_bytes as made
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibsniff.capture import input_buffer, pcapng
from ibsniff.capture.columns import cut_by_snaplen, end_of, packet_blocks, pcap_columns, pcapng_columns
from ibsniff.capture.files import open_capture
from ibsniff.capture.input_buffer import DamagedCapture, InputBuffer, read_chunks, ready_without_waiting
from ibsniff.capture.pcapng_interface import PcapngInterface
from ibsniff.capture.writer import PcapngWriter
from ibsniff.model import Columns, Frame, InputFacts, Lane

orders = st.sampled_from([made.LITTLE, made.BIG])
packets = st.lists(
    st.tuples(st.binary(max_size=40), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 90)),
    max_size=12,
)
KINDS = {1: 0xA1B23C4D, 1000: 0xA1B2C3D4}


def frames_of(columns: Columns) -> list[Frame]:
    frames = [columns.frame(index) for index in range(len(columns))]
    assert list(columns.frames(np.arange(len(columns)))) == frames
    return frames


# ---------------------------------------------------------------------------------------------------------------
# pcap and pcapng


@given(packets, orders, st.sampled_from(sorted(KINDS)), st.integers(0, 60))
def test_pcap_columns_equal_records_read_one_by_one(packets, order, fraction_ns, cut):
    records = b"".join(made.record(data, *stamp, original=wire, order=order) for data, *stamp, wire in packets)
    header = made.pcap_header(order, KINDS[fraction_ns], 101)
    records = records[: max(len(records) - cut, 0)]
    columns = pcap_columns(records, order, fraction_ns, 101, 1)
    expected, facts = made.read(header + records)
    assert frames_of(columns) == expected
    if expected:
        assert cut_by_snaplen(columns) == facts.cut_by_snaplen
        assert end_of(columns) == sum(16 + len(frame.data) for frame in expected)


@pytest.mark.parametrize("length", [input_buffer.MAX_FRAME + 1, 2**31, 2**32 - 1])
def test_an_impossible_length_ends_the_columns(length):
    records = made.record() * 3 + made.record(captured=length) + made.record() * 3
    assert len(pcap_columns(records, "<", 1000, 1, 1)) == 3
    believable = made.record(bytes(input_buffer.MAX_FRAME))
    assert len(pcap_columns(believable * 2, "<", 1000, 1, 1)) == 2


NANO, MICRO, ODD = (
    PcapngInterface(1, 1, 1, 0, 0),
    PcapngInterface(1, 1000, 1, 0, 0),
    PcapngInterface(1, 10**9, 2**20, -5, 0),
)


def pcapng_of(blocks: bytes, interfaces: list[PcapngInterface], order: str = "<") -> list[Frame]:
    return frames_of(pcapng_columns(blocks, 0, order, interfaces, 1, 1000))


@given(packets, orders, st.sampled_from([NANO, MICRO, ODD]))
def test_pcapng_columns_equal_blocks_read_one_by_one(packets, order, interface):
    blocks = b"".join(
        made.enhanced(data, ticks=high % 4 << 32 | low, original=wire, order=order) for data, high, low, wire in packets
    )
    resolution = {NANO: 9, MICRO: 6, ODD: 0x80 | 20}[interface]
    head = made.section(order) + made.interface(options=made.option(9, bytes([resolution]), order), order=order)
    expected, _ = made.read(head + blocks)
    found = pcapng_of(blocks, [interface._replace(offset_ns=0)], order)
    assert found == expected[: len(found)]
    assert len(found) == len(expected) or interface is ODD, "of which the later ones need too many bits"


def test_the_end_of_the_buffer_does_not_shrink_the_next_columns(tmp_path):
    head, blocks = made.section() + made.interface(), made.enhanced() * 100_000
    path = tmp_path / "large.pcapng"
    path.write_bytes(head + blocks)
    with open_capture(str(path)) as capture:
        found = [len(many) for many in capture.packets(Lane.COLUMNS) if isinstance(many, Columns)]
    reads, after_the_head = len(blocks) / input_buffer.COLUMNS_READ_SIZE, 5
    assert sum(found) > 99_000
    assert len(found) <= after_the_head + reads + sum(found) / pcapng.COLUMNS_MAX_PACKETS


IRREGULAR = {
    "options": made.enhanced(options=made.option(1, b"remark")),
    "another kind of block": made.simple(),
    "an interface not described": made.enhanced(index=2),
    "an interface of other stamps": made.enhanced(index=1),
    "a length too long": made.enhanced(captured=input_buffer.MAX_FRAME + 1),
    "a length longer than the block": made.enhanced(captured=70),
    "a length shorter than the block": made.enhanced(captured=10),
    "lengths that contradict each other": made.enhanced()[:-4] + b"\x60\0\0\0",
    "a block that is too short": b"\6\0\0\0" + b"\x0c\0\0\0" * 20,
    "a stamp beyond all calendars": made.enhanced(ticks=2**64 - 1),
    "a stamp that needs more than 63 bits on the way": made.enhanced(ticks=2**62),
}


@pytest.mark.parametrize("what", IRREGULAR)
def test_irregular_blocks_end_the_columns(what):
    blocks = made.enhanced() * 3 + IRREGULAR[what] + made.enhanced() * 3
    assert len(pcapng_of(blocks, [MICRO, NANO])) == 3
    assert len(pcapng_of(IRREGULAR[what], [MICRO, NANO])) == (what == "an interface of other stamps")


def test_interfaces_with_the_same_time_stamps_share_columns():
    blocks = b"".join(made.enhanced(index=index) for index in (0, 1, 2, 0))
    assert len(pcapng_of(blocks, [NANO, NANO._replace(snaplen=9), NANO])) == 4
    assert len(pcapng_of(blocks, [NANO, NANO, NANO._replace(link_type=0)])) == 2
    assert pcapng_of(blocks, []) == []
    assert pcapng_of(blocks, [NANO._replace(divisor=10**30)] * 3) == []


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([made.enhanced(), made.enhanced(index=1), *IRREGULAR.values()]), max_size=20),
    st.booleans(),
)
def test_columns_and_single_packets_mixed_equal_reading_one_by_one(blocks, big_reads):
    content = made.section() + made.interface() + made.interface(options=made.option(9, b"\x09")) + b"".join(blocks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pcapng, "COLUMNS_MIN_PACKETS", 2)
        patch.setattr(pcapng, "MAX_PACKETS_ONE_BY_ONE", 2)
        patch.setattr(input_buffer, "READ_SIZE", 1 << 16 if big_reads else 100)
        assert all_packets(content) == all_packets(content, Lane.PLAIN)


@pytest.mark.parametrize("every", [1, 2, 70])
def test_columns_are_tried_less_often_after_failures(every: int, monkeypatch: pytest.MonkeyPatch):
    odd = made.enhanced(options=made.option(2, bytes(4)))
    blocks = (odd if number % every == 0 else made.enhanced() for number in range(5000))
    content = made.section() + made.interface() + b"".join(blocks)
    looked_at: list[int] = []

    def counted(*given: object) -> Columns:
        looked_at.append(given[-1])
        return pcapng_columns(*given)

    monkeypatch.setattr("ibsniff.capture.columns.pcapng_columns", counted)
    told = all_packets(content)
    assert not isinstance(told, str)
    assert len(told[0]) == 5000
    assert len(looked_at) < (30 if every < pcapng.COLUMNS_MIN_PACKETS else 5000 / every * 3)


def all_packets(content: bytes, lane: Lane = Lane.COLUMNS) -> tuple[list[Frame], InputFacts] | str:
    try:
        with made.opened(content) as capture:
            found: list[Frame] = []
            for packets in capture.packets(lane):
                found += frames_of(packets) if isinstance(packets, Columns) else [packets]
            return found, capture.facts
    except Exception as error:
        return str(error)


def test_the_end_time_is_read_after_the_last_packet():
    last = made.option(3, (0).to_bytes(4) + (90_000_000).to_bytes(4, "little"))
    content = made.section() + made.interface() + made.enhanced() * 100 + made.statistics(options=last)
    told = all_packets(content)
    assert not isinstance(told, str)
    assert told[1].watched_until_ns == 90 * 10**9


# ---------------------------------------------------------------------------------------------------------------
# The input buffer


def test_preferred_bytes_are_taken_when_available():
    wide = InputBuffer(iter([b"abc", b"def", b"ghi"]))
    assert wide.advance(0, 1, preferred=5)
    assert wide.data == b"abcdef"
    assert wide.advance(5, 1, preferred=100)
    assert (wide.data, wide.offset) == (b"fghi", 5)
    assert not wide.advance(0, 5, preferred=100)


def test_preferred_bytes_are_not_waited_for():
    narrow = InputBuffer(iter([b"abc", b"def", b"ghi"]), lambda: False)
    assert narrow.advance(0, 1, preferred=5)
    assert narrow.data == b"abc"
    assert narrow.advance(0, 4, preferred=100)
    assert narrow.data == b"abcdef"


def test_damage_is_raised_after_the_valid_bytes_before_it():
    def chunks() -> Iterator[bytes]:
        yield b"good"
        raise DamagedCapture("broken")

    held = InputBuffer(chunks())
    assert held.advance(0, 1, preferred=100)
    assert held.data == b"good"
    assert held.advance(2, 2, preferred=100)
    assert held.data == b"od"
    with pytest.raises(DamagedCapture, match="broken"):
        held.advance(0, 3)
    with pytest.raises(DamagedCapture, match="broken"):
        held.advance(0, 3, preferred=100)


def test_an_empty_pipe_is_not_waited_for():
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, open(writing, "wb", buffering=0) as writer:  # noqa: PTH123
        pipe = InputBuffer(read_chunks(stream), ready_without_waiting(stream))
        writer.write(b"first")
        assert pipe.advance(0, 1, preferred=100)
        assert pipe.data == b"first"
        writer.write(b"second")
        assert pipe.ready_without_waiting()
        assert pipe.advance(5, 1, preferred=100)
        assert pipe.data == b"second"
        assert not pipe.ready_without_waiting()
        writer.close()
        assert not pipe.advance(6, 1, preferred=100)


class Miserly(io.BytesIO):
    """A file whose reads return less than requested."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(3, size or 3) if size != -1 else 3)


def test_a_file_is_read_until_the_needed_bytes_are_there():
    stingy = Miserly(b"0123456789")
    large = InputBuffer(read_chunks(stingy), file=stingy)
    assert large.advance(0, 7, preferred=2)
    assert large.data == b"0123456"
    assert large.advance(6, 4, preferred=2)
    assert (large.data, large.offset) == (b"6789", 6)
    assert not large.advance(0, 5, preferred=2)


def test_a_read_error_is_damage():
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(DamagedCapture, match="Input/output error"):
        InputBuffer(iter([]), file=Failing()).advance(0, 1, preferred=10)


@given(packets)
def test_columns_are_written_as_packets_one_by_one(packets):
    records = b"".join(made.record(data, *stamp, original=wire) for data, *stamp, wire in packets)
    columns = pcap_columns(records, "<", 1000, 1, 1)
    one_by_one = io.BytesIO()
    writer = PcapngWriter(one_by_one, [("lo", 1), ("eth0", 1)])
    before = one_by_one.tell()
    for frame in frames_of(columns):
        writer.write(frame, 1)
    assert packet_blocks(columns, 1) == one_by_one.getvalue()[before:]
