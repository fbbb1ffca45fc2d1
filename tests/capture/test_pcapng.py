from __future__ import annotations

from struct import pack

import pytest
from capture_bytes import (
    BIG,
    DATA,
    LITTLE,
    block,
    enhanced,
    interface,
    obsolete,
    option,
    read,
    record,
    section,
    simple,
    statistics,
)

from ibsniff.capture.input_buffer import MAX_FRAME
from ibsniff.capture.pcapng import MAX_BLOCK
from ibsniff.capture.pcapng_metadata import MAX_INTERFACES
from ibsniff.model import Frame, Loss, UserError, WatchedBy

SECOND = 1_000_000_000
START = section() + interface()
END_TIME, IF_DROPPED, OS_DROPPED, DROP_COUNT, RESOLUTION, OFFSET = 3, 5, 7, 4, 9, 14


def counter(code: int, value: int) -> bytes:
    return option(code, pack("<Q", value))


def times(content: bytes) -> list[int]:
    return [frame.time_ns for frame in read(content)[0]]


def numbers(content: bytes) -> list[int]:
    return [frame.number for frame in read(content)[0]]


@pytest.mark.parametrize("order", [LITTLE, BIG])
def test_reads_both_byte_orders(order):
    content = section(order) + interface(276, order=order) + enhanced(DATA[:57], original=99, order=order)
    frames, facts = read(content)
    assert frames == [Frame(1, SECOND, 276, DATA[:57], 99)]
    assert (facts.format, facts.link_types, facts.packets, facts.truncated) == ("pcapng", (276,), 1, None)
    assert facts.cut_by_snaplen == 1


def test_each_section_has_its_own_byte_order_and_interfaces():
    second = section(BIG) + interface(101, order=BIG) + enhanced(order=BIG)
    frames, facts = read(START + enhanced() + second + section() + interface(113) + enhanced())
    assert [(frame.number, frame.link_type) for frame in frames] == [(1, 1), (2, 101), (3, 113)]
    assert facts.link_types == (1, 101, 113)


def test_each_interface_has_its_own_link_type_and_resolution():
    nanoseconds = interface(101, options=option(RESOLUTION, b"\x09"))
    frames, _ = read(START + nanoseconds + enhanced(ticks=5) + enhanced(index=1, ticks=5))
    assert [(frame.link_type, frame.time_ns) for frame in frames] == [(1, 5000), (101, 5)]


@pytest.mark.parametrize(
    ("resolution", "ticks", "time_ns"),
    [
        (0, 1_700_000_000, 1_700_000_000 * SECOND),
        (3, 1_700_000_000_123, 1_700_000_000_123_000_000),
        (12, 1_700_000_000_123_456, 1_700_000_000_123),
        (0x80, 1_700_000_000, 1_700_000_000 * SECOND),
        (0x9E, 1_700_000_000 << 30 | 12345, 1_700_000_000 * SECOND + 11_497),
        (0x7F, 2**64 - 1, 0),
        (0xFF, 2**64 - 1, 0),
    ],
)
def test_time_stamps_in_powers_of_ten_and_of_two(resolution, ticks, time_ns):
    options = option(RESOLUTION, bytes([resolution]))
    assert times(section() + interface(options=options) + enhanced(ticks=ticks)) == [time_ns]


def test_the_offset_of_an_interface_is_added():
    options = option(OFFSET, pack("<q", -1000))
    content = section() + interface(options=options) + enhanced(ticks=1_700_000_000_000_000) + obsolete(ticks=10**15)
    assert times(content) == [1_699_999_000 * SECOND, 999_999_000 * SECOND]


def test_options_of_the_wrong_size_are_ignored():
    options = option(RESOLUTION, b"\x09\x09") + option(OFFSET, b"abcd")
    assert times(section() + interface(options=options) + enhanced()) == [SECOND]


@pytest.mark.parametrize("ticks", [2**64 - 1, 2**63])
def test_an_impossible_time_is_replaced_by_the_previous_one_and_counted(ticks):
    content = START + enhanced() + enhanced(ticks=ticks) + enhanced(ticks=2_000_000)
    frames, facts = read(content)
    assert [frame.time_ns for frame in frames] == [SECOND, SECOND, 2 * SECOND]
    assert facts.untimed == 1


