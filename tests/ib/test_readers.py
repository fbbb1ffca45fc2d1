"""Every reader of IB's bytes, fed whole, byte by byte and with junk after the message, by one helper."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import ib_bytes
import pytest
from ib_bytewise import JUNK, check_reader

from ibsniff.ib import message_summary, messages, protobuf
from ibsniff.ib.column_messages import read_columns
from ibsniff.ib.columns import find_frames
from ibsniff.ib.dialogue import READERS, DialogueReader, ReadState
from ibsniff.ib.frames import MAX_FRAME, FrameReader
from ibsniff.ib.hello import ParsedHello, read_hello
from ibsniff.ib.legacy import LegacySplitter, read_bare_client_id
from ibsniff.ib.message_summary import MessageSummary
from ibsniff.ib.reply import ParsedReply, read_reply
from ibsniff.ib.request_ledger import RequestLedger
from ibsniff.ib.stream_buffer import StreamBuffer
from ibsniff.model import (
    ColumnRun,
    Dialect,
    Dialogue,
    Gap,
    Mark,
    Moment,
    Reply,
    ReplyKind,
    Run,
    Side,
    StartForm,
    WireError,
    WireText,
)

HERE = Moment(1, 0)
CLIENT, SERVER = Side.CLIENT, Side.SERVER
VERSIONS = (151, 178, 194, 201, 203, 207, 213, 225)
"""At least one version for each form of a message."""
FRAMED = (100, *VERSIONS)


def is_none(found: object) -> bool:
    return found is None


# -- the openings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ib_bytes.GOOD_HELLOS)
def test_hello(name: str) -> None:
    raw = ib_bytes.GOOD_HELLOS[name]

    def read(chunks: Sequence[bytes]) -> tuple[ParsedHello, bytes]:
        data = b"".join(chunks)
        found = read_hello(data)
        return found, data[found.consumed :]

    unfinished = (Dialect.INCOMPLETE, Dialect.BAD_LENGTH)  # a length is too large until its bytes have come
    check_reader(read, raw, read_hello(raw), is_unfinished=lambda found: found.dialect in unfinished)
    assert read_hello(raw).dialect is (Dialect.LEGACY if raw[:1].isdigit() else Dialect.V100PLUS)


REPLIES = {
    "178": (ib_bytes.reply(178), ReplyKind.FRAMED, 178),
    "225": (ib_bytes.reply(225), ReplyKind.FRAMED, 225),
    "a time zone of several words": (
        ib_bytes.reply(187, "20260105 09:30:00 China Standard Time"),
        ReplyKind.FRAMED,
        187,
    ),
    "a time zone in Latin-1": (
        ib_bytes.frame(b"187\x0020260105 09:30:00 Mitteleurop\xe4ische Zeit\0"),
        ReplyKind.FRAMED,
        187,
    ),
    "redirect": (ib_bytes.reply(-1, "10.0.0.5:7497"), ReplyKind.REDIRECT, -1),
    "redirect with another negative number": (ib_bytes.reply(-2, "cdc1.ibllc.com"), ReplyKind.REDIRECT, -2),
    "legacy": (ib_bytes.reply(76), ReplyKind.LEGACY, 76),
}


@pytest.mark.parametrize("name", REPLIES)
def test_reply(name: str) -> None:
    raw, kind, version = REPLIES[name]

    def read(chunks: Sequence[bytes]) -> tuple[ParsedReply, bytes]:
        data = b"".join(chunks)
        found = read_reply(data)
        return found, data[found.consumed :]

    check_reader(read, raw, read_reply(raw), is_unfinished=lambda found: found.kind is ReplyKind.UNFINISHED)
    assert (read_reply(raw).kind, read_reply(raw).server_version) == (kind, version)


@pytest.mark.parametrize("inside", [b"x", b"\0", b"a third field\0"])
def test_junk_inside_the_declared_length_makes_an_opening_invalid(inside: bytes) -> None:
    assert read_reply(ib_bytes.frame(ib_bytes.REPLY[4:] + inside)).kind is ReplyKind.FOREIGN
    assert not read_hello(ib_bytes.HELLO[:4] + ib_bytes.frame(ib_bytes.HELLO[8:] + inside)).consumed


# -- payloads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "number"),
    [(b"4\0", 4), (b"15\0", 15), (b"104\0", 104), (b"\0\0\0\x0f", 15), (b"\0\0\0\xcc", 4), (b"\0\0\x01\x0f", 71)],
)
def test_message_id(raw: bytes, number: int) -> None:
    def read(chunks: Sequence[bytes]) -> tuple[int | None, bytes]:
        payload = messages.split_payload(b"".join(chunks))
        return payload.id, payload.body

    check_reader(read, raw, number, is_unfinished=is_none)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("is_version_known", [True, False])
def test_error(version: int, is_version_known: bool) -> None:
    """A payload that was cut may give the error without its text, but no other code; later fields change nothing."""
    framed = ib_bytes.error(version, 326, "in use", 12)
    expected = WireError(12, 326, WireText("in use"), HERE)

    def read(chunks: Sequence[bytes]) -> tuple[WireError | None, bytes]:
        payload = messages.split_payload(b"".join(chunks))
        return messages.decode_error(payload, version if is_version_known else None, HERE), b""

    def is_unfinished(found: WireError | None) -> bool:
        if found is None or found == expected:
            return True
        if version >= 203:
            return found == expected._replace(text=WireText(""))
        # of an unknown version, an error with a version field but no text looks like a newer one with a text
        return not is_version_known and version < 194 and found == WireError(2, 12, WireText("326"), HERE)

    check_reader(read, framed[4:], expected, is_unfinished=is_unfinished, junk=())
    junk = ib_bytes.protobuf(0, {99: 1, 98: "x"})[8:] if version >= 203 else b"one more\0and another"
    assert read([framed[4:] + junk]) == (expected, b"")
    assert read([framed[4:] + b"\xff"]) == (expected, b"")


@pytest.mark.parametrize("version", VERSIONS)
def test_accounts(version: int) -> None:
    framed = ib_bytes.managed_accounts(version, "DU1234567,DU7654321")

    def read(chunks: Sequence[bytes]) -> tuple[list[WireText], bytes]:
        return messages.decode_accounts(messages.split_payload(b"".join(chunks))), b""

    expected = [WireText("DU1234567"), WireText("DU7654321")]
    check_reader(read, framed[4:], expected, is_unfinished=lambda found: not found, junk=())
    assert read([framed[4:] + b"\xff"]) == (expected, b"")


@pytest.mark.parametrize("version", [71, *VERSIONS])
@pytest.mark.parametrize("client_id", [0, 7, 999])
def test_start_api(version: int, client_id: int) -> None:
    """A cut START_API is never one of the form that this server version requires; with junk inside it is malformed."""
    raw = ib_bytes.start_api(version, client_id)
    raw = raw if version < 100 else raw[4:]
    expected = (messages.expected_start(version), client_id)

    def read(chunks: Sequence[bytes]) -> tuple[tuple[StartForm, int | None], bytes]:
        payload = messages.split_payload(b"".join(chunks))
        return messages.decode_start(payload) if payload.id is not None else (StartForm.MALFORMED, None), b""

    check_reader(read, raw, expected, is_unfinished=lambda found: found[0] is not expected[0], junk=())
    if expected[0] is not StartForm.PROTOBUF:  # newer protobuf may have more fields
        assert read([raw + b"junk"])[0][0] is StartForm.MALFORMED


@pytest.mark.parametrize(("number", "value"), [(1, 0), (1, 300), (3, -1), (2, "text"), (500, ""), (9, "x" * 300)])
def test_protobuf_field(number: int, value: int | str) -> None:
    raw = ib_bytes.protobuf(9, {number: value})[8:]

    def read(chunks: Sequence[bytes]) -> tuple[dict[int, int | bytes], bytes]:
        return protobuf.fields(b"".join(chunks)), b""

    expected: dict[int, int | bytes] = {
        number: value.encode() if isinstance(value, str) else value % (1 << 64),
    }
    check_reader(read, raw, expected, is_unfinished=lambda found: not found, junk=())
    for junk in (b"\xff", b"\x0b", b"\x7a\x05abc"):  # a cut varint, a group, a cut text
        assert read([raw + junk]) == (expected, b"")


# -- the legacy stream ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [b"0\0", b"7\0", b"123456789\0"])
def test_bare_client_id(raw: bytes) -> None:
    def read(chunks: Sequence[bytes]) -> tuple[int | None, bytes]:
        data = b"".join(chunks)
        found = read_bare_client_id(data)
        return found, data[data.find(b"\0") + 1 :]

    check_reader(read, raw, int(raw[:-1]), is_unfinished=is_none)


LEGACY_MESSAGES = {
    "ERR_MSG": (SERVER, ib_bytes.fields(4, 2, -1, 326, "in use")),
    "NEXT_VALID_ID": (SERVER, ib_bytes.next_valid_id(76)),
    "MANAGED_ACCTS": (SERVER, ib_bytes.managed_accounts(76)),
    "START_API": (CLIENT, ib_bytes.fields(71, 1, 7)),
    "START_API with capabilities": (CLIENT, ib_bytes.start_api(76)),
}


@pytest.mark.parametrize("name", LEGACY_MESSAGES)
def test_legacy_message(name: str) -> None:
    side, raw = LEGACY_MESSAGES[name]

    def read(chunks: Sequence[bytes]) -> tuple[list[bytes], bytes]:
        splitter, unread, found = LegacySplitter(side), b"", []
        for chunk in chunks:
            unread, end = unread + chunk, 0
            for start, end in splitter.messages(unread, 76):
                found.append(unread[start:end])
            unread = unread[end:]
        return found, unread

    check_reader(read, raw, [raw], is_unfinished=lambda found: not found)


# -- frames, in both lanes ------------------------------------------------------------------------------------------

NOT_A_FRAME = tuple(junk for junk in JUNK if junk != b"\0\0\0\x05hello")
"""Junk that no reader of frames takes for a whole one."""
FRAMES = {
    "a text message": (SERVER, ib_bytes.text(178, 1, 6, 5, 1, "100.5")),
    "a message with a raw id": (SERVER, ib_bytes.text(201, 49, 1, 1_767_605_400)),
    "a protobuf message": (SERVER, ib_bytes.protobuf(49, {1: 1_767_605_400})),
    "a request": (CLIENT, ib_bytes.text(178, 49, 1)),
    "an unknown message": (CLIENT, ib_bytes.frame(b"399\0")),
    "no message id": (SERVER, ib_bytes.frame(b"\xff\xff")),
    "an error": (SERVER, ib_bytes.error(178, 326, "in use")),
    "START_API": (CLIENT, ib_bytes.START),
}


class Known(NamedTuple):
    """What a dialogue holds of the messages of one side."""

    counts: dict[str, int]
    errors: dict[int, int]
    client_id: int | None

    @classmethod
    def of(cls, dialogue: Dialogue, side: Side) -> Known | None:
        errors = {code: tally.count for code, tally in dialogue.errors.items()}
        counts = dict(dialogue.messages[side])
        return cls(counts, errors, dialogue.start and dialogue.start.client_id) if counts else None


def runs(chunks: Sequence[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Packet number and stream offset of each chunk."""
    offset = 0
    for packet, chunk in enumerate(chunks, start=1):
        yield packet, offset, chunk
        offset += len(chunk)


