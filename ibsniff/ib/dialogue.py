"""What both sides of one conversation send, read as the bytes arrive.

Each side is in one state, and a table names the reader of its next bytes for every side and state. A reader says whether
it made progress; then the table is consulted again. Nothing here raises, whatever the bytes are: what does not fit is
recorded in the :class:`~ibsniff.model.Dialogue`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum, auto
from typing import TypeVar

from ibsniff.ib.frames import FrameReader, OnPayload, find_frame, frames_at_end, looks_like_frame
from ibsniff.ib.hello import PREFIX, opening_length, read_hello
from ibsniff.ib.legacy import LegacySplitter, read_bare_client_id
from ibsniff.ib.message_summary import MAX_RAW, MessageSummary
from ibsniff.ib.reply import read_reply
from ibsniff.ib.request_ledger import RequestLedger
from ibsniff.ib.stream_buffer import StreamBuffer
from ibsniff.model import (
    ColumnRun,
    Dialect,
    Dialogue,
    Gap,
    Hello,
    Reply,
    ReplyKind,
    Run,
    Side,
    StartForm,
    WireBytes,
    WireText,
)

MAX_OPENING = 1024
"""Bytes of an opening kept while it makes no sense yet: a hello with options has about 30, an HTTP request 500. They are
read again with every packet, so an opening sent byte by byte costs the square of this."""
OTHER_PROTOCOLS = frozenset({Dialect.HTTP, Dialect.TLS, Dialect.FIX, Dialect.SSH, Dialect.PROXY})
"""Other protocols that a client may use, which its first bytes alone reveal."""


class ReadState(IntEnum):
    """What a side's next bytes are expected to be."""

    OPENING = auto()
    """The hello, or the reply to it."""
    FRAMES = auto()
    FIELDS = auto()
    """The legacy stream of NUL-terminated fields."""
    OUT_OF_STEP = auto()
    """The beginning or some bytes were not captured: where the next frame begins is not known."""
    IGNORED = auto()
    """Not IB's protocol: nothing more is read."""


Part = TypeVar("Part")


