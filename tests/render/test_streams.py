"""The list of conversations on a screen and as a document; transcripts, which are masked and harmless to a terminal."""

from __future__ import annotations

import io
import json
from collections import Counter, deque
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from render.build import connected, facts
from rich.console import Console

from ibsniff.model import Gap, Moment, Side, WireBytes, WireText
from ibsniff.model.streams import Chunk, Stream, StreamList
from ibsniff.render import streams as page
from ibsniff.render import transcript
from ibsniff.render.streams import StreamScreen, document
from ibsniff.render.transcript import ShownChunk, as_hex, as_text, masked, unmasked


def stream(number: int = 3) -> Stream:
    connection = connected()
    connection.history = "ShADag"
    half = connection.from_server
    half.segments, half.length, half.captured, half.gap_bytes = 4, 150, 130, 20
    half.gaps, half.duplicates, half.retransmissions = [Gap(17, 20, Moment(9, 0))], 2, 1
    return Stream(number, connection, "S1", {Side.SERVER: 1}, {Side.CLIENT: "ab" * 32, Side.SERVER: None})


def shown(*lists: StreamList, width: int = 100, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    Console(file=file, width=width, highlight=False, markup=False, emoji=False).print(StreamScreen(lists))
    file.flush()
    return raw.getvalue().decode(encoding)


def test_the_screen_shows_each_direction_and_its_anomalies() -> None:
    text = shown(StreamList(facts(), [stream()]))
    assert "3  127.0.0.1:50123 → 127.0.0.1:7497  S1 ShADag" in text
    assert "← 6 packets, 150 bytes; 20 bytes missing (20 at 17); 1 retransmission; 2 duplicates" in text
    assert "sha256 " + "ab" * 32 in text
    assert "not computed: the gaps are too large" in text


def test_the_screen_says_what_it_omits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MAX_ON_SCREEN", 2)
    found = StreamList(facts(), [stream(number) for number in range(5)], Counter({"S0": 7}), closed_early=6)
    text = shown(found)
    assert "3 more conversations with --json" in text
    assert "7 more conversations, only counted: 7 S0" in text
    assert "6 conversations given up because there were too many" in text


def test_a_console_without_unicode_gets_ascii() -> None:
    assert shown(StreamList(facts(), [stream()]), encoding="ascii").isascii()


def test_a_hostile_path_does_not_reach_the_terminal() -> None:
    assert "\x1b" not in shown(StreamList(facts(path="\x1b[31mred")))


def test_the_document_contains_everything() -> None:
    lists = [StreamList(facts(), [stream(0)]), StreamList(facts(), [stream(0)], Counter({"S0": 7}), closed_early=6)]
    made = json.loads(json.dumps(document(lists, "9.9")))
    assert (made["schema_version"], made["tool"]) == (1, {"name": "ibsniff", "version": "9.9"})
    assert (made["omitted"], made["omitted_states"], made["closed_early"]) == (7, {"S0": 7}, 6)
    assert [(one["input"], one["stream"]) for one in made["streams"]] == [(0, 0), (1, 0)]
    server = made["streams"][0]["from_server"]
    assert (server["packets"], server["bytes"], server["captured_bytes"]) == (6, 150, 130)
    assert (server["gap_bytes"], server["gap_count"]) == (20, 1)
    assert server["gaps"] == [{"offset": 17, "length": 20, "packet": 9}]
    assert (server["sha256"], made["streams"][0]["from_client"]["sha256"]) == (None, "ab" * 32)


def test_every_anomaly_is_a_counter_of_a_half() -> None:
    half = connected().from_client
    assert all(getattr(half, counter) == 0 for counter, _, _ in page.ANOMALIES)


# ---------------------------------------------------------------------------------------------------------------
# Transcripts


def sent(*pieces: bytes, side: Side = Side.SERVER) -> list[Chunk]:
    offsets = [sum(map(len, pieces[:index])) for index in range(len(pieces))]
    return [
        Chunk(side, at, 4 + index, WireBytes(data))
        for index, (at, data) in enumerate(zip(offsets, pieces, strict=True))
    ]


def plain(chunks: list[Chunk], *known: str) -> list[ShownChunk]:
    return list(masked(chunks, lambda: map(WireText, known)))


def test_text_marks_each_packet_and_indents_what_follows_a_line_feed() -> None:
    forged = "GET /\r\n← #1  forged\x1b[2J".encode()
    lines = list(as_text([ShownChunk(Side.CLIENT, 0, 12, forged, 0), ShownChunk(Side.SERVER, 0, 13, b"", 7)]))
    assert lines == [
        "→ #12  GET /\\x0d\\x0a",
        "       ← #1  forged\\x1b[2J",
        "← 7 bytes from offset 0 on were not captured",
    ]


def test_each_row_of_hex_has_its_offset() -> None:
    lines = list(as_hex(unmasked(sent(b"API\0", bytes(range(0x41, 0x52))))))
    assert lines == [
        "← #4  4 bytes",
        "  00000000  41 50 49 00                                      API.",
        "← #5  17 bytes",
        "  00000004  41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50  ABCDEFGHIJKLMNOP",
        "  00000014  51                                               Q",
    ]


@given(st.lists(st.binary(min_size=1, max_size=200)))
def test_no_bytes_control_a_terminal(pieces: list[bytes]) -> None:
    lines = [*as_text(unmasked(sent(*pieces))), *as_hex(unmasked(sent(*pieces)))]
    assert all(line.isprintable() for line in lines)


def test_long_text_is_not_shortened() -> None:
    (line,) = as_text(unmasked(sent(b"\xff" * 10_000)))
    assert line.endswith("\\xff" * 10_000)


@given(st.lists(st.integers(1, 16)))
def test_an_account_is_masked_however_it_was_cut(cuts: list[int]) -> None:
    data = b"\x00\x0fDU1234567\x00U7654321\x00"
    edges = sorted({0, len(data), *cuts})
    pieces = [data[start:end] for start, end in pairwise(edges)]
    other = sent(b"A1", side=Side.CLIENT) * len(pieces)
    mixed = [chunk for pair in zip(sent(*pieces), other, strict=True) for chunk in pair]
    kept = [chunk for chunk in plain(mixed) if chunk.side is Side.SERVER]
    assert [len(chunk.data) for chunk in kept] == [len(piece) for piece in pieces]
    assert b"".join(chunk.data for chunk in kept) == b"\x00\x0fDU*****67\x00U*****21\x00"


def test_an_account_of_another_shape_is_masked_once_the_conversation_named_it() -> None:
    assert [chunk.data for chunk in plain(sent(b"XYZ", b"ZY77!"), "XYZZY77")] == [b"XY*", b"**77!"]


def test_masking_buffers_no_more_than_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "WINDOW", 4000)
    taken = 0

    def stream_of(chunks: list[Chunk]) -> object:
        nonlocal taken
        for chunk in chunks:
            taken += 1
            yield chunk

    letters = [bytes([letter]) for letter in b"-DU1234567" * 50]
    shown_first = next(iter(masked(stream_of(sent(*letters)), lambda: ())))  # type: ignore[arg-type]
    assert shown_first.data == b"-"
    assert taken < 25
    assert b"".join(chunk.data for chunk in plain(sent(*letters))) == b"-DU*****67" * 50