@pytest.mark.parametrize("lane", ["plain", "columns"])
@pytest.mark.parametrize("only_counts", [True, False])
@pytest.mark.parametrize("name", FRAMES)
def test_frame(monkeypatch: pytest.MonkeyPatch, name: str, only_counts: bool, lane: str) -> None:
    side, raw = FRAMES[name]
    monkeypatch.setattr(message_summary, "MAX_FIRST_MESSAGES", 0 if only_counts else 40)

    def read(chunks: Sequence[bytes]) -> tuple[Known | None, bytes]:
        dialogue, buffer = Dialogue(), StreamBuffer()
        summary, ledger = MessageSummary(dialogue), RequestLedger(dialogue)
        reader = FrameReader(side, buffer, summary, ledger)
        for packet, offset, chunk in runs(chunks):
            if lane == "plain":
                buffer.append(Run(offset, chunk, (Mark(offset, packet, packet),)))
            else:
                marks = array("q", [offset]), array("q", [packet]), array("q", [packet])
                read_columns({side: (buffer, ColumnRun(offset, chunk, *marks))}, summary, ledger)
            reader.read()
        return Known.of(dialogue, side), bytes(buffer.unread)

    expected, _ = read([raw])
    assert expected is not None
    assert sum(expected.counts.values()) == 1
    check_reader(read, raw, expected, is_unfinished=is_none, junk=NOT_A_FRAME)


