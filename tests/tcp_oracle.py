"""Our counters and tshark's analysis of the same packets, one by one, and the reason where they differ."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from ibsniff.capture.files import open_capture
from ibsniff.model import Endpoint, Segment
from ibsniff.net import Dissector
from ibsniff.tcp import ConnectionTable

COUNTERS = ("retransmissions", "out_of_order", "keep_alives", "zero_windows", "duplicates", "damaged")
FIELDS = {
    "retransmission": "retransmissions",
    "fast_retransmission": "retransmissions",
    "spurious_retransmission": "retransmissions",
    "out_of_order": "out_of_order",
    "keep_alive": "keep_alives",
    "zero_window": "zero_windows",
}
"""tshark's ``tcp.analysis`` flags by the counter of ours."""

REASONS = {
    "copy": "the same packet was captured before (same IP identification, within 5 ms): a duplicate here",
    "damaged": "the checksum is wrong, which tshark does not check",
    "no data": "a repeated SYN, SYN-ACK or FIN: only data counts as a retransmission here",
    "filled hole": "new bytes after later ones: late or sent again cannot be told apart; tshark decides by time",
    "seen before": "bytes that were captured before, so they were sent again; within 3 ms tshark calls them out-of-order",
    "overlap": "the first bytes of the segment were captured before, the last are new",
    "new bytes": "the next bytes in order: for tshark a bare ACK's number, or the other side's ACK, counts as if they had been captured",
}


class Seen(NamedTuple):
    """One packet: which counters it moved, and whether it brought bytes."""

    counters: frozenset[str]
    segment: Segment
    brought: bool


def ours(path: Path) -> dict[int, Seen]:
    """By packet number."""
    seen: dict[int, Seen] = {}
    known: dict[int, Counter[str]] = {}
    ends: dict[tuple[Endpoint, Endpoint], int] = {}
    dissector, table = Dissector(None, Counter()), ConnectionTable(frozenset())
    with open_capture(str(path)) as capture:
        for frame in capture.frames():
            segment = dissector.dissect(frame)
            if isinstance(segment, Segment):
                connection, _ = table.feed(segment)
                halves = (connection.from_client, connection.from_server)
                counts = Counter({name: sum(getattr(half, name) for half in halves) for name in COUNTERS})
                end = end_of_bytes(table, segment)
                moved = frozenset(counts - known.get(id(connection), Counter()))
                seen[segment.packet] = Seen(moved, segment, end > ends.get(segment[2:4], 0))
                known[id(connection)], ends[segment[2:4]] = counts, end
    return seen


def end_of_bytes(table: ConnectionTable, segment: Segment) -> int:
    """How far the bytes of that direction are known."""
    found = table.find(segment.source, segment.destination)
    assert found is not None
    return found[1].end


def theirs(path: Path) -> dict[int, frozenset[str]]:
    """By packet number, in our words."""
    columns = [word for field in FIELDS for word in ("-e", f"tcp.analysis.{field}")]
    command = ["tshark", "-n", "-r", str(path), "-Y", "tcp && !icmp && !icmpv6", "-T", "fields", "-e", "frame.number"]
    lines = subprocess.run(command + columns, capture_output=True, text=True, check=False).stdout.splitlines()
    rows = [line.split("\t") for line in lines]
    return {
        int(number): frozenset(ours for ours, flag in zip(FIELDS.values(), flags, strict=True) if flag)
        for number, *flags in rows
    }


def compare(path: Path) -> tuple[Counter[str], Counter[str], list[tuple[int, Seen, frozenset[str]]]]:
    """How often each counter moved for both, how often each reason explains a difference, and what no reason explains."""
    agreed, explained, unexplained = Counter[str](), Counter[str](), []
    packets = ours(path)
    analysed = theirs(path) if len(packets) > 1 else {}
    for number, seen in packets.items():
        if number not in analysed:
            continue
        flags = analysed[number]
        agreed.update(seen.counters & flags)
        if seen.counters == flags:
            continue
        reason = _reason(seen, flags)
        if reason is None:
            unexplained.append((number, seen, flags))
        else:
            explained[reason] += 1
    return agreed, explained, unexplained


def _reason(seen: Seen, flags: frozenset[str]) -> str | None:
    for counter, reason in (("duplicates", "copy"), ("damaged", "damaged")):
        if counter in seen.counters:
            return reason
    mine, other = seen.counters - flags, flags - seen.counters
    if not seen.segment.length:
        return "no data" if not mine and other <= {"retransmissions", "out_of_order"} else None
    pair = "".join(sorted(mine)), "".join(sorted(other))
    known = {
        ("out_of_order", "retransmissions"): "filled hole",
        ("retransmissions", "out_of_order"): "seen before",
        ("retransmissions", ""): "overlap" if seen.brought else None,
        ("", "retransmissions"): "new bytes" if seen.brought else None,
        ("", "out_of_order"): "new bytes" if seen.brought else None,
    }
    return known.get(pair)
