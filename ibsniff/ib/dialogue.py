"""What both sides say, read as their bytes come.

The handshake is a table: a side is in one phase, and (side, phase) names the reader of its next bytes. A reader says
whether it got anywhere; then the table is asked again. Nothing here raises, whatever the bytes: what does not fit
becomes a statement in the :class:`~ibsniff.model.Dialogue`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from struct import Struct

from ibsniff.ib import messages
from ibsniff.ib.hello import LENGTH_END, PREFIX, read_hello
from ibsniff.ib.legacy import LegacyFields, bare_client_id
from ibsniff.ib.message_summary import MAX_RAW, MessageSummary
from ibsniff.ib.reply import read_reply
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
)

FRAME_LENGTH = Struct(">I")
MAX_FRAME = 0xFFFFFF
"""Longest frame any official client accepts (16 MiB less one); a longer one is no IB frame."""
MAX_BEGINNING = 4096
"""Bytes of one frame that are read; the rest passes by unkept. What decides stands in the first hundreds, and a frame
that is never completed must not fill the memory with what it announced."""
MAX_OPENING = 1024
"""Bytes of an opening kept while it makes no sense yet: a hello with options has about 30, an HTTP request 500. It is
read anew with every packet, so a byte at a time costs the square of this."""
OTHER_PROTOCOLS = frozenset({Dialect.HTTP, Dialect.TLS, Dialect.FIX, Dialect.SSH})
"""What a client may speak instead, and what its first bytes alone give away."""


class Phase(Enum):
    """What a side's next bytes are expected to be."""

    OPENING = auto()
    """The hello, or the reply to it."""
    FRAMES = auto()
    FIELDS = auto()
    """The legacy stream of NUL-terminated fields."""
    LOST = auto()
    """Out of step: the beginning or a piece was not captured. A packet that begins with a frame finds it again."""
    IGNORED = auto()
    """Not IB's language: nothing more is read."""