def test_a_simple_packet_has_the_first_interface_and_the_previous_time():
    content = (
        section() + interface(snaplen=41) + interface(101) + enhanced() + simple(DATA[:41], 100) + simple(DATA[:5])
    )
    frames, facts = read(content)
    assert frames[1:] == [Frame(2, SECOND, 1, DATA[:41], 100), Frame(3, SECOND, 1, DATA[:5], 5)]
    assert (facts.untimed, facts.cut_by_snaplen) == (2, 1)


def test_a_simple_packet_without_a_snaplen_has_its_original_length():
    assert read(section() + interface(snaplen=0) + simple())[0] == [Frame(1, 0, 1, DATA, 60)]


def test_an_obsolete_packet_counts():
    frames, facts = read(START + enhanced() + obsolete(drops=5) + obsolete(drops=0xFFFF))
    assert [(frame.number, frame.time_ns) for frame in frames] == [(1, SECOND), (2, 2 * SECOND), (3, 2 * SECOND)]
    assert facts.dropped == 5


JOURNAL = block(9, b"__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE=hi\n")
CUSTOM = block(0xBAD, pack("<I", 32473) + b"anything")
NOT_COPIED = block(0x40000BAD, pack("<I", 32473) + b"anything")


@pytest.mark.parametrize(
    "other", [JOURNAL, CUSTOM, NOT_COPIED] + [block(kind, bytes(60)) for kind in (0x204, 0x216, 0x221)]
)
def test_blocks_that_wireshark_numbers_take_a_number_and_give_no_frame(other):
    frames, facts = read(START + enhanced() + other + enhanced())
    assert [frame.number for frame in frames] == [1, 3]
    assert facts.packets == 2


@pytest.mark.parametrize("kind", [4, 7, 8, 0xA, 0xB, 0x201, 0x208, 0x7777, 0x80000777])
def test_other_blocks_take_no_number(kind):
    assert numbers(START + enhanced() + block(kind, bytes(60)) + enhanced()) == [1, 2]


def test_the_end_time_of_statistics_is_the_end_of_the_capture():
    end = option(END_TIME, pack("<II", 0, 9_000_000))
    earlier = option(END_TIME, pack("<II", 0, 8_000_000))
    _, facts = read(START + enhanced() + statistics(options=end) + statistics(options=earlier))
    assert (facts.watched_until_ns, facts.watched_by) == (9 * SECOND, WatchedBy.STATISTICS)


def test_an_end_time_before_the_last_packet_is_ignored():
    end = option(END_TIME, pack("<II", 0, 500_000))
    _, facts = read(START + enhanced() + statistics(options=end))
    assert (facts.watched_until_ns, facts.watched_by) == (SECOND, WatchedBy.LAST_PACKET)


def test_drops_are_the_latest_counters_of_every_interface_and_section():
    one = interface() + statistics(options=counter(IF_DROPPED, 2)) + statistics(options=counter(IF_DROPPED, 5))
    two = interface() + statistics(1, options=counter(IF_DROPPED, 10) + counter(OS_DROPPED, 100))
    three = section() + interface() + statistics(options=counter(OS_DROPPED, 1000))
    assert read(section() + one + two + three)[1].dropped == 1115


def counted_at(seconds: int, dropped: int) -> bytes:
    """Statistics of interface 0, in the microseconds of its description."""
    return block(5, pack("<III", 0, 0, seconds * 1_000_000) + counter(IF_DROPPED, dropped))


def test_a_single_total_may_have_been_lost_at_any_time():
    _, facts = read(START + enhanced() + enhanced(ticks=5_000_000) + counted_at(9, 7))
    assert facts.losses == (Loss(0, 9 * SECOND, 7),)


def test_the_counters_before_and_after_tell_when_packets_were_lost():
    content = START + enhanced() + counted_at(3, 0) + counted_at(4, 7) + enhanced(ticks=8_000_000) + counted_at(9, 7)
    assert read(content)[1].losses == (Loss(3 * SECOND, 4 * SECOND, 7),)


def test_a_counter_of_a_packet_tells_since_which_packet_some_were_lost():
    lost = enhanced(ticks=4_000_000, options=counter(DROP_COUNT, 3))
    _, facts = read(START + enhanced() + lost + enhanced(ticks=9_000_000) + counted_at(9, 3))
    assert facts.losses == (Loss(SECOND, 4 * SECOND, 3),), "the total counts the same packets again"