def test_a_gap_keeps_its_position() -> None:
    chunks = [*sent(b"a"), Chunk(Side.SERVER, 1, 9, WireBytes(b""), 5), Chunk(Side.SERVER, 6, 10, WireBytes(b"b"))]
    assert plain(chunks) == list(unmasked(chunks))


def test_the_beginning_of_an_account_before_a_gap_is_masked() -> None:
    gap = Chunk(Side.SERVER, 7, 9, WireBytes(b""), 5)
    behind = Chunk(Side.SERVER, 12, 10, WireBytes(b"7 and U1"))
    assert [chunk.data for chunk in plain([*sent(b"to U123"), gap, behind])] == [b"to U***", b"", b"7 and **"]


@pytest.mark.parametrize("cut", range(1, 12))
def test_an_account_field_is_masked_whatever_stands_in_it(cut: int) -> None:
    data = "\x006\x002\x00key\x00Müller\x00".encode()
    start = data.index(b"M")
    places = {Side.SERVER: deque([(1, 2), (start, start + 7)]), Side.CLIENT: deque([(0, 1)])}
    kept = list(masked(sent(data[:cut], data[cut:]), lambda: (), places))
    assert b"".join(chunk.data for chunk in kept) == data[:1] + b"*" + data[2:start] + "Mü".encode() + b"****\x00"
