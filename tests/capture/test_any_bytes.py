"""Any input gives frames or a UserError, and every complete packet before the damage."""

from __future__ import annotations

import io
from struct import pack

import dpkt
import pytest
from capture_bytes import (
    BIG,
    DATA,
    enhanced,
    interface,
    obsolete,
    option,
    pcap_header,
    read,
    record,
    section,
    simple,
    statistics,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scapy.utils import RawPcapNgReader

from ibsniff.capture.files import open_capture
from ibsniff.capture.input_buffer import InputBuffer
from ibsniff.model import Frame, UserError

PIECES = {
    "pcap": [pcap_header(), record(), record(b"", 2), record(DATA[:7], 3), record(DATA, 4, original=99)],
    "pcap big-endian": [pcap_header(BIG), record(order=BIG), record(b"abc", order=BIG)],
    "pcapng": [
        section(),
        interface(options=option(9, b"\x09")),
        interface(101),
        enhanced(ticks=10**9),
        enhanced(DATA[:7], index=1, options=option(4, bytes(8)) + option(0, b"")),
        simple(),
        obsolete(DATA[:24]),
        statistics(options=option(3, bytes(8)) + option(5, pack("<Q", 3))),
        section(BIG),
        interface(order=BIG),
        enhanced(order=BIG),
    ],
}
"""Each kind of record or block; the header of the file comes first."""

each_kind = pytest.mark.parametrize("kind", PIECES)


def read_or_refuse(content: bytes) -> list[Frame]:
    try:
        return read(content)[0]
    except UserError as error:
        assert error.what  # noqa: PT017  (either is right)
        assert error.what_to_do  # noqa: PT017
        return []


@each_kind
def test_truncation_at_any_byte_keeps_every_complete_packet(kind):
    pieces = PIECES[kind]
    whole = b"".join(pieces)
    borders = {len(b"".join(pieces[:count])): count for count in range(1, len(pieces) + 1)}
    kept: list[Frame] = []
    for cut in range(len(pieces[0]), len(whole) + 1):
        frames, facts = read(whole[:cut])
        if cut in borders:
            kept = frames
        assert frames == kept
        assert (facts.truncated is None) == (cut in borders)
    assert len(kept) == sum(1 for piece in pieces if _holds_a_packet(piece))


def _holds_a_packet(piece: bytes) -> bool:
    return DATA[:3] in piece or b"abc" in piece or len(piece) == 16


@each_kind
def test_a_truncated_header_is_refused(kind):
    for cut in range(len(PIECES[kind][0])):
        with pytest.raises(UserError):
            read(PIECES[kind][0][:cut])


@each_kind
def test_any_byte_may_be_changed(kind):
    whole = b"".join(PIECES[kind])
    for place in range(len(whole)):
        for flip in (0x01, 0x80, 0xFF):
            damaged = bytearray(whole)
            damaged[place] ^= flip
            read_or_refuse(bytes(damaged))


STARTS = st.sampled_from(
    [b"", *(pieces[0] for pieces in PIECES.values()), b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"]
)


@settings(deadline=None)
@given(STARTS, st.binary(max_size=300))
@example(b"", b"\x0a\x0d\x0d\x0a" + bytes(60))
def test_random_bytes(start, rest):
    read_or_refuse(start + rest)


@each_kind
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_pieces_in_any_order(kind, data):
    some = data.draw(st.lists(st.sampled_from(PIECES[kind]), max_size=12))
    read_or_refuse(PIECES[kind][0] + b"".join(some))


class Dribble(io.RawIOBase):
    """A pipe whose reads return any number of bytes."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self._content = content
        self._sizes = sizes

    def read(self, size: int = -1) -> bytes:
        count = self._sizes.pop() if self._sizes else 1
        result, self._content = self._content[:count], self._content[count:]
        return result


@each_kind
@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 200), max_size=50))
def test_the_sizes_of_reads_do_not_matter(kind, sizes):
    whole = b"".join(PIECES[kind])
    with open_capture("-", Dribble(whole, sizes)) as capture:
        assert (list(capture.frames()), capture.facts) == read(whole)


def test_an_input_buffer_asks_for_no_more_than_is_needed():
    asked = iter([b"abc", b"def", b"ghi"])
    held = InputBuffer(asked)
    assert held.advance(0, 4)
    assert (held.data, held.offset, list(asked)) == (b"abcdef", 0, [b"ghi"])
    assert not held.advance(5, 2)
    assert (held.data, held.offset) == (b"f", 5)


packets = st.lists(st.tuples(st.binary(max_size=80), st.integers(0, 2**32 - 1), st.integers(0, 999_999)), max_size=10)


@settings(deadline=None)
@given(packets, st.sampled_from("<>"))
def test_dpkt_reads_the_same_pcap(packets, order):
    content = pcap_header(order) + b"".join(record(*packet, order=order) for packet in packets)
    theirs = [data for _, data in dpkt.pcap.Reader(io.BytesIO(content))]
    assert [frame.data for frame in read(content)[0]] == theirs


@settings(deadline=None)
@given(packets, st.sampled_from("<>"))
def test_scapy_reads_the_same_pcapng(packets, order):
    head = section(order) + interface(order=order) + interface(113, order=order)
    body = [enhanced(data, ticks % 2, ticks * 1000, order=order) for data, ticks, _ in packets]
    content = head + b"".join(body)
    theirs = list(RawPcapNgReader(io.BytesIO(content)))
    ours = read(content)[0]
    assert [(f.data, f.link_type) for f in ours] == [(data, meta.linktype) for data, meta in theirs]