def test_drops_are_unknown_without_counters():
    assert read(START + enhanced() + statistics())[1].dropped is None
    assert read(START + statistics(options=counter(IF_DROPPED, 0)))[1].dropped == 0


def test_drops_before_packets_are_added_up():
    lost = enhanced(options=counter(DROP_COUNT, 3))
    assert read(START + lost + lost)[1].dropped == 6


def test_statistics_of_an_unknown_interface_are_ignored():
    _, facts = read(START + enhanced() + statistics(9, options=counter(IF_DROPPED, 3)))
    assert (facts.dropped, facts.truncated) == (None, None)


def test_options_of_a_packet_do_not_change_it():
    commented = enhanced(DATA[:57], options=option(1, b"seen on lo") + option(0, b""))
    assert read(START + commented)[0] == [Frame(1, SECOND, 1, DATA[:57], 57)]


def test_a_total_length_without_its_padding_is_rounded_up_as_wireshark_does():
    unpadded = pack("<II", 0x77, 17) + bytes(8) + pack("<I", 17)
    assert numbers(START + enhanced() + unpadded + enhanced()) == [1, 2]


DAMAGED = {
    "length 0": (pack("<II", 6, 0) + bytes(84), "its length is 0 bytes"),
    "length 12": (pack("<III", 6, 12, 12), "its length is 12 bytes"),
    "length odd": (pack("<II", 6, 93) + bytes(84) + enhanced(), "93 bytes at its start"),
    "length huge": (pack("<II", 0x77, MAX_BLOCK + 4) + bytes(84), f"its length is {MAX_BLOCK + 4} bytes"),
    "trailing length differs": (enhanced()[:-4] + pack("<I", 99), "92 bytes at its start, but 99 at its end"),
    "packet beyond the block": (enhanced(captured=61), "61 bytes, but the block has room for 60"),
    "packet too long": (enhanced(bytes(MAX_FRAME + 1)), f"the length of its packet is {MAX_FRAME + 1} bytes"),
    "unknown interface": (enhanced(index=9), "its packet belongs to interface 9, but its section describes only 1"),
    "simple packet beyond the block": (simple(original=600), "room for 60"),
    "simple packet too short": (simple(original=10), "bytes follow its packet"),
    "option beyond the block": (enhanced(options=pack("<HH", 2, 60000)), "the length of an option is 60000 bytes"),
    "option of an interface": (interface(options=pack("<HH", 9, 60000)), "the length of an option is 60000 bytes"),
    "journal too short": (block(9, b"MESSAGE=hi\n"), "its length is 24 bytes"),
    "another version": (section(major=2), "pcapng version is 2.0"),
    "no byte order": (block(0x0A0D0D0A, bytes(16)), "byte-order magic is invalid: 00000000"),
    "packet in a section without interface": (section() + enhanced(), "describes only 0"),
    "garbage": (b"garbage garbage garbage", "but blocks of its type have 12 to"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_ends_the_reading_and_is_described(name):
    damaged, words = DAMAGED[name]
    frames, facts = read(START + enhanced() + damaged + enhanced())
    assert [frame.number for frame in frames] == [1]
    assert facts.truncated is not None
    assert "after packet 1, is damaged" in facts.truncated
    assert words in facts.truncated


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_before_any_packet_makes_the_file_unreadable(name):
    with pytest.raises(UserError, match="is damaged"):
        read(START + DAMAGED[name][0])


def test_too_many_interfaces_are_reported():
    _, facts = read(START + enhanced() + interface() * MAX_INTERFACES)
    assert facts.truncated is not None
    assert f"it describes interface {MAX_INTERFACES + 1} of its section" in facts.truncated


@pytest.mark.parametrize(("there", "words"), [(50, "50 of 92 bytes are there"), (3, "3 bytes of it are there")])
def test_what_is_missing_from_a_truncated_file_is_described(there, words):
    frames, facts = read(START + enhanced() + enhanced()[:there])
    assert [frame.number for frame in frames] == [1]
    assert facts.truncated == f"the capture ends inside the block after packet 1: {words}"


def test_a_truncated_section_header_is_unreadable():
    with pytest.raises(UserError, match="the section header is cut: 27 of 28"):
        read(section()[:27])


def test_a_pcap_record_is_not_a_block():
    with pytest.raises(UserError):
        read(START + record())
