"""A block of the packet ring has the same packets as columns and one by one; the blocks are built here byte by byte."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from ibsniff.capture.ring_block import ADDRESS_OFFSET, PACKET_HEADER, VLAN_VALID, RingBlock
from ibsniff.capture.ring_columns import ring_columns
from ibsniff.model import NANOSECONDS, Frame

IN_FRONT = 48
"""Bytes of the block's own header, before that of the first packet."""
DATA_AT = 96
"""Where the kernel places the packet after its header; the gap is for alignment and a link header."""
LINK_TYPE = 276

words = st.integers(0, 2**32 - 1)
packets = st.lists(
    st.fixed_dictionaries(
        {
            "data": st.binary(min_size=20, max_size=90),
            "seconds": words,
            "nanoseconds": st.integers(0, NANOSECONDS - 1),
            "cut": st.integers(0, 100),
            "status": st.sampled_from([1, 1, 1, 1 | VLAN_VALID]),
            "address": st.tuples(
                st.binary(min_size=2, max_size=2),
                words,
                st.integers(0, 0xFFFF),
                st.integers(0, 7),
                st.integers(0, 32),
                st.binary(min_size=8, max_size=8),
            ),
        }
    ),
    min_size=1,
    max_size=6,
)


def block_of(made: list[dict], is_cooked: bool) -> RingBlock:
    """Build a block of ``struct tpacket3_hdr``, ``struct sockaddr_ll`` and data, as in a ring (packet_mmap.rst)."""
    buffer = bytearray(b"\xee" * IN_FRONT)
    for packet in made:
        data, length = packet["data"], len(packet["data"])
        step = -(-(DATA_AT + length) // 8) * 8
        header = PACKET_HEADER.pack(
            step,
            packet["seconds"],
            packet["nanoseconds"],
            length,
            length + packet["cut"],
            packet["status"],
            DATA_AT,
            DATA_AT,
            0,
            7,
            0x8100,
            0,
        ).ljust(ADDRESS_OFFSET, b"\xaa")
        address = struct.pack("=H2sIHBB8s", 17, *packet["address"])
        buffer += (header + address).ljust(DATA_AT, b"\xdd") + data.ljust(step - DATA_AT, b"\xcc")
    return RingBlock(bytes(buffer), len(made), IN_FRONT, is_cooked)


def one_by_one(block: RingBlock) -> list[Frame]:
    return [
        Frame(number, time_ns, LINK_TYPE, data, wire_length)
        for number, (time_ns, data, wire_length) in enumerate(block.packets(), 5)
    ]


@given(packets)
def test_cooked_columns_have_the_same_link_headers(made: list[dict]) -> None:
    block = block_of(made, is_cooked=True)
    columns = ring_columns(block, 5, LINK_TYPE)
    assert columns is not None
    assert [columns.frame(index) for index in range(len(columns))] == one_by_one(block)
    assert [frame.data[20:] for frame in one_by_one(block)] == [packet["data"] for packet in made]


@given(packets)
def test_columns_with_link_headers_are_unchanged(made: list[dict]) -> None:
    block = block_of(made, is_cooked=False)
    columns = ring_columns(block, 5, LINK_TYPE)
    if any(packet["status"] & VLAN_VALID for packet in made):
        assert columns is None, "tags are put back one by one"
        return
    assert columns is not None
    assert [columns.frame(index) for index in range(len(columns))] == one_by_one(block)
    assert [frame.data for frame in one_by_one(block)] == [packet["data"] for packet in made]
