"""The packets of a large file as columns, many at a time.

Each record holds the length that leads to the next, so a loop must walk over the records; their other fields are then
read for all packets at once. Any irregular record ends the columns, and the plain reader continues from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from struct import Struct
from struct import error as StructError

import numpy as np

from ibsniff.capture import blocks
from ibsniff.capture.input_buffer import MAX_FRAME
from ibsniff.capture.pcapng_interface import MAX_TIME_NS, PcapngInterface
from ibsniff.model import NANOSECONDS, Columns
from ibsniff.model.arrays import Numbers, Truths, layout, number, numbers_at, records_at

_PCAP_HEADER = 16
_PACKET_HEADER = 28
"""Bytes of an enhanced packet block before the packet."""
_NO_INTERFACE = PcapngInterface(0, 1, 1, 0, 0)


def pcap_columns(buffer: bytes, order: str, fraction_ns: int, link_type: int, first_number: int) -> Columns:
    """Return the complete packets at the beginning of a buffer of a pcap file, up to the first impossible length."""
    captured_at = Struct(order + "8xI").unpack_from
    found: list[int] = []
    append, position = found.append, 0
    with suppress(StructError):  # at the end of the buffer: a check in the loop would take a fifth more time
        while True:
            (captured,) = captured_at(buffer, position)
            append(position)
            position += _PCAP_HEADER + captured
    if position > len(buffer):
        found.pop()
    headers = np.array(found, np.int64)
    word = order + "u4"
    records = records_at(
        buffer,
        headers,
        layout(_PCAP_HEADER, seconds=(0, word), fraction=(4, word), captured=(8, word), original=(12, word)),
    )
    count = _before_first(records["captured"] > MAX_FRAME)
    headers, records = headers[:count], records[:count]
    lengths = number(records, "captured")
    return Columns(
        first_number,
        link_type,
        buffer,
        headers + _PCAP_HEADER,
        lengths,
        np.maximum(lengths, number(records, "original")),
        number(records, "seconds") * NANOSECONDS + number(records, "fraction") * fraction_ns,
    )


def pcapng_columns(
    buffer: bytes, position: int, order: str, interfaces: list[PcapngInterface], first_number: int, at_most: int
) -> Columns:
    """Return enhanced packet blocks without options from ``position`` on (pcapng, section 4.3).

    Their interfaces must have the same link type and kind of time stamps.
    """
    kind_and_total = Struct(order + "II").unpack_from
    found: list[int] = []
    append, enhanced_packet, smallest = found.append, blocks.ENHANCED_PACKET, _PACKET_HEADER + 4
    with suppress(StructError):
        for _ in range(at_most):
            kind, total = kind_and_total(buffer, position)
            if kind != enhanced_packet or total < smallest:
                break
            append(position)
            position += total
    if position > len(buffer):
        found.pop()
    return _of_interfaces_alike(buffer, np.array(found, np.int64), order + "u4", interfaces, first_number)


def _of_interfaces_alike(
    buffer: bytes, headers: Numbers, word: str, interfaces: list[PcapngInterface], first_number: int
) -> Columns:
    places = {"total": 4, "interface": 8, "high": 12, "low": 16, "captured": 20, "original": 24}
    records = records_at(buffer, headers, layout(_PACKET_HEADER, **{name: (at, word) for name, at in places.items()}))
    alike, interface = _alike(interfaces, number(records, "interface"))
    link_type, multiplier, divisor, offset_ns, _ = interface
    total, captured = number(records, "total"), number(records, "captured")
    ticks = (number(records, "high") << 32) | number(records, "low")
    # later time stamps would overflow 63 bits in the multiplication: the plain reader has unbounded integers
    latest_ticks = (MAX_TIME_NS - max(offset_ns, 0)) // multiplier
    times_ns = np.minimum(ticks, latest_ticks) * multiplier // divisor + offset_ns
    regular = (
        alike
        & (captured <= MAX_FRAME)
        & (total == _PACKET_HEADER + captured + (-captured & 3) + 4)
        & (numbers_at(buffer, headers + total - 4, word) == total)
        & (ticks >= 0)
        & (ticks <= latest_ticks)
        & (times_ns >= 0)
    )
    count = _before_first(~regular)
    return Columns(
        first_number,
        link_type,
        buffer,
        headers[:count] + _PACKET_HEADER,
        captured[:count],
        np.maximum(captured, number(records, "original"))[:count],
        times_ns[:count],
    )


def _alike(interfaces: list[PcapngInterface], index: Numbers) -> tuple[Truths, PcapngInterface]:
    """Return which packets have an interface like the first packet's in link type and time stamps, and that interface."""
    known = index < len(interfaces)
    none = np.zeros(len(index), np.bool_), _NO_INTERFACE
    if not len(index) or not known[0]:
        return none
    first = interfaces[index[0]]
    if max(first.multiplier, first.divisor, abs(first.offset_ns)) > MAX_TIME_NS:
        return none
    same = np.array([interface[:4] == first[:4] for interface in interfaces])
    return known & same[np.minimum(index, len(interfaces) - 1)], first


def _before_first(irregular: Truths) -> int:
    """Return how many packets precede the first irregular one."""
    return int(irregular.argmax()) if irregular.any() else len(irregular)


def end_of(columns: Columns, trailer: int = 0) -> int:
    """Return where in the buffer the last packet ends, including the ``trailer`` that its format puts after it."""
    return int(columns.starts[-1] + columns.captured[-1]) + trailer


def cut_by_snaplen(columns: Columns) -> int:
    """Return how many packets were not captured completely."""
    return int((columns.captured < columns.wire_lengths).sum())


def packet_blocks(columns: Columns, interface: int) -> bytes:
    """Return all packets as consecutive enhanced packet blocks, as they are written to a file."""
    captured, times_ns = columns.captured, columns.times_ns
    padding = -captured & 3
    total = _PACKET_HEADER + captured + padding + 4
    fields = (blocks.ENHANCED_PACKET, total, interface, times_ns >> 32, times_ns, captured, columns.wire_lengths)
    headers = np.empty((len(columns), len(fields)), "<u4")
    ends = np.zeros(
        (len(columns), 2), "<u4"
    )  # the padding, of which only the last bytes are used, and the length again
    for place, field in enumerate(fields):
        headers[:, place] = np.asarray(field).astype("<u4")
    ends[:, 1] = total
    pieces = [b""] * (3 * len(columns))
    pieces[0::3] = _pieces(headers.tobytes(), np.arange(len(columns)) * _PACKET_HEADER, _PACKET_HEADER)
    pieces[1::3] = _pieces(columns.buffer, columns.starts, captured)
    pieces[2::3] = _pieces(ends.tobytes(), np.arange(len(columns)) * 8 + 4 - padding, padding + 4)
    return b"".join(pieces)


def _pieces(buffer: bytes, starts: Numbers, lengths: Numbers | int) -> Iterator[bytes]:
    return map(buffer.__getitem__, map(slice, starts.tolist(), (starts + lengths).tolist()))
