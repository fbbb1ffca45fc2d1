"""What is fuzzed: from any bytes to what must hold of them. Each harness is a function that raises when it does not.

Nothing in here knows a fuzzer: ``run.py`` drives them by coverage, ``test_fuzz.py`` feeds them their seeds.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

from masking.corpus import accounts, lookalikes
from rich.console import Console

from ibsniff.analysis.api_traffic import API_PORTS, Ports
from ibsniff.analysis.following import Follower, Limits
from ibsniff.analysis.pipeline import Analysis
from ibsniff.analysis.reading import read_files
from ibsniff.capture.files import open_capture
from ibsniff.capture.input_record import InputRecord
from ibsniff.ib.dialogue import DialogueReader
from ibsniff.ib.message_summary import MAX_ERROR_CODES, MAX_FIRST_MESSAGES
from ibsniff.masking.masker import AccountMasker
from ibsniff.masking.sentence import resolved, sentence
from ibsniff.model import (
    ACK,
    SYN,
    Dialogue,
    Endpoint,
    Frame,
    Gap,
    Mark,
    Moment,
    Outcome,
    Report,
    Run,
    Rung,
    Segment,
    Side,
    Tick,
    UserError,
    WireBytes,
    WireText,
)
from ibsniff.model.streams import Chunk
from ibsniff.net import Dissector
from ibsniff.render import terminal, transcript
from ibsniff.render.document import document
from ibsniff.render.markdown import markdown
from ibsniff.screens import JsonLines, Lines
from ibsniff.screens.messages import MessageLines
from ibsniff.tcp import ConnectionTable

CAPTURES = Path(__file__).parents[2] / "captures"
SMALL = 4096
"""Bytes of a seed: coverage is found in small inputs, a mutation in large ones seldom hits what matters."""
STEP_NS = 50_000_000


@dataclass(frozen=True)
class Harness:
    """A target, and inputs to start from."""

    target: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]


# ---------------------------------------------------------------------------------------------------------------
# Files


def files(data: bytes) -> None:
    """Any bytes are a capture or a ``UserError``; what comes out of one is in order."""
    try:
        with open_capture("-", io.BytesIO(data)) as capture:
            for number, frame in enumerate(capture.frames(), 1):
                assert len(frame.data) <= frame.wire_length
                assert frame.time_ns >= 0
                assert number <= frame.number, "some blocks are counted and hold no packet"
            assert capture.facts.packets <= len(data) * 1100
    except UserError as refused:
        if not (refused.what and refused.what_to_do):
            raise AssertionError("an error that tells the user nothing") from refused


def captures() -> Iterator[bytes]:
    """The scenarios' files, those that are small."""
    for path in sorted(CAPTURES.glob("*/capture.pcap*")):
        if path.stat().st_size <= SMALL:
            yield path.read_bytes()


# ---------------------------------------------------------------------------------------------------------------
# Frames

LINK_TYPES = (0, 1, 12, 101, 108, 113, 149, 228, 229, 258, 276)
HEAD = Struct("<BBH")
"""Which link type, how many bytes longer it was on the wire, how many were captured."""


def frames_of(data: bytes) -> Iterator[Frame]:
    """Read a fuzzer's bytes as frames, one after the other."""
    position = number = 0
    while position + HEAD.size <= len(data):
        link, missing, length = HEAD.unpack_from(data, position)
        position += HEAD.size
        number += 1
        captured = data[position : position + length]
        link_type = LINK_TYPES[link % len(LINK_TYPES)]
        yield Frame(number, number * STEP_NS, link_type, captured, len(captured) + missing)
        position += length


def as_frames(frames: list[Frame]) -> bytes:
    """The same the other way round."""
    parts = []
    for frame in frames:
        if frame.link_type in LINK_TYPES and len(frame.data) <= 0xFFFF:
            missing = min(frame.wire_length - len(frame.data), 0xFF)
            parts.append(HEAD.pack(LINK_TYPES.index(frame.link_type), missing, len(frame.data)) + frame.data)
    return b"".join(parts)


def frames(data: bytes) -> None:
    """Every frame becomes a packet, is counted as skipped, or waits for the rest of its datagram."""
    for ports in (API_PORTS, None):
        skipped: Counter[str] = Counter()
        dissector = Dissector(ports, skipped)
        given = passed = 0
        for frame in frames_of(data):
            given += 1
            packet = dissector.dissect(frame)
            if packet is not None:
                passed += 1
                assert packet.packet == frame.number
            if isinstance(packet, Segment):
                assert len(packet.payload) <= packet.length
        dissector.finish()
        assert passed + skipped.total() <= given, "no frame is counted twice"