class _MadeWhenUsed(dict[Side, Part]):
    """What each side needs one of, made when it is first used: in a flood of half-open connections most never is."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[Side], Part]) -> None:
        self._make = make

    def __missing__(self, side: Side) -> Part:
        made = self[side] = self._make(side)
        return made


class DialogueReader:
    """Reads the bytes of both sides of one conversation into a :class:`Dialogue`."""

    def __init__(self, seen_from_start: bool, on_payload: OnPayload | None = None) -> None:
        """``on_payload`` is told of every payload, which are then read one by one."""
        self.dialogue = Dialogue()
        self._on_payload = on_payload
        self._summary = MessageSummary(self.dialogue)
        self._ledger = RequestLedger(self.dialogue, seen_from_start)
        first = ReadState.OPENING if seen_from_start else ReadState.OUT_OF_STEP
        self._found_again: set[Side] = set()
        """Sides in which messages were recognised again in the bytes that are being read."""
        self._state = {Side.CLIENT: first, Side.SERVER: first}
        self._buffer = _MadeWhenUsed(lambda _: StreamBuffer())
        # not self, which could then only be freed by the garbage collector
        buffers, summary, ledger = self._buffer, self._summary, self._ledger
        self._frames = _MadeWhenUsed(lambda side: FrameReader(side, buffers[side], summary, ledger, on_payload))
        self._legacy = _MadeWhenUsed(LegacySplitter)

    def take(self, side: Side, event: Run | Gap) -> None:
        """Take the next bytes of one side, or a gap: bytes that were never captured."""
        if isinstance(event, Gap):
            self._skip_gap(side, event)
            return
        if self.dialogue.first_speaker is None:
            self.dialogue.first_speaker = side
        self._buffer[side].append(event)
        while READERS[side, self._state[side]](self, side):
            pass
        if self._found_again:
            self._regain()

    def _regain(self) -> None:
        """From the next bytes on, messages are known again.

        Not so those behind a gap that waited for it: what the other side answered meanwhile was read before them.
        """
        for side in self._found_again:
            self._ledger.regain(side)
        self._found_again.clear()

    @property
    def can_take_columns(self) -> bool:
        """Both sides are reading frames, and messages are mostly only counted."""
        is_framed = self._state[Side.CLIENT] is self._state[Side.SERVER] is ReadState.FRAMES
        return is_framed and self._summary.only_counts and self._on_payload is None

    def take_columns(self, runs: Sequence[tuple[Side, ColumnRun]]) -> None:
        """Do the same as ``take`` for thousands of messages of both sides at once, while ``can_take_columns``."""
        from ibsniff.ib.column_messages import read_columns  # noqa: PLC0415  (numpy, and 0.1 s)

        read_columns({side: (self._buffer[side], run) for side, run in runs}, self._summary, self._ledger)
        for side, _ in runs:
            self._read_frames(side)

    def note_unfinished(self) -> None:
        """Record which side is in the middle of a message: to be called before the dialogue is shown."""
        self.dialogue.unfinished = {
            side: self._buffer[side].moment(0)
            for side in self._buffer
            if self._state[side] is ReadState.FRAMES and self._buffer[side].is_within_message
        }
        within = self._buffer[Side.CLIENT].unread if Side.CLIENT in self.dialogue.unfinished else b""
        self.dialogue.swallowed = frames_at_end(Side.CLIENT, bytes(within))

    # -- the opening ---------------------------------------------------------------------------------------------

    def _read_hello(self, side: Side) -> bool:
        buffer = self._buffer[side]
        if not buffer.unread:
            return False
        found = read_hello(bytes(buffer.unread[:MAX_OPENING]))
        shown = found.consumed or len(buffer.unread)
        self.dialogue.hello = Hello(
            dialect=found.dialect,
            raw=_beginning(buffer.unread, shown),
            pieces=buffer.pieces(0, shown),
            began=buffer.moment(0),
            complete=buffer.moment(shown - 1),
            min_version=found.min_version,
            max_version=found.max_version,
            options=_quoted(found.options),
            declared_length=found.declared_length,
            detail=found.detail,
        )
        if found.consumed:
            buffer.drop(found.consumed)
            self._state[side] = ReadState.FIELDS if found.dialect is Dialect.LEGACY else ReadState.FRAMES
            return bool(buffer.unread)
        if len(buffer.unread) > MAX_OPENING:
            self._state[side] = ReadState.IGNORED
            return True
        return False

    def _read_reply(self, side: Side) -> bool:
        buffer = self._buffer[side]
        if not buffer.unread:
            return False
        raw = bytes(buffer.unread[:MAX_OPENING])
        found = read_reply(raw)
        if found.kind is ReplyKind.FOREIGN and looks_like_frame(side, raw):
            # a message before the version reply: IB's own client is prepared for news there
            self.dialogue.reply = None  # the message's first bytes alone may have looked like a reply
            return self._frames[side].read_one()
        shown = found.consumed or len(buffer.unread)
        self.dialogue.reply = Reply(
            kind=found.kind,
            raw=_beginning(buffer.unread, shown),
            pieces=buffer.pieces(0, shown),
            began=buffer.moment(0),
            complete=buffer.moment(shown - 1),
            server_version=found.server_version,
            connection_time=_quoted(found.connection_time),
            redirect=_quoted(found.redirect),
            service=found.service,
        )
        if found.consumed:
            buffer.drop(found.consumed)
            self._after_reply(found.kind)
            return True
        if found.kind is ReplyKind.FOREIGN and len(raw) >= MAX_RAW:
            self._state[side] = ReadState.IGNORED
            return True
        return False

    def _after_reply(self, kind: ReplyKind) -> None:
        """Read on after a whole reply: the server has understood, so what follows even an odd hello are messages."""
        self._state[Side.SERVER] = ReadState.FIELDS if kind is ReplyKind.LEGACY else ReadState.FRAMES
        hello, buffer = self.dialogue.hello, self._buffer[Side.CLIENT]
        is_open = self._state[Side.CLIENT] is ReadState.OPENING and hello is not None
        length = opening_length(bytes(buffer.unread[:MAX_OPENING])) if is_open else None
        if length is not None:
            buffer.drop(min(length, len(buffer.unread)))
            self._state[Side.CLIENT] = ReadState.FRAMES
            self._read_frames(Side.CLIENT)
        self._summary.check_start()

    # -- the messages --------------------------------------------------------------------------------------------

    def _read_frames(self, side: Side) -> bool:
        if self._frames[side].read():
            return False
        self._state[side] = ReadState.IGNORED
        return True

    def _read_fields(self, side: Side) -> bool:
        """Read the legacy stream as far as its messages are known."""
        buffer, splitter = self._buffer[side], self._legacy[side]
        if side is Side.CLIENT and self.dialogue.start is None:
            self._read_bare_client_id()
        end = 0
        for start, end in splitter.messages(buffer.unread, self._summary.server_version()):
            payload = bytes(buffer.unread[start:end])
            self._summary.add_message(side, payload, buffer.moment(start), end - start)
            if self._on_payload is not None:
                self._on_payload(side, buffer.offset + start, payload)
        buffer.drop(end)
        buffer.keep_first_mark()
        if splitter.is_unreadable:
            self._state[side] = ReadState.IGNORED
        return splitter.is_unreadable

    def _read_bare_client_id(self) -> None:
        buffer = self._buffer[Side.CLIENT]
        beginning = bytes(buffer.unread[:MAX_RAW])
        client_id = read_bare_client_id(beginning)
        if client_id is not None:
            raw = beginning[: beginning.index(0) + 1]
            self._summary.add_start(StartForm.CLIENT_ID_ONLY, client_id, raw, buffer.moment(0))
            buffer.drop(len(raw))

    # -- after a gap ---------------------------------------------------------------------------------------------

    def _skip_gap(self, side: Side, gap: Gap) -> None:
        """Bytes are missing: an opening can no longer be judged, and the next frame must be searched for."""
        dialogue, buffer = self.dialogue, self._buffer[side]
        moment = buffer.moment(0) if buffer.unread else gap.noticed
        raw = _beginning(buffer.unread, len(buffer.unread))
        pieces = buffer.pieces(0, len(buffer.unread)) if buffer.unread else ()
        if self._state[side] is ReadState.OPENING:
            if self._uses_another_protocol(side):
                self._state[side] = ReadState.IGNORED
            elif side is Side.CLIENT:
                dialogue.hello = Hello(Dialect.NOT_CAPTURED, raw, pieces, moment, moment)
            else:
                dialogue.reply = Reply(ReplyKind.NOT_CAPTURED, raw, pieces, moment, moment)
        if self._state[side] is not ReadState.IGNORED:
            dialogue.bytes_after_gap.setdefault(side, gap)
            self._state[side] = ReadState.OUT_OF_STEP
            self._ledger.lose(side)
        buffer.clear()

    def _uses_another_protocol(self, side: Side) -> bool:
        """Its first bytes have shown it, whatever follows."""
        hello, reply = self.dialogue.hello, self.dialogue.reply
        if side is Side.CLIENT:
            return hello is not None and hello.dialect in OTHER_PROTOCOLS
        return reply is not None and reply.service is not None

    def _resynchronise(self, side: Side) -> bool:
        """Look for a packet that begins with the hello or with a frame."""
        buffer = self._buffer[side]
        if side is Side.CLIENT and self.dialogue.hello is None and buffer.unread.startswith(PREFIX):
            self._state[side] = ReadState.OPENING
            self._found_again.add(side)
            if self.dialogue.first_speaker is side:
                self._state[Side.SERVER] = ReadState.OPENING
                self._found_again.add(Side.SERVER)
            return True
        start = find_frame(side, buffer)
        if start is None:
            buffer.clear()
            return False
        buffer.drop(start)
        self._state[side] = ReadState.FRAMES
        self._found_again.add(side)
        if side is Side.SERVER and self.dialogue.reply is None:
            self.dialogue.mid_stream_frames += 1
        return True

    def _ignore(self, side: Side) -> bool:
        self._buffer[side].clear()
        return False


def _beginning(unread: bytearray, length: int) -> WireBytes:
    return WireBytes(bytes(unread[: min(length, MAX_RAW)]), is_cut=length > MAX_RAW)


def _quoted(text: str | None) -> WireText | None:
    return None if text is None else WireText(text)


READERS: dict[tuple[Side, ReadState], Callable[[DialogueReader, Side], bool]] = {
    (Side.CLIENT, ReadState.OPENING): DialogueReader._read_hello,
    (Side.SERVER, ReadState.OPENING): DialogueReader._read_reply,
    (Side.CLIENT, ReadState.FRAMES): DialogueReader._read_frames,
    (Side.SERVER, ReadState.FRAMES): DialogueReader._read_frames,
    (Side.CLIENT, ReadState.FIELDS): DialogueReader._read_fields,
    (Side.SERVER, ReadState.FIELDS): DialogueReader._read_fields,
    (Side.CLIENT, ReadState.OUT_OF_STEP): DialogueReader._resynchronise,
    (Side.SERVER, ReadState.OUT_OF_STEP): DialogueReader._resynchronise,
    (Side.CLIENT, ReadState.IGNORED): DialogueReader._ignore,
    (Side.SERVER, ReadState.IGNORED): DialogueReader._ignore,
}
"""Who reads a side's next bytes in which state. There is no default: a missing pair is a bug and raises KeyError."""
