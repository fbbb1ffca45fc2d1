"""The short cut of the dissector, for many packets at once.

What decides nothing is counted. What is plain TCP on an API port, behind an IP header without options and captured whole,
is given as columns. Whatever else there is goes through the dissector one by one: both must agree to the last field.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ibsniff.model import ACK, FIN, RST, SYN, Columns, SegmentColumns
from ibsniff.model.arrays import Numbers, Truths, layout, number, numbers_at, records_at
from ibsniff.net.checksums import ONES, ones_complement_sums
from ibsniff.net.fixed_headers import FIXED_LINK_HEADERS
from ibsniff.net.ip import FRAGMENTED, TCP, UDP, UDP_TUNNELS
from ibsniff.net.link import IPV4, IPV6
from ibsniff.net.segment import HELLO, LONGEST_ON_A_WIRE, Flow, FlowCache
from ibsniff.net.skip import SkipReason

COLUMNS_MIN_SHARE = 16
"""One in so many packets must be a regular segment of the API for columns to be worth their making."""

MAX_FLOWS_UNSORTED = 8
"""FlowCache that are looked for one by one; sorting takes as long as that for some twenty."""

_HELLO = int.from_bytes(HELLO)
_CONTROL = SYN | FIN | RST | ACK
_IS_TUNNEL = np.zeros(1 << 16, np.bool_)
_IS_TUNNEL[list(UDP_TUNNELS)] = True
HASH_MULTIPLIER = np.uint64(0x9E37_79B9_7F4A_7C15)
"""Odd and without a pattern: 2^64 divided by the golden ratio, as hash functions use it."""


class DissectedColumns(NamedTuple):
    """What may matter of many packets."""

    segments: list[SegmentColumns]
    """Of each IP version its own."""
    others: Numbers
    """Indices of those that the short cut does not read, ascending."""


class _Header(NamedTuple):
    """An IP header without options, and the TCP header behind it."""

    protocol: int
    size: int
    version_mask: int
    version: int
    """Of the first byte, with the length of the header where it stands beside it."""
    length_counts_from: int
    addresses: int
    layout: np.dtype[np.void]


def _header(
    protocol: int, *, size: int, version: int, version_mask: int, length_counts_from: int, **fields: Any
) -> _Header:
    """The ``fields`` of an IP header and those of TCP behind it, as `layout` takes them."""
    tcp = {name: (size + at, kind) for name, (at, kind) in _TCP_FIELDS.items()}
    both = layout(size + _TCP_HEADER, **fields, **tcp)
    return _Header(protocol, size, version_mask, version, length_counts_from, fields["addresses"][0], both)


_TCP_HEADER = 20
_TCP_FIELDS = {
    "ports": (0, ">u4"),
    "source": (0, ">u2"),
    "destination": (2, ">u2"),
    "seq": (4, ">u4"),
    "ack": (8, ">u4"),
    "offset": (12, "u1"),
    "flags": (13, "u1"),
    "window": (14, ">u2"),
    "checksum": (16, ">u2"),
}
_HEADERS = (
    _header(
        IPV4,
        size=20,
        version=0x45,
        version_mask=0xFF,
        length_counts_from=0,
        first=(0, "u1"),
        length=(2, ">u2"),
        id=(4, ">u2"),
        fragment=(6, ">u2"),
        transport=(9, "u1"),
        addresses=(12, "(2,)>u4"),
    ),
    _header(
        IPV6,
        size=40,
        version=0x60,
        version_mask=0xF0,
        length_counts_from=40,
        first=(0, "u1"),
        length=(4, ">u2"),
        transport=(6, "u1"),
        addresses=(8, "(8,)>u4"),
    ),
)
"""RFC 791, 3.1; RFC 8200, 3; RFC 9293, 3.1."""


class _IpPackets:
    """The packets of one IP version among many, as far as columns go."""

    def __init__(self, columns: Columns, indices: Numbers, header: _Header, link_length: int) -> None:
        at = columns.starts[indices] + link_length
        self.header = header
        self.indices = indices
        self.records = records_at(columns.buffer, at, header.layout)
        self.start = at + header.size
        """Of the TCP header, in the buffer."""
        self.end = at + header.length_counts_from + number(self.records, "length")
        self.payload = self.start + (number(self.records, "offset") >> 4) * 4

    def transport(self) -> Numbers:
        """The protocol in each; -1 where the header is not plain."""
        plain = (self.records["first"] & self.header.version_mask) == self.header.version
        if self.header.protocol == IPV4:
            plain &= (self.records["fragment"] & FRAGMENTED) == 0
        return np.where(plain, number(self.records, "transport"), -1)

    def only(self, which: Truths) -> None:
        """Forget the others."""
        if which.all():
            return
        for name in ("indices", "records", "start", "end", "payload"):
            setattr(self, name, getattr(self, name)[which])


def dissect_columns(
    columns: Columns, wanted: NDArray[np.uint8], flows: FlowCache, skipped: Counter[str]
) -> DissectedColumns | None:
    """Sort out many packets; None when their link type has no header of fixed length.

    ``wanted`` holds 1 for each port that matters; ``skipped`` is counted up.
    """
    shape = FIXED_LINK_HEADERS.get(columns.link_type)
    if shape is None:
        return None
    has_type = np.flatnonzero(columns.captured >= max(shape.length, shape.type_end))
    kinds = numbers_at(
        columns.buffer, columns.starts[has_type] + shape.type_start, f">u{shape.type_end - shape.type_start}"
    )
    left = np.ones(len(columns), np.bool_)
    found = []
    for header in _HEADERS:
        names = [int.from_bytes(name) for name, protocol in shape.protocols.items() if protocol == header.protocol]
        mine = has_type[np.logical_or.reduce([kinds == name for name in names])]
        mine = mine[columns.captured[mine] >= shape.length + header.layout.itemsize]
        if len(mine):
            family = _IpPackets(columns, mine, header, shape.length)
            _count_irrelevant(columns.buffer, family, wanted, left, skipped)
            if (segments := _segments(columns, family, flows)) is not None:
                left[segments.indices] = False
                found.append(segments)
    return DissectedColumns(found, np.flatnonzero(left))


def _count_irrelevant(
    buffer: bytes, family: _IpPackets, wanted: NDArray[np.uint8], left: Truths, skipped: Counter[str]
) -> None:
    """Count UDP, and TCP on other ports; what is left of the family is TCP on an API port."""
    transport, start, end = family.transport(), family.start, family.end
    source, destination = family.records["source"], family.records["destination"]
    is_udp = (transport == UDP) & (end >= start) & ~_IS_TUNNEL[destination]
    is_tcp = (transport == TCP) & (end >= start + _TCP_HEADER)
    is_api = (wanted[source] | wanted[destination]).astype(np.bool_)
    is_other_port = is_tcp & ~is_api
    payload = np.minimum(family.payload[is_other_port], len(buffer) - len(HELLO))
    is_other_port[is_other_port] = numbers_at(buffer, payload, ">u4") != _HELLO
    for reason, which in ((SkipReason.NOT_TCP, is_udp), (SkipReason.OTHER_PORTS, is_other_port)):
        if reason in skipped:  # else the dissector counts it in its turn: reasons stand in the order of the capture
            skipped[reason] += int(which.sum())
            left[family.indices[which]] = False
    family.only(is_tcp & is_api)


def _segments(columns: Columns, family: _IpPackets, flows: FlowCache) -> SegmentColumns | None:
    """Read the regular segments; None when there are too few, or two flows cannot be told apart."""
    captured_end = columns.starts[family.indices] + columns.captured[family.indices]
    is_regular = (
        (family.payload >= family.start + _TCP_HEADER)
        & (family.payload <= family.end)
        & (family.end <= captured_end)
        & ((family.records["flags"] & _CONTROL) == ACK)
        & (family.records["window"] != 0)
    )
    if int(is_regular.sum()) * COLUMNS_MIN_SHARE < len(columns):
        return None
    family.only(is_regular)
    grouped = _group(columns.buffer, family, flows)
    if grouped is None:
        return None
    flow_numbers, found = grouped
    pseudo_sums = np.array([flow.pseudo_sum for flow in found], np.int64)[flow_numbers]
    right, wrong = _check_checksums(columns.buffer, family, pseudo_sums)
    records, is_ipv4 = family.records, family.header.protocol == IPV4
    return SegmentColumns(
        packets=columns,
        indices=family.indices,
        flows=flow_numbers,
        ends=[(flow.source, flow.destination) for flow in found],
        seq=number(records, "seq"),
        ack=number(records, "ack"),
        starts=family.payload,
        lengths=family.end - family.payload,
        ip_ids=number(records, "id") if is_ipv4 else np.zeros(len(records), np.int64),
        right=right,
        wrong=wrong,
    )


def _group(buffer: bytes, family: _IpPackets, flows: FlowCache) -> tuple[Numbers, list[Flow]] | None:
    """Number the flows; None when a hash of theirs is not enough to tell them apart, which takes malice."""
    words = [word.astype(np.uint32) for word in (*family.records["addresses"].T, family.records["ports"])]
    distinct = _number_few_flows(words) or _number_flows_by_hash(words)
    if distinct is None:
        return None
    numbers, examples = distinct
    header = family.header
    first = family.start[examples] - header.size + header.addresses
    size = header.size - header.addresses + 4
    return numbers, [flows.find(buffer[at : at + size]) for at in first.tolist()]


def _number_few_flows(words: list[NDArray[np.uint32]]) -> tuple[Numbers, Numbers] | None:
    """Number what is equal in all words, and give an example of each; None when that is more than a few."""
    numbers = np.zeros(len(words[0]), np.int64)
    left = np.ones(len(numbers), np.bool_)
    examples: list[int] = []
    while left.any():
        if len(examples) == MAX_FLOWS_UNSORTED:
            return None
        first = int(left.argmax())
        same = np.logical_and.reduce([word == word[first] for word in words])
        numbers[same] = len(examples)
        left &= ~same
        examples.append(first)
    return numbers, np.array(examples, np.int64)


def _number_flows_by_hash(words: list[NDArray[np.uint32]]) -> tuple[Numbers, Numbers] | None:
    """The same by a hash, which takes sorting; None when two have one hash."""
    hashed = np.zeros(len(words[0]), np.uint64)
    for word in words:
        hashed = (hashed ^ word) * HASH_MULTIPLIER
        hashed ^= hashed >> np.uint64(29)
    _, examples, numbers = np.unique(hashed, return_index=True, return_inverse=True)
    if any((word != word[examples][numbers]).any() for word in words):
        return None
    return numbers, examples


def _check_checksums(buffer: bytes, family: _IpPackets, pseudo_sums: Numbers) -> tuple[Truths, Truths]:
    """Which checksums are right and which are wrong; what offload leaves in their place is neither (``segment``)."""
    checksum, length = family.records["checksum"], family.end - family.start
    with_length = (pseudo_sums + length) % ONES
    computed = (checksum != 0) & (checksum != with_length) & (checksum != pseudo_sums) & (length <= LONGEST_ON_A_WIRE)
    right = np.zeros(len(length), np.bool_)
    which = np.flatnonzero(computed)
    if len(which):
        sums = ones_complement_sums(buffer, family.start[which], family.end[which])
        right[which] = (sums + with_length[which]) % ONES == 0
    return right, computed & ~right