def captured_frames() -> Iterator[bytes]:
    """The scenarios' packets."""
    for content in captures():
        with open_capture("-", io.BytesIO(content)) as capture:
            yield as_frames(list(capture.frames())[:20])


# ---------------------------------------------------------------------------------------------------------------
# TCP

CLIENT, SERVER = Endpoint(b"\x7f\0\0\1", 51_000), Endpoint(b"\x7f\0\0\1", 7497)
TCP_HEAD = Struct("<BBHHBB")
"""Flags, direction and time, sequence and acknowledgment beside what is due, bytes of payload, window."""


def segments_of(data: bytes) -> Iterator[Segment]:
    """Read a fuzzer's bytes as segments whose numbers lie near those that are due, so that streams come about."""
    due = {CLIENT: 0xFFFF_FF00, SERVER: 0x7FFF_FFF0}
    position = number = time_ns = 0
    while position + TCP_HEAD.size <= len(data):
        flags, how, seq, ack, length, window = TCP_HEAD.unpack_from(data, position)
        position += TCP_HEAD.size
        number += 1
        source, destination = (CLIENT, SERVER) if how & 1 else (SERVER, CLIENT)
        time_ns += (how >> 1) * STEP_NS
        start = (due[source] + seq - 0x8000 if how & 2 else due[source]) & 0xFFFF_FFFF
        payload = data[position : position + length]
        acknowledged = (due[destination] + ack - 0x8000 if how & 4 else due[destination]) & 0xFFFF_FFFF
        yield Segment(number, time_ns, source, destination, start, acknowledged, flags, window, payload, length)
        due[source] = (start + length + bool(flags & SYN)) & 0xFFFF_FFFF
        position += length


def tcp(data: bytes) -> None:
    """Runs and gaps of a direction follow each other, and together they are what was sent."""
    table = ConnectionTable(API_PORTS)
    reached: dict[tuple[int, Side], int] = {}
    kept = []
    events = []
    for segment in segments_of(data):
        connection, found = table.feed(segment)
        kept.append(connection)
        events += [(connection, *event) for event in found]
    events += table.finish()
    for connection, side, event in events:
        key = id(connection), side
        length = len(event.data) if isinstance(event, Run) else event.length
        assert length > 0
        assert event.offset == reached.get(key, 0)
        reached[key] = event.offset + length
        if isinstance(event, Run):
            assert event.marks[0].offset <= event.offset
            assert list(event.marks) == sorted(event.marks)
    for connection in kept:
        for half in (connection.from_client, connection.from_server):
            assert half.captured + half.gap_bytes >= 0
            assert half.acked <= half.length


def conversations() -> Iterator[bytes]:
    """A handshake, some data each way, an end; a retransmission, a hole."""
    opening = [(SYN, 1, b""), (SYN | ACK, 0, b""), (ACK, 1, b"")]
    talk = [(ACK, 1, b"API\0\0\0\0\x09v157..178"), (ACK, 0, b"\0\0\0\x1a178\x0020260105 09:30:00 EST\0"), (ACK, 1, b"")]
    for ending in ([], [(ACK | 1, 1, b"")], [(ACK | 4, 0, b"")], [(ACK, 0, bytes(200))]):
        script = [*opening, *talk, *ending]
        yield b"".join(TCP_HEAD.pack(f, how, 0x8000, 0x8000, len(d), 9) + d for f, how, d in script)
    odd = [(ACK, 3, 0x8010, b"later"), (ACK, 3, 0x8000 - 21, b"sooner"), (ACK, 4, 0x8000, b""), (SYN, 3, 0x9000, b"")]
    head = b"".join(TCP_HEAD.pack(f, how, 0x8000, 0x8000, len(d), 9) + d for f, how, d in opening)
    yield head + b"".join(TCP_HEAD.pack(f, how, seq, 0x8000, len(d), 9) + d for f, how, seq, d in odd)


# ---------------------------------------------------------------------------------------------------------------
# IB's language

PIECE = Struct("<BB")
"""Whose bytes and how they come, and how many."""


def pieces_of(data: bytes) -> Iterator[tuple[Side, Run | Gap]]:
    """Read a fuzzer's bytes as what ``tcp`` would deliver."""
    offsets = dict.fromkeys(Side, 0)
    position = number = 0
    while position + PIECE.size <= len(data):
        how, length = PIECE.unpack_from(data, position)
        position += PIECE.size
        number += 1
        side = Side.SERVER if how & 1 else Side.CLIENT
        offset = offsets[side]
        moment = Moment(number, number * STEP_NS)
        if how & 0xF0 == 0xF0:
            yield side, Gap(offset, length + 1, moment)
            offsets[side] += length + 1
            continue
        found = data[position : position + length]
        position += length
        if found:
            yield side, Run(offset, found, (Mark(offset, *moment),))
            offsets[side] += len(found)