@pytest.mark.parametrize("name", FRAMES)
def test_frame_places(name: str) -> None:
    """Where frames begin and end, found for all at once."""
    _, raw = FRAMES[name]

    def read(chunks: Sequence[bytes]) -> tuple[list[tuple[int, int]], bytes]:
        data = b"".join(chunks)
        frames = find_frames(data, MAX_FRAME)
        return list(zip(frames.starts.tolist(), frames.lengths.tolist(), strict=True)), data[frames.end :]

    check_reader(read, raw, [(0, len(raw) - 4)], is_unfinished=lambda found: not found, junk=NOT_A_FRAME)
    check_reader(
        read,
        raw * 3,
        [(number * len(raw), len(raw) - 4) for number in range(3)],
        is_unfinished=lambda found: len(found) < 3,
        junk=NOT_A_FRAME,
    )


# -- a dialogue: every reader of its table --------------------------------------------------------------------------


class Case(NamedTuple):
    """One reader of the table: how a dialogue comes to it, what it is fed, and what tells that it has read that."""

    before: list[tuple[Side, bytes | Gap]]
    raw: bytes
    found: Callable[[Dialogue], object]
    after: bytes
    """A whole message that may follow; the bytes of a message with this name are counted as left untouched."""
    after_name: str
    seen_from_start: bool = True