class DialogueReader:
    """Reads one conversation's bytes of both sides into a :class:`Dialogue`."""

    def __init__(self, seen_from_start: bool) -> None:
        self.dialogue = Dialogue()
        self._summary = MessageSummary(self.dialogue)
        first = Phase.OPENING if seen_from_start else Phase.LOST
        self._phase = {Side.CLIENT: first, Side.SERVER: first}
        self._buffer = {Side.CLIENT: StreamBuffer(), Side.SERVER: StreamBuffer()}
        self._fields = {side: LegacyFields() for side in Side}

    def take(self, side: Side, piece: Run | Gap) -> None:
        """Take the next bytes of one side, or the news that some were never captured."""
        if isinstance(piece, Gap):
            self._lose(side, piece)
            return
        if self.dialogue.first_speaker is None:
            self.dialogue.first_speaker = side
        self._buffer[side].append(piece)
        while READERS[side, self._phase[side]](self, side):
            pass

    @property
    def is_in_bulk(self) -> bool:
        """The set-up is over, and both sides are in step: messages are counted."""
        is_framed = self._phase[Side.CLIENT] is self._phase[Side.SERVER] is Phase.FRAMES
        return is_framed and self._summary.only_counts

    def take_columns(self, side: Side, stretch: ColumnRun) -> None:
        """Take the next bytes of one side while ``is_in_bulk``: the same as ``take``, thousands of messages at once."""
        from ibsniff.ib.columns import count_messages, find_frames  # noqa: PLC0415  (numpy, and 0.1 s)

        buffer, counts = self._buffer[side], self.dialogue.messages[side]
        buffer.append_columns(stretch)
        data = bytes(buffer.unread)
        frames = find_frames(data, MAX_FRAME)
        counted = count_messages(side, data, frames, counts)
        # in the order of the wire, in which names are first met and errors kept
        for index, name in sorted(
            [(first, name) for first, name, _ in counted.names] + [(i, "") for i in counted.others]
        ):
            if name:
                counts.setdefault(name, 0)
            else:
                at, length = int(frames.starts[index]), int(frames.lengths[index])
                self._summary.message(side, _beginning(buffer.unread, at + 4, length), buffer.moment(at), length)
        for _, name, count in counted.names:
            counts[name] += count
        buffer.drop(frames.end)
        self._read_frames(side)

    # -- the opening ---------------------------------------------------------------------------------------------

    def _read_hello(self, side: Side) -> bool:
        buffer = self._buffer[side]
        if not buffer.unread:
            return False
        found = read_hello(bytes(buffer.unread[:MAX_OPENING]))
        shown = found.consumed or len(buffer.unread)
        self.dialogue.hello = Hello(
            dialect=found.dialect,
            raw=bytes(buffer.unread[: min(shown, MAX_RAW)]),
            packets=buffer.packets(0, shown),
            began=buffer.moment(0),
            complete=buffer.moment(shown - 1),
            min_version=found.min_version,
            max_version=found.max_version,
            options=found.options,
            declared_length=found.declared_length,
            detail=found.detail,
        )
        if found.consumed:
            buffer.drop(found.consumed)
            self._phase[side] = Phase.FIELDS if found.dialect is Dialect.LEGACY else Phase.FRAMES
            return True
        if len(buffer.unread) > MAX_OPENING:
            self._phase[side] = Phase.IGNORED
            return True
        return False

    def _read_reply(self, side: Side) -> bool:
        buffer = self._buffer[side]
        if not buffer.unread:
            return False
        raw = bytes(buffer.unread[:MAX_OPENING])
        found = read_reply(raw)
        if found.kind is ReplyKind.FOREIGN and messages.looks_like_frame(side, raw, MAX_FRAME):
            return self._read_frame_before_reply(side)
        shown = found.consumed or len(buffer.unread)
        self.dialogue.reply = Reply(
            kind=found.kind,
            raw=bytes(buffer.unread[: min(shown, MAX_RAW)]),
            packets=buffer.packets(0, shown),
            began=buffer.moment(0),
            complete=buffer.moment(shown - 1),
            server_version=found.server_version,
            connection_time=found.connection_time,
            redirect=found.redirect,
            service=found.service,
        )
        if found.consumed:
            buffer.drop(found.consumed)
            self._answered(found.kind)
            return True
        if found.kind is ReplyKind.FOREIGN and len(raw) >= MAX_RAW:
            self._phase[side] = Phase.IGNORED
            return True
        return False

    def _read_frame_before_reply(self, side: Side) -> bool:
        """A message ahead of the version reply: IB's own client is prepared for news there."""
        self.dialogue.reply = None  # its first bytes alone may have looked like one
        buffer = self._buffer[side]
        (length,) = FRAME_LENGTH.unpack_from(buffer.unread)
        if len(buffer.unread) < 4 + min(length, MAX_BEGINNING):
            buffer.join()
            return False
        self._summary.message(side, _beginning(buffer.unread, 4, length), buffer.moment(0), length)
        buffer.drop(4 + length)
        return True

    def _answered(self, kind: ReplyKind) -> None:
        """The server has understood: so what follows a hello we thought broken are messages after all."""
        self._phase[Side.SERVER] = Phase.FIELDS if kind is ReplyKind.LEGACY else Phase.FRAMES
        hello, buffer = self.dialogue.hello, self._buffer[Side.CLIENT]
        if self._phase[Side.CLIENT] is Phase.OPENING and hello is not None and hello.declared_length is not None:
            buffer.drop(min(LENGTH_END + hello.declared_length, len(buffer.unread)))
            self._phase[Side.CLIENT] = Phase.FRAMES
            self._read_frames(Side.CLIENT)
        self._summary.answered()

    # -- the messages --------------------------------------------------------------------------------------------

    def _read_frames(self, side: Side) -> bool:
        """Walk all frames whose beginning is there, then take them off the buffer at once."""
        buffer = self._buffer[side]
        unread, at, end = buffer.unread, 0, len(buffer.unread)
        heads, counts = messages.HEADS[side], self.dialogue.messages[side]
        in_bulk = self._summary.only_counts
        while end - at >= 4:
            (length,) = FRAME_LENGTH.unpack_from(unread, at)
            if not 0 < length <= MAX_FRAME:
                self.dialogue.unframed.setdefault(side, buffer.moment(at))
                self.dialogue.unframed_detail.setdefault(side, f"a frame length of {length:,} bytes")
                self._phase[side] = Phase.IGNORED
                return True
            if end - at - 4 < min(length, MAX_BEGINNING):
                break
            counted = heads.get(messages.head_of(bytes(unread[at + 4 : at + 4 + min(length, 4)]))) if in_bulk else None
            if counted is None:
                self._summary.message(side, _beginning(unread, at + 4, length), buffer.moment(at), length)
            else:
                counts[counted] += 1
            at += 4 + length
        buffer.drop(at)
        buffer.join()
        return False

    def _read_fields(self, side: Side) -> bool:
        """Read the legacy stream as far as its messages are known."""
        buffer, fields = self._buffer[side], self._fields[side]
        if side is Side.CLIENT and self.dialogue.start is None:
            head = bytes(buffer.unread[:MAX_RAW])
            if (bare_id := bare_client_id(head)) is not None:
                raw = head[: head.index(0) + 1]
                self._summary.started(StartForm.CLIENT_ID_ONLY, bare_id, raw, buffer.moment(0))
                buffer.drop(len(raw))
        end = 0
        for start, end in fields.messages(side, buffer.unread, self._summary.server_version()):
            self._summary.message(side, bytes(buffer.unread[start:end]), buffer.moment(start), end - start)
        buffer.drop(end)
        buffer.join()
        if fields.lost:
            self._phase[side] = Phase.IGNORED
        return fields.lost

    # -- out of step ---------------------------------------------------------------------------------------------

    def _lose(self, side: Side, gap: Gap) -> None:
        """Bytes are missing: an opening cannot be judged any more, frames must find their step again."""
        dialogue, buffer = self.dialogue, self._buffer[side]
        moment = buffer.moment(0) if buffer.unread else gap.noticed
        raw = bytes(buffer.unread[:MAX_RAW])
        packets = buffer.packets(0, len(buffer.unread)) if buffer.unread else ()
        if self._phase[side] is Phase.OPENING:
            if self._speaks_another_protocol(side):
                self._phase[side] = Phase.IGNORED
            elif side is Side.CLIENT:
                dialogue.hello = Hello(Dialect.NOT_CAPTURED, raw, packets, moment, moment)
            else:
                dialogue.reply = Reply(ReplyKind.NOT_CAPTURED, raw, packets, moment, moment)
        if self._phase[side] is not Phase.IGNORED:
            dialogue.bytes_after_gap.setdefault(side, gap)
            self._phase[side] = Phase.LOST
        buffer.clear()

    def _speaks_another_protocol(self, side: Side) -> bool:
        """Its first bytes have shown it, whatever follows."""
        hello, reply = self.dialogue.hello, self.dialogue.reply
        if side is Side.CLIENT:
            return hello is not None and hello.dialect in OTHER_PROTOCOLS
        return reply is not None and reply.service is not None

    def _find_step(self, side: Side) -> bool:
        """Look for a packet that begins with a frame, or with the hello."""
        buffer = self._buffer[side]
        if side is Side.CLIENT and self.dialogue.hello is None and buffer.unread.startswith(PREFIX):
            self._phase[side] = Phase.OPENING
            if self.dialogue.first_speaker is side:
                self._phase[Side.SERVER] = Phase.OPENING
            return True
        for start in buffer.starts():
            if self._begins_frame(side, start):
                buffer.drop(start)
                self._phase[side] = Phase.FRAMES
                if side is Side.SERVER and self.dialogue.reply is None:
                    self.dialogue.mid_stream_frames += 1
                return True
        buffer.clear()
        return False

    def _begins_frame(self, side: Side, start: int) -> bool:
        """A frame stands there: its id is known, and it ends with the packet or where another one begins."""
        unread = self._buffer[side].unread
        if not messages.looks_like_frame(side, bytes(unread[start : start + 16]), MAX_FRAME):
            return False
        end = start + 4 + int.from_bytes(unread[start : start + 4], "big")
        return end == len(unread) or messages.looks_like_frame(side, bytes(unread[end : end + 16]), MAX_FRAME)

    def _ignore(self, side: Side) -> bool:
        self._buffer[side].clear()
        return False


