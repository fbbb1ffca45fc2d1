"""Every TCP packet of the corpus, compared field by field with tshark; all differences are explained."""

from __future__ import annotations

import ipaddress
import shutil
import struct
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from corpus import capture_files, needs_corpus
from net_frames import RAW, fragments, look, over_ipv4, segment

from ibsniff.capture.files import open_capture
from ibsniff.model import Frame, Segment, UserError
from ibsniff.net import Dissector, SkipReason
from ibsniff.net.link import READERS

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

COLUMNS = [
    "frame.number",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.seq",
    "tcp.ack",
    "tcp.flags",
    "tcp.window_size_value",
    "tcp.options.mss_val",
    "ip.ttl",
    "ipv6.hlim",
    "ip.id",
    "tcp.len",
    "frame.protocols",
]

LARGEST = 65_535
"""Bytes of the longest IP packet that states its length."""

Row = tuple[str | int | None, ...]
"""Addresses, ports, seq, ack, flags, window, MSS, TTL, identification; payload length last."""

EXPLAINED = {
    "tunnel": "tshark looks inside more tunnels; those we do not read are named",
    "damaged": "tshark shows the fields of a TCP header whose length it then calls bogus; we call it damaged",
    "cut": "tshark shows the ports of a TCP header that the snaplen cut",
    "TSO in a tunnel": "the lengths of the outer headers are 0, which tshark 4.0 does not read",
    "big TCP": "IPv6 length 0 with a jumbo payload option (RFC 2675), which tshark 4.0 does not read",
}


def write_pcap(path: Path, link_type: int, frames: list[tuple[bytes, int]]) -> None:
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, link_type))
        for second, (data, wire_length) in enumerate(frames):
            file.write(struct.pack("<IIII", second, 0, len(data), wire_length) + data)


def tshark(path: Path, *, defragment: bool) -> dict[int, Row]:
    """Ask tshark for its TCP packets, by number."""
    preferences = ["tcp.relative_sequence_numbers:FALSE", "tcp.desegment_tcp_streams:FALSE"]
    preferences += [f"{version}.defragment:{str(defragment).upper()}" for version in ("ip", "ipv6")]
    command = ["tshark", "-n", "-r", str(path), "-Y", "tcp && !icmp && !icmpv6", "-T", "fields", "-E", "occurrence=a"]
    command += [word for preference in preferences for word in ("-o", preference)]
    command += [word for column in COLUMNS for word in ("-e", column)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {int(line.split("\t")[0]): as_row(line.split("\t")) for line in lines}


def as_row(cells: list[str]) -> Row:
    """Of several IP headers, as in a tunnel, the last one before the TCP header counts."""
    _, source, destination, source6, destination6, *numbers, protocols = cells
    below = protocols.split(":")
    below = below[: below.index("tcp")] if "tcp" in below else below
    last = next(name for name in reversed(below) if name in ("ip", "ipv6"))
    which = below.count(last) - 1
    addresses = (source, destination) if last == "ip" else (source6, destination6)
    *values, mss, ttl, hops, ip_id, length = (cell.split(",") if cell else [] for cell in numbers)
    header = (ttl, ip_id) if last == "ip" else (hops, [])
    tcp = [int(cell[0], 0) if cell else None for cell in (*values, mss, length)]
    if tcp[4] is not None:
        tcp[4] &= 0xFF  # tshark counts four reserved bits among the flags
    inner = [int(cell[which], 0) if cell else None for cell in header]
    return (*(plain(address.split(",")[which]) for address in addresses), *tcp[:-1], *inner, tcp[-1])


def plain(address: str) -> str:
    parsed = ipaddress.ip_address(address)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def our_row(found: Segment) -> Row:
    source, destination = found.source, found.destination
    numbers = (source.port, destination.port, found.seq, found.ack, found.flags, found.window, found.mss)
    return (source.ip, destination.ip, *numbers, found.ttl, found.ip_id, found.length)


def explanation(ours: Segment | None, theirs: Row | None, skipped: Counter[str]) -> str | None:
    """Name the entry of EXPLAINED that fits a difference."""
    if ours is None:
        why = str(next(iter(skipped), ""))
        if theirs is not None and None in (*theirs[4:8], theirs[-1]):
            known = {str(SkipReason.CUT): "cut", str(SkipReason.DAMAGED): "damaged"}
            if why in known:
                return known[why]
        return "tunnel" if why.startswith("inside a tunnel") else None
    if theirs is None and ours.ip_id is not None and ours.length > LARGEST:
        return "TSO in a tunnel"
    return "big TCP" if theirs is None and ours.ip_id is None and ours.length > LARGEST else None


def corpus_frames() -> dict[int, list[tuple[bytes, int]]]:
    frames: dict[int, list[tuple[bytes, int]]] = defaultdict(list)
    for path in capture_files():
        try:
            with open_capture(str(path)) as capture:
                for frame in capture.frames():
                    if frame.link_type in READERS and len(frame.data) <= 262_144:
                        frames[frame.link_type].append((frame.data, max(frame.wire_length, len(frame.data))))
        except UserError:
            continue
    return frames


@needs_tshark
@needs_corpus
def test_every_tcp_packet_of_the_corpus(tmp_path: Path) -> None:
    compared, explained, unexplained = 0, Counter[str](), []
    for link_type, frames in corpus_frames().items():
        write_pcap(tmp_path / "merged.pcap", link_type, frames)
        theirs = tshark(tmp_path / "merged.pcap", defragment=False)
        for number, (data, wire_length) in enumerate(frames, 1):
            skipped: Counter[str] = Counter()
            frame = Frame(number, 0, link_type, data, wire_length)
            found = Dissector(None, skipped).dissect(frame)
            ours = found if isinstance(found, Segment) else None
            if (our_row(ours) if ours else None) == theirs.get(number):
                compared += ours is not None
                continue
            why = explanation(ours, theirs.get(number), skipped)
            explained[why or ""] += 1
            if why is None:
                unexplained.append((frame, ours, theirs.get(number), skipped))
    assert unexplained == []
    assert set(explained) == set(EXPLAINED), "an explanation that explains nothing any more"
    assert compared > 2000


@needs_tshark
def test_reassembled_fragments_equal_those_of_tshark(tmp_path: Path) -> None:
    whole = over_ipv4(segment(bytes(range(256)) * 6, options=[("NOP", None), ("NOP", None), ("Timestamp", (1, 2))]))
    first, second, third, fourth = fragments(whole, [3, 90, 100])
    parts = [third, first, second, third, fourth]
    write_pcap(tmp_path / "fragments.pcap", RAW, [(part, len(part)) for part in parts])
    ((number, theirs),) = tshark(tmp_path / "fragments.pcap", defragment=True).items()
    dissector = Dissector(None, Counter())
    found = [dissector.dissect(Frame(n, n, RAW, part, len(part))) for n, part in enumerate(parts, 1)]
    ours = found[number - 1]
    assert number == 5
    assert isinstance(ours, Segment)
    assert our_row(ours) == theirs
    assert ours.payload == getattr(look(whole, RAW)[0], "payload", None)


@needs_corpus
def test_no_frame_of_the_corpus_raises_and_each_is_counted() -> None:
    for link_type, frames in corpus_frames().items():
        skipped: Counter[str] = Counter()
        dissector = Dissector(None, skipped)
        found = [dissector.dissect(Frame(n, n, link_type, *frame)) for n, frame in enumerate(frames, 1)]
        dissector.finish()
        assert sum(packet is not None for packet in found) + skipped.total() == len(frames)
