"""Our packet numbers are those of Wireshark, whatever blocks and damage a file has."""

from __future__ import annotations

import io
import shutil
import subprocess
from struct import pack

import pytest
from capture_bytes import (
    BIG,
    DATA,
    block,
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

from ibsniff.capture.writer import PcapngWriter
from ibsniff.model import Frame, UserError

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

START = section() + interface()
JOURNAL = block(9, b"__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE=hi\n")
CUSTOM = b"".join(block(kind, pack("<I", 32473) + b"anything") for kind in (0xBAD, 0x40000BAD))
NO_PACKETS = JOURNAL + CUSTOM + b"".join(block(kind, bytes(60)) for kind in range(0x200, 0x230))
KEYS = block(0xA, pack("<II", 0x544C534B, 4) + b"keys")
NAMES = block(4, pack("<HH", 0, 0))
NANO = interface(101, options=option(9, b"\x09") + option(14, pack("<q", 5)))


def written() -> bytes:
    stream = io.BytesIO()
    writer = PcapngWriter(stream, [("lo", 1), ("any", 276)], application="ibsniff 1.0")
    for number in range(1, 9):
        frame = Frame(number, 1_700_000_000_123_456_789 + number, 1, DATA[:number], number + number % 3)
        writer.write(frame, number % 2)
    writer.statistics(0, 1_700_000_001_000_000_000, 8, 1)
    return stream.getvalue()


CASES = {
    "what we write": written(),
    "pcap": pcap_header() + record() * 3,
    "pcap big-endian nanoseconds": pcap_header(BIG, 0xA1B23C4D) + record(fraction=999_999_999, order=BIG),
    "pcap cut in a packet": pcap_header() + record() + record()[:40],
    "pcap cut after a header": pcap_header() + record() + record()[:16],
    "pcap cut in a header": pcap_header() + record() + record()[:10],
    "pcap longest packet": pcap_header() + record(b"a" * 262_144) + record(),
    "pcap too long packet": pcap_header() + record() + record(b"a" * 262_145) + record(),
    "pcap above snaplen": pcap_header(snaplen=40) + record() * 3,
    "pcap zeros at the end": pcap_header() + record() + bytes(160),
    "pcap with FCS length": pcap_header(link=0x14000001) + record(),
    "pcap reserved bits": pcap_header(link=0x00010001) + record(),
    "pcap version 1": pcap_header(version=(1, 4)) + record(),
    "every packet block": START + enhanced() + obsolete() + simple() + enhanced(),
    "blocks without a packet": START + enhanced() + NO_PACKETS + KEYS + NAMES + enhanced(),
    "sections": START + enhanced() + section(BIG) + interface(101, order=BIG) + enhanced(order=BIG),
    "interfaces": START + NANO + enhanced() + enhanced(index=1, ticks=1_700_000_000_123_456_789) + obsolete(index=1),
    "simple cut": section() + interface(snaplen=41) + simple(DATA[:41], 100) + enhanced(),
    "simple nonsense": START + enhanced() + simple(original=600) + enhanced(),
    "statistics": START + enhanced() + statistics() + enhanced() + statistics(9) + enhanced(),
    "unpadded length": START + enhanced() + pack("<II", 0x77, 17) + bytes(8) + pack("<I", 17) + enhanced(),
    "trailing length differs": START + enhanced() + enhanced()[:-4] + pack("<I", 99) + enhanced(),
    "packet beyond block": START + enhanced() + enhanced(captured=61) + enhanced(),
    "unknown interface": START + enhanced() + enhanced(index=1) + enhanced(),
    "section without interface": START + enhanced() + section() + enhanced(),
    "section version 2": START + enhanced() + section(major=2) + interface() + enhanced(),
    "section version 1.2": START + enhanced() + section(minor=2) + interface() + enhanced(),
    "option too long": START + enhanced() + enhanced(options=pack("<HH", 1, 60000)) + enhanced(),
    "pcapng cut": START + enhanced() + enhanced()[:-2],
    "pcapng zeros at the end": START + enhanced() + bytes(40),
}


@pytest.mark.parametrize("name", CASES)
def test_frames_are_those_of_wireshark(name, tmp_path):
    path = tmp_path / "capture"
    path.write_bytes(CASES[name])
    fields = ["frame.number", "frame.time_epoch", "frame.cap_len", "frame.len", "frame.encap_type"]
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", *(word for field in fields for word in ("-e", field))]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    packets = [row[:4] for row in rows if row[4]]  # a block without a packet has a number and no link type
    try:
        frames, facts = read(CASES[name])
        damaged = facts.truncated is not None
    except UserError:
        frames, damaged = [], True
    ours = [[str(f.number), _epoch(f.time_ns), str(len(f.data)), str(f.wire_length)] for f in frames]
    for row, mine in zip(packets, ours, strict=True):
        row[1] = row[1] or mine[1]  # a simple packet has no time there
    assert ours == packets
    assert damaged == (result.returncode != 0)


def _epoch(time_ns: int) -> str:
    return f"{time_ns // 1_000_000_000}.{time_ns % 1_000_000_000:09d}"