def _beginning(unread: bytearray, start: int, length: int) -> bytes:
    """A frame's payload; of a long one the first bytes, and a NUL to end the field that is cut."""
    if length <= MAX_BEGINNING:
        return bytes(unread[start : start + length])
    return bytes(unread[start : start + MAX_BEGINNING]) + b"\0"


READERS: dict[tuple[Side, Phase], Callable[[DialogueReader, Side], bool]] = {
    (Side.CLIENT, Phase.OPENING): DialogueReader._read_hello,
    (Side.SERVER, Phase.OPENING): DialogueReader._read_reply,
    (Side.CLIENT, Phase.FRAMES): DialogueReader._read_frames,
    (Side.SERVER, Phase.FRAMES): DialogueReader._read_frames,
    (Side.CLIENT, Phase.FIELDS): DialogueReader._read_fields,
    (Side.SERVER, Phase.FIELDS): DialogueReader._read_fields,
    (Side.CLIENT, Phase.LOST): DialogueReader._find_step,
    (Side.SERVER, Phase.LOST): DialogueReader._find_step,
    (Side.CLIENT, Phase.IGNORED): DialogueReader._ignore,
    (Side.SERVER, Phase.IGNORED): DialogueReader._ignore,
}
"""The handshake and what follows it: who reads a side's next bytes in which phase. No hidden default: a pair that is
not here would be a mistake of ours, and end in a KeyError in the first test."""