def reply_version(dialogue: Dialogue) -> int | None:
    return dialogue.reply.server_version if isinstance(dialogue.reply, Reply) and dialogue.reply.is_whole else None


def valid_range(dialogue: Dialogue) -> tuple[int | None, int | None] | None:
    hello = dialogue.hello
    return (hello.min_version, hello.max_version) if hello is not None and hello.is_valid else None


def client_id(dialogue: Dialogue) -> int | None:
    return dialogue.start.client_id if dialogue.start is not None and dialogue.start.fits else None


LEGACY = ib_bytes.legacy_hello(63)
OPENED: list[tuple[Side, bytes | Gap]] = [(CLIENT, ib_bytes.HELLO), (SERVER, ib_bytes.REPLY)]
LEGACY_OPENED: list[tuple[Side, bytes | Gap]] = [(CLIENT, LEGACY), (SERVER, ib_bytes.reply(76))]
REQUEST, ANSWER = ib_bytes.text(178, 49, 1), ib_bytes.text(178, 49, 1, 1_767_605_400)

CASES: dict[tuple[Side, ReadState], Case] = {
    (CLIENT, ReadState.OPENING): Case([], ib_bytes.HELLO, valid_range, REQUEST, "REQ_CURRENT_TIME"),
    (SERVER, ReadState.OPENING): Case(OPENED[:1], ib_bytes.REPLY, reply_version, ANSWER, "CURRENT_TIME"),
    (CLIENT, ReadState.FRAMES): Case(OPENED, ib_bytes.START, client_id, REQUEST, "REQ_CURRENT_TIME"),
    (SERVER, ReadState.FRAMES): Case(
        OPENED, ib_bytes.managed_accounts(178), lambda found: found.accounts or None, ANSWER, "CURRENT_TIME"
    ),
    (CLIENT, ReadState.FIELDS): Case(LEGACY_OPENED, ib_bytes.start_api(76), client_id, b"", "START_API"),
    (SERVER, ReadState.FIELDS): Case(
        LEGACY_OPENED,
        ib_bytes.managed_accounts(76),
        lambda found: found.accounts or None,
        ib_bytes.next_valid_id(76),
        "NEXT_VALID_ID",
    ),
}
"""Where bytes out of step or ignored are read, there is no message that must be found byte by byte."""