def dialogue(data: bytes) -> None:
    """Whatever both sides say: it is bounded, and how it was cut into packets changes nothing but their numbers.

    But for holes: behind one a frame is looked for where a packet begins.
    """
    pieces = list(pieces_of(data))
    told = heard(True, pieces)
    assert len(told.first_messages) <= MAX_FIRST_MESSAGES
    assert len(told.errors) <= MAX_ERROR_CODES
    heard(False, pieces)
    if not any(isinstance(piece, Gap) for _, piece in pieces):
        assert substance(heard(True, bytewise(pieces))) == substance(told)


def heard(seen_from_start: bool, pieces: Iterable[tuple[Side, Run | Gap]]) -> Dialogue:
    """What was understood."""
    reader = DialogueReader(seen_from_start)
    for side, piece in pieces:
        reader.take(side, piece)
    return reader.dialogue


def bytewise(pieces: Iterable[tuple[Side, Run | Gap]]) -> Iterator[tuple[Side, Run]]:
    """The same in packets of one byte."""
    for side, piece in pieces:
        if isinstance(piece, Run):
            for offset, byte in enumerate(piece.data, piece.offset):
                yield side, Run(offset, bytes((byte,)), (piece.marks[0]._replace(offset=offset),))


def substance(told: Dialogue) -> tuple[object, ...]:
    """What of it does not depend on how it came."""
    errors = {code: tally.count for code, tally in told.errors.items()}
    hello = told.hello and told.hello.is_valid and (told.hello.raw, told.hello.max_version)
    return told.messages, told.accounts, told.ready, errors, hello


def sessions() -> Iterator[bytes]:
    """What the scenarios' two sides said, piece by piece."""
    for content in captures():
        with open_capture("-", io.BytesIO(content)) as capture:
            analysis, parts = Analysis(capture.record), []
            table = ConnectionTable(API_PORTS)
            dissector = Dissector(API_PORTS, analysis.skipped)
            for frame in capture.frames():
                packet = dissector.dissect(frame)
                if isinstance(packet, Segment):
                    parts += [_as_piece(*event) for event in table.feed(packet)[1]]
            yield b"".join(parts)[:SMALL]


def _as_piece(side: Side, event: Run | Gap) -> bytes:
    whose = 1 if side is Side.SERVER else 0
    if isinstance(event, Gap):
        return PIECE.pack(0xF0 | whose, min(event.length - 1, 0xFF))
    return PIECE.pack(whose, min(len(event.data), 0xFF)) + event.data[:0xFF]


# ---------------------------------------------------------------------------------------------------------------
# Everything


def read(data: bytes) -> None:
    """``ibsniff read`` on any bytes: a report in every form, or one ``UserError``."""
    ports = Ports(any=len(data) % 2 == 1)
    reading = read_files(["-"], ports, stdin=io.BytesIO(data))
    assert len(reading.unreadable) + len(reading.report.inputs) == 1
    json.dumps(document(reading.report, "1"), allow_nan=False, ensure_ascii=False).encode()
    for text in (screen(reading.report, verbose=len(data) % 4 < 2), markdown(reading.report)):
        assert text.replace("\n", "").isprintable()


def screen(report: Report, verbose: bool) -> str:
    """The report as a terminal shows it."""
    console = Console(file=io.StringIO(), width=80, highlight=False, emoji=False, markup=False)
    with console.capture() as captured:
        console.print(terminal.renderable(report, verbose=verbose))
    return captured.get()


# ---------------------------------------------------------------------------------------------------------------
# Account numbers

MASKER_SEPARATORS = ("", "-", " ", ".", ":", "\u2009", "\x00")
MASKER_HEAD = Struct("<BBBB")
"""Which account, how it is written, how long the text before it is, and whether the text was cut off."""


