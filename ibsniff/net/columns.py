"""The fast path of the dissector for many packets at once.

Packets that cannot matter are only counted. TCP segments on an API port that follow an IP header without options and were
captured completely become columns. All other packets go through the dissector one by one. The results of both ways must
agree in every field.
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

COLUMNS_MIN_ONE_IN = 16
"""At least one packet in this many must be a regular API segment; with fewer, making columns takes longer."""

MAX_FLOWS_UNSORTED = 8
"""Up to this many flows are searched one by one; sorting takes as long as about twenty searches."""

_HELLO = int.from_bytes(HELLO)
_CONTROL = SYN | FIN | RST | ACK
_IS_TUNNEL = np.zeros(1 << 16, np.bool_)
_IS_TUNNEL[list(UDP_TUNNELS)] = True
HASH_MULTIPLIER = np.uint64(0x9E37_79B9_7F4A_7C15)
"""2^64 divided by the golden ratio, a usual multiplier of hash functions (Fibonacci hashing)."""


class DissectedColumns(NamedTuple):
    """The packets that may matter."""

    segments: list[SegmentColumns]
    """The regular segments, one entry for each IP version."""
    others: Numbers
    """Indices of the packets that must be dissected one by one, ascending."""


class _Header(NamedTuple):
    """The layout of an IP header without options and of the TCP header that follows it."""

    protocol: int
    size: int
    version_mask: int
    version: int
    """The value of the first byte under ``version_mask``: the IP version, and for IPv4 also the header length."""
    length_counts_from: int
    addresses: int
    layout: np.dtype[np.void]


def _header(
    protocol: int, *, size: int, version: int, version_mask: int, length_counts_from: int, **fields: Any
) -> _Header:
    """Combine the ``fields`` of an IP header, in the form that `layout` takes, with those of the TCP header after it."""
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
    """The packets of one IP version that were captured at least up to the end of a TCP header without options."""

    def __init__(self, columns: Columns, indices: Numbers, header: _Header, link_length: int) -> None:
        at = columns.starts[indices] + link_length
        self.header = header
        self.indices = indices
        self.records = records_at(columns.buffer, at, header.layout)
        self.start = at + header.size
        """Where in the buffer the TCP header begins."""
        self.end = at + header.length_counts_from + number(self.records, "length")
        self.payload = self.start + (number(self.records, "offset") >> 4) * 4

    def transport(self) -> Numbers:
        """Return the transport protocol of each packet; -1 where the header has options or is of a fragment."""
        plain = (self.records["first"] & self.header.version_mask) == self.header.version
        if self.header.protocol == IPV4:
            plain &= (self.records["fragment"] & FRAGMENTED) == 0
        return np.where(plain, number(self.records, "transport"), -1)

    def keep_only(self, which: Truths) -> None:
        """Remove all other packets."""
        if which.all():
            return
        for name in ("indices", "records", "start", "end", "payload"):
            setattr(self, name, getattr(self, name)[which])


def dissect_columns(
    columns: Columns, wanted: NDArray[np.uint8], flows: FlowCache, skipped: Counter[str]
) -> DissectedColumns | None:
    """Dissect many packets; None when their link type has no header of fixed length.

    ``wanted`` is 1 at each port that matters; skipped packets are added to ``skipped``.
    """
    link_header = FIXED_LINK_HEADERS.get(columns.link_type)
    if link_header is None:
        return None
    has_type = np.flatnonzero(columns.captured >= max(link_header.length, link_header.type_end))
    kinds = numbers_at(
        columns.buffer,
        columns.starts[has_type] + link_header.type_start,
        f">u{link_header.type_end - link_header.type_start}",
    )
    remaining = np.ones(len(columns), np.bool_)
    found = []
    for header in _HEADERS:
        names = [
            int.from_bytes(name) for name, protocol in link_header.protocols.items() if protocol == header.protocol
        ]
        indices = has_type[np.logical_or.reduce([kinds == name for name in names])]
        indices = indices[columns.captured[indices] >= link_header.length + header.layout.itemsize]
        if len(indices):
            packets = _IpPackets(columns, indices, header, link_header.length)
            _count_irrelevant(columns.buffer, packets, wanted, remaining, skipped)
            if (segments := _segments(columns, packets, flows)) is not None:
                remaining[segments.indices] = False
                found.append(segments)
    return DissectedColumns(found, np.flatnonzero(remaining))


def _count_irrelevant(
    buffer: bytes, packets: _IpPackets, wanted: NDArray[np.uint8], remaining: Truths, skipped: Counter[str]
) -> None:
    """Count UDP, and TCP on other ports; only TCP on an API port remains in ``packets``."""
    transport, start, end = packets.transport(), packets.start, packets.end
    source, destination = packets.records["source"], packets.records["destination"]
    is_udp = (transport == UDP) & (end >= start) & ~_IS_TUNNEL[destination]
    is_tcp = (transport == TCP) & (end >= start + _TCP_HEADER)
    is_api = (wanted[source] | wanted[destination]).astype(np.bool_)
    is_other_port = is_tcp & ~is_api
    payload = np.minimum(packets.payload[is_other_port], len(buffer) - len(HELLO))
    is_other_port[is_other_port] = numbers_at(buffer, payload, ">u4") != _HELLO
    for reason, which in ((SkipReason.NOT_TCP, is_udp), (SkipReason.OTHER_PORTS, is_other_port)):
        if reason in skipped:  # else the dissector counts the first one, so that reasons have the order of the capture
            skipped[reason] += int(which.sum())
            remaining[packets.indices[which]] = False
    packets.keep_only(is_tcp & is_api)


def _segments(columns: Columns, packets: _IpPackets, flows: FlowCache) -> SegmentColumns | None:
    """Read the regular segments; None when there are too few, or when two flows cannot be distinguished."""
    captured_end = columns.starts[packets.indices] + columns.captured[packets.indices]
    is_regular = (
        (packets.payload >= packets.start + _TCP_HEADER)
        & (packets.payload <= packets.end)
        & (packets.end <= captured_end)
        & ((packets.records["flags"] & _CONTROL) == ACK)
        & (packets.records["window"] != 0)
    )
    if int(is_regular.sum()) * COLUMNS_MIN_ONE_IN < len(columns):
        return None
    packets.keep_only(is_regular)
    grouped = _group(columns.buffer, packets, flows)
    if grouped is None:
        return None
    flow_numbers, found = grouped
    pseudo_sums = np.array([flow.pseudo_sum for flow in found], np.int64)[flow_numbers]
    right, wrong = _check_checksums(columns.buffer, packets, pseudo_sums)
    records, is_ipv4 = packets.records, packets.header.protocol == IPV4
    return SegmentColumns(
        packets=columns,
        indices=packets.indices,
        flows=flow_numbers,
        ends=[(flow.source, flow.destination) for flow in found],
        seq=number(records, "seq"),
        ack=number(records, "ack"),
        starts=packets.payload,
        lengths=packets.end - packets.payload,
        ip_ids=number(records, "id") if is_ipv4 else np.zeros(len(records), np.int64),
        right=right,
        wrong=wrong,
    )


def _group(buffer: bytes, packets: _IpPackets, flows: FlowCache) -> tuple[Numbers, list[Flow]] | None:
    """Number the flows; None when two of them have the same hash, which does not happen by chance."""
    words = [word.astype(np.uint32) for word in (*packets.records["addresses"].T, packets.records["ports"])]
    distinct = _number_few_flows(words) or _number_flows_by_hash(words)
    if distinct is None:
        return None
    numbers, examples = distinct
    header = packets.header
    first = packets.start[examples] - header.size + header.addresses
    size = header.size - header.addresses + 4
    return numbers, [flows.find(buffer[at : at + size]) for at in first.tolist()]


def _number_few_flows(words: list[NDArray[np.uint32]]) -> tuple[Numbers, Numbers] | None:
    """Number the distinct combinations of words, with the index of an example of each; None when there are many."""
    numbers = np.zeros(len(words[0]), np.int64)
    remaining = np.ones(len(numbers), np.bool_)
    examples: list[int] = []
    while remaining.any():
        if len(examples) == MAX_FLOWS_UNSORTED:
            return None
        first = int(remaining.argmax())
        same = np.logical_and.reduce([word == word[first] for word in words])
        numbers[same] = len(examples)
        remaining &= ~same
        examples.append(first)
    return numbers, np.array(examples, np.int64)


def _number_flows_by_hash(words: list[NDArray[np.uint32]]) -> tuple[Numbers, Numbers] | None:
    """Number them by hash, which needs sorting; None when two combinations have the same hash."""
    hashed = np.zeros(len(words[0]), np.uint64)
    for word in words:
        hashed = (hashed ^ word) * HASH_MULTIPLIER
        hashed ^= hashed >> np.uint64(29)
    _, examples, numbers = np.unique(hashed, return_index=True, return_inverse=True)
    if any((word != word[examples][numbers]).any() for word in words):
        return None
    return numbers, examples


def _check_checksums(buffer: bytes, packets: _IpPackets, pseudo_sums: Numbers) -> tuple[Truths, Truths]:
    """Return which checksums are right and which are wrong; a checksum remaining to offload is neither (see ``segment``)."""
    checksum, length = packets.records["checksum"], packets.end - packets.start
    with_length = (pseudo_sums + length) % ONES
    computed = (checksum != 0) & (checksum != with_length) & (checksum != pseudo_sums) & (length <= LONGEST_ON_A_WIRE)
    right = np.zeros(len(length), np.bool_)
    which = np.flatnonzero(computed)
    if len(which):
        sums = ones_complement_sums(buffer, packets.start[which], packets.end[which])
        right[which] = (sums + with_length[which]) % ONES == 0
    return right, computed & ~right