@pytest.mark.parametrize("reader", CASES, ids=lambda reader: f"{reader[0]} {reader[1].name}")
def test_dialogue(reader: tuple[Side, ReadState]) -> None:
    side, case = reader[0], CASES[reader]

    def read(chunks: Sequence[bytes]) -> tuple[object, bytes]:
        dialogue_reader = DialogueReader(case.seen_from_start)
        offsets = dict.fromkeys(Side, 0)
        for number, (whose, data) in enumerate([*case.before, *((side, chunk) for chunk in chunks)], start=1):
            assert isinstance(data, bytes)
            dialogue_reader.take(whose, Run(offsets[whose], data, (Mark(offsets[whose], number, number),)))
            offsets[whose] += len(data)
        dialogue = dialogue_reader.dialogue
        has_next = case.after and dialogue.messages[side][case.after_name]
        return case.found(dialogue), case.after if has_next else b""

    expected, _ = read([case.raw])
    assert expected is not None
    check_reader(read, case.raw, expected, is_unfinished=is_none, junk=[case.after] if case.after else [])


def test_every_reader_of_the_table_is_tested() -> None:
    searching = {(side, state) for side in Side for state in (ReadState.OUT_OF_STEP, ReadState.IGNORED)}
    assert CASES.keys() | searching == READERS.keys()


@pytest.mark.parametrize("side", Side)
def test_out_of_step_a_packet_that_begins_with_a_frame_is_found(side: Side) -> None:
    """Out of step only the beginning of a packet can be a frame's, so messages are fed whole, with junk around them."""
    raw = REQUEST if side is CLIENT else ANSWER
    for chunks, count in (
        ([raw], 1),
        ([b"tail of a message", raw], 1),
        ([b"\xff" * 5, b"\0", raw + raw[:8]], 1),
        ([raw + raw], 2),
        ([raw + b"junk"], 0),
        ([b"tail" + raw], 0),
        ([raw[index : index + 1] for index in range(len(raw))], 0),
    ):
        reader, offset = DialogueReader(seen_from_start=False), 0
        for number, chunk in enumerate(chunks, start=1):
            reader.take(side, Run(offset, chunk, (Mark(offset, number, number),)))
            offset += len(chunk)
        assert reader.dialogue.messages[side].total() == count, chunks


@pytest.mark.parametrize("side", Side)
def test_what_is_ignored_stays_ignored(side: Side) -> None:
    reader, offset = DialogueReader(seen_from_start=True), 0
    for number, chunk in enumerate([b"x" * 2000, *[bytes([byte]) for byte in REQUEST], REQUEST], start=1):
        reader.take(side, Run(offset, chunk, (Mark(offset, number, number),)))
        offset += len(chunk)
    assert reader.dialogue.messages[side].total() == 0