def masker(data: bytes) -> None:
    """Any bytes keep their length, our own words stay, and no account among them can be read."""
    if len(data) < MASKER_HEAD.size:
        return
    which, how, length, cut = MASKER_HEAD.unpack_from(data)
    rest = data[MASKER_HEAD.size :]
    before, behind = rest[:length], rest[length:]
    prefix, number = ("U", "F", "DU", "DI", "DUK")[which % 5], ("1234567", "246813", "12345678")[which // 5 % 3]
    separator = MASKER_SEPARATORS[how % len(MASKER_SEPARATORS)]
    if prefix == "DUK":
        number = number[:7]
    if separator:  # the prefix begins a word then
        before += b" "
    account = f"{prefix}{separator}{number}".encode()
    whole = before + account + (behind if behind[:1].isalpha() else b" " + behind)
    masked = MASKER.bytes(whole, bool(cut & 1))
    assert len(masked) == len(whole)
    assert all(new in (old, ord("*")) for old, new in zip(masked, MASKER.bytes(masked), strict=True))
    place = slice(len(before), len(before) + len(account))
    assert number[:-2].encode() not in masked[place]
    step = 1 + how % 40
    pieces = [whole[at : at + step] for at in range(0, len(whole), step)]
    chunks = [Chunk(Side.SERVER, step * number, number, WireBytes(piece)) for number, piece in enumerate(pieces)]
    followed = b"".join(chunk.data for chunk in transcript.masked(chunks, MASKER_KNOWN.copy))
    assert followed == MASKER.bytes(whole, is_cut=True, is_tail=True)
    text = whole.decode("utf-8", "backslashreplace")
    ours = f"The server {prefix}1234567 replied {WireText(text, bool(cut & 1)):quoted} and {WireBytes(whole, bool(cut & 1)):quoted}."
    shown = resolved(ours, MASKER)
    assert shown.startswith(f"The server {prefix}1234567 replied ")
    assert shown.endswith(f" and {masked.hex(' ')}.")
    assert sentence(ours).isprintable()


MASKER_KNOWN = [WireText("SPARROW99"), WireText("DU7654321")]
MASKER = AccountMasker(one.unmasked for one in MASKER_KNOWN)


def texts() -> Iterator[bytes]:
    """What servers and clients say in the scenarios, and rows of the masker's corpus."""
    for row in (*accounts(), *lookalikes()):
        yield MASKER_HEAD.pack(len(row.text) % 15, 0x40, len(row.text) % 7, 0) + row.text.encode()
    for which in range(15):
        yield MASKER_HEAD.pack(which, which % 7, 3, which % 2) + b"to: , said 12:30"


# ---------------------------------------------------------------------------------------------------------------
# Live events

DROPS_EVERY, OUTAGE_EVERY = 7, 11
"""After so many packets the capture loses some, or its interface goes down, if the input asks for it."""


def live(data: bytes) -> None:
    """Any packets, one after the other: live output is printable lines, and the last events agree with the report."""
    if not data:
        return
    wanted, packets = data[0], list(frames_of(data[1:]))
    printed: dict[type[Lines], list[str]] = {}
    for make in (Lines, MessageLines, JsonLines):
        rows, errors = printed.setdefault(make, []), list[str]()
        final = _follow(packets, wanted, make(rows.append, errors.append, False, lambda: "nothing"))
        assert all(line.isprintable() for line in (*rows, *errors))
    events = [json.loads(row) for row in printed[JsonLines]]
    latest = {event["conversation"]: event for event in events if "conversation" in event}
    for one in final.conversations:
        told = latest[one.id]
        assert (told["client"], told["server"]) == (str(one.connection.client), str(one.connection.server))
        rungs = [event["rung"] for event in events if event["type"] == "rung" and event["conversation"] == one.id]
        outcomes = [
            event["outcome"] for event in events if event["type"] == "outcome" and event["conversation"] == one.id
        ]
        assert (rungs or [Rung.NOTHING])[-1] == one.rung
        assert (outcomes or [Outcome.UNPROVEN])[-1] == one.outcome
    assert [event["text"] for event in events if event["type"] == "interface"] == [*final.inputs[0].events]
    drops = [event["dropped"] for event in events if event["type"] == "drops"]
    assert drops == sorted(set(drops))
    assert (drops or [0])[-1] == sum(facts.dropped or 0 for facts in final.inputs)


def _follow(packets: list[Frame], wanted: int, screen: Lines) -> Report:
    """Follow these packets as a live source, with losses and interface events where the input asks for them."""
    analysis = Analysis(InputRecord("lo", is_live=True), any_port=bool(wanted & 1))
    follower = Follower(analysis, screen, Limits())
    for number, frame in enumerate(packets, 1):
        if wanted & 2 and number % DROPS_EVERY == 0:
            analysis.record.set_dropped(number)
            analysis.record.add_loss(frame.time_ns - STEP_NS, frame.time_ns, DROPS_EVERY)
        if wanted & 4 and number % OUTAGE_EVERY == 0:
            analysis.record.note("lo went down")
        follower.take(frame if wanted & 8 or number % 3 else Tick(frame.time_ns))
    return follower.finish()


def sources() -> Iterator[bytes]:
    """The scenarios' packets, with and without losses and interface events."""
    for number, seed in enumerate(captured_frames()):
        yield bytes([number % 16]) + seed


HARNESSES: dict[str, Harness] = {
    "files": Harness(files, captures),
    "frames": Harness(frames, captured_frames),
    "tcp": Harness(tcp, conversations),
    "dialogue": Harness(dialogue, sessions),
    "live": Harness(live, sources),
    "masker": Harness(masker, texts),
    "read": Harness(read, captures),
}
