"""What both sides say, read as their bytes come.

The handshake is a table: a side is in one phase, and (side, phase) names the reader of its next bytes. A reader says
whether it got anywhere; then the table is asked again. Nothing here raises, whatever the bytes: what does not fit
becomes a statement in the :class:`~ibsniff.model.Dialogue`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum, auto
from struct import Struct

from ibsniff.ib import messages, names
from ibsniff.ib.hello import LENGTH_END, PREFIX, read_hello
from ibsniff.ib.legacy import LegacyFields, bare_client_id
from ibsniff.ib.reply import read_reply
from ibsniff.ib.tape import Tape
from ibsniff.model import (
    Dialect,
    Dialogue,
    ErrorTally,
    Gap,
    Hello,
    Message,
    Moment,
    Reply,
    ReplyKind,
    Run,
    Side,
    Start,
    StartForm,
    WireError,
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
MAX_RAW = 64
"""Bytes of a hello, reply or START_API kept to be shown."""
MAX_FIRST_MESSAGES = 40
"""The set-up of a session has about ten messages; what follows is counted, not kept."""
MAX_ERROR_CODES = 200
"""Different error codes tallied in one conversation; IB has about 400 in all."""
MAX_ERROR_EXAMPLES = 4
"""Of one error code: the first three and the last."""


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
        first = Phase.OPENING if seen_from_start else Phase.LOST
        self._phase = {Side.CLIENT: first, Side.SERVER: first}
        self._tape = {Side.CLIENT: Tape(), Side.SERVER: Tape()}
        self._fields = {side: LegacyFields() for side in Side}

    def take(self, side: Side, piece: Run | Gap) -> None:
        """Take the next bytes of one side, or the news that some were never captured."""
        if isinstance(piece, Gap):
            self._lose(side, piece)
            return
        if self.dialogue.first_speaker is None:
            self.dialogue.first_speaker = side
        self._tape[side].append(piece)
        while READERS[side, self._phase[side]](self, side):
            pass

    # -- the opening ---------------------------------------------------------------------------------------------

    def _read_hello(self, side: Side) -> bool:
        tape = self._tape[side]
        if not tape.unread:
            return False
        found = read_hello(bytes(tape.unread[:MAX_OPENING]))
        shown = found.consumed or len(tape.unread)
        self.dialogue.hello = Hello(
            dialect=found.dialect,
            raw=bytes(tape.unread[: min(shown, MAX_RAW)]),
            packets=tape.packets(0, shown),
            began=tape.moment(0),
            complete=tape.moment(shown - 1),
            min_version=found.min_version,
            max_version=found.max_version,
            options=found.options,
            declared_length=found.declared_length,
            detail=found.detail,
        )
        if found.consumed:
            tape.drop(found.consumed)
            self._phase[side] = Phase.FIELDS if found.dialect is Dialect.LEGACY else Phase.FRAMES
            return True
        if len(tape.unread) > MAX_OPENING:
            self._phase[side] = Phase.IGNORED
            return True
        return False

    def _read_reply(self, side: Side) -> bool:
        tape = self._tape[side]
        if not tape.unread:
            return False
        raw = bytes(tape.unread[:MAX_OPENING])
        found = read_reply(raw)
        if found.kind is ReplyKind.FOREIGN and messages.looks_like_frame(side, raw, MAX_FRAME):
            return self._read_frame_before_reply(side)
        shown = found.consumed or len(tape.unread)
        self.dialogue.reply = Reply(
            kind=found.kind,
            raw=bytes(tape.unread[: min(shown, MAX_RAW)]),
            packets=tape.packets(0, shown),
            began=tape.moment(0),
            complete=tape.moment(shown - 1),
            server_version=found.server_version,
            connection_time=found.connection_time,
            redirect=found.redirect,
            service=found.service,
        )
        if found.consumed:
            tape.drop(found.consumed)
            self._answered(found.kind)
            return True
        if found.kind is ReplyKind.FOREIGN and len(raw) >= MAX_RAW:
            self._phase[side] = Phase.IGNORED
            return True
        return False

    def _read_frame_before_reply(self, side: Side) -> bool:
        """A message ahead of the version reply: IB's own client is prepared for news there."""
        self.dialogue.reply = None  # its first bytes alone may have looked like one
        tape = self._tape[side]
        (length,) = FRAME_LENGTH.unpack_from(tape.unread)
        if len(tape.unread) < 4 + min(length, MAX_BEGINNING):
            tape.join()
            return False
        self._message(side, _beginning(tape.unread, 4, length), tape.moment(0), length)
        tape.drop(4 + length)
        return True

    def _answered(self, kind: ReplyKind) -> None:
        """The server has understood: so what follows a hello we thought broken are messages after all."""
        self._phase[Side.SERVER] = Phase.FIELDS if kind is ReplyKind.LEGACY else Phase.FRAMES
        hello, tape = self.dialogue.hello, self._tape[Side.CLIENT]
        if self._phase[Side.CLIENT] is Phase.OPENING and hello is not None and hello.declared_length is not None:
            tape.drop(min(LENGTH_END + hello.declared_length, len(tape.unread)))
            self._phase[Side.CLIENT] = Phase.FRAMES
            self._read_frames(Side.CLIENT)
        start = self.dialogue.start
        if start is not None:
            self.dialogue.start = replace(start, expected=self._expected_start(start.form))

    # -- the messages --------------------------------------------------------------------------------------------

    def _read_frames(self, side: Side) -> bool:
        """Walk all frames whose beginning is there, then take them off the tape at once."""
        tape = self._tape[side]
        unread, at, end = tape.unread, 0, len(tape.unread)
        heads, counts = messages.HEADS[side], self.dialogue.messages[side]
        in_bulk = len(self.dialogue.first_messages) >= MAX_FIRST_MESSAGES
        while end - at >= 4:
            (length,) = FRAME_LENGTH.unpack_from(unread, at)
            if not 0 < length <= MAX_FRAME:
                self.dialogue.unframed.setdefault(side, tape.moment(at))
                self.dialogue.unframed_detail.setdefault(side, f"a frame length of {length:,} bytes")
                self._phase[side] = Phase.IGNORED
                return True
            if end - at - 4 < min(length, MAX_BEGINNING):
                break
            counted = heads.get(messages.head_of(bytes(unread[at + 4 : at + 4 + min(length, 4)]))) if in_bulk else None
            if counted is None:
                self._message(side, _beginning(unread, at + 4, length), tape.moment(at), length)
            else:
                counts[counted] += 1
            at += 4 + length
        tape.drop(at)
        tape.join()
        return False

    def _read_fields(self, side: Side) -> bool:
        """Read the legacy stream as far as its messages are known."""
        tape, fields = self._tape[side], self._fields[side]
        if side is Side.CLIENT and self.dialogue.start is None:
            head = bytes(tape.unread[:MAX_RAW])
            if (bare_id := bare_client_id(head)) is not None:
                raw = head[: head.index(0) + 1]
                self._started(StartForm.CLIENT_ID_ONLY, bare_id, raw, tape.moment(0))
                tape.drop(len(raw))
        end = 0
        for start, end in fields.messages(side, tape.unread, self._server_version()):
            self._message(side, bytes(tape.unread[start:end]), tape.moment(start), end - start)
        tape.drop(end)
        tape.join()
        if fields.lost:
            self._phase[side] = Phase.IGNORED
        return fields.lost

    def _message(self, side: Side, raw: bytes, moment: Moment, length: int) -> None:
        """Count a message, of which ``raw`` is the beginning at least; keep what decides."""
        payload = messages.split_payload(raw)
        name = messages.name_of(side, payload.id)
        dialogue = self.dialogue
        dialogue.messages[side][name] += 1
        if len(dialogue.first_messages) < MAX_FIRST_MESSAGES:
            dialogue.first_messages.append(Message(side, name, payload.id, moment, length))
        if side is Side.CLIENT:
            if payload.id == names.START_API and dialogue.start is None:
                self._start(payload, raw, moment)
        elif payload.id == names.ERR_MSG:
            self._error(messages.decode_error(payload, self._server_version(), moment))
        elif payload.id == names.NEXT_VALID_ID:
            dialogue.next_valid_id = dialogue.next_valid_id or moment
            self._note_ready(moment)
        elif payload.id == names.MANAGED_ACCTS:
            if dialogue.managed_accounts is None:
                dialogue.managed_accounts = moment
                dialogue.accounts = messages.decode_accounts(payload)
            self._note_ready(moment)

    def _server_version(self) -> int | None:
        return self.dialogue.reply.server_version if self.dialogue.reply else None

    def _start(self, payload: messages.Payload, raw: bytes, moment: Moment) -> None:
        form, client_id = messages.decode_start(payload)
        self._started(form, client_id, raw, moment)

    def _started(self, form: StartForm, client_id: int | None, raw: bytes, moment: Moment) -> None:
        reply = self.dialogue.reply
        answered = reply is not None and reply.is_whole
        expected = self._expected_start(form) if answered else None
        self.dialogue.start = Start(form, client_id, raw[:MAX_RAW], moment, not answered, expected)

    def _expected_start(self, form: StartForm) -> StartForm | None:
        """What the reply asks for; legacy clients of every age are served, so there any form will do."""
        reply = self.dialogue.reply
        if reply is None or reply.server_version is None:
            return None
        return form if reply.kind is ReplyKind.LEGACY else messages.expected_start(reply.server_version)

    def _note_ready(self, moment: Moment) -> None:
        dialogue = self.dialogue
        if dialogue.ready is None and dialogue.next_valid_id and dialogue.managed_accounts:
            dialogue.ready = moment

    def _error(self, error: WireError | None) -> None:
        if error is None:
            return
        errors = self.dialogue.errors
        if error.code not in errors and len(errors) >= MAX_ERROR_CODES:
            self.dialogue.errors_beyond += 1
            return
        tally = errors.setdefault(error.code, ErrorTally())
        tally.count += 1
        if len(tally.examples) == MAX_ERROR_EXAMPLES:
            tally.examples.pop()
        tally.examples.append(error)

    # -- out of step ---------------------------------------------------------------------------------------------

    def _lose(self, side: Side, gap: Gap) -> None:
        """Bytes are missing: an opening cannot be judged any more, frames must find their step again."""
        dialogue, tape = self.dialogue, self._tape[side]
        moment = tape.moment(0) if tape.unread else gap.noticed
        raw = bytes(tape.unread[:MAX_RAW])
        packets = tape.packets(0, len(tape.unread)) if tape.unread else ()
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
        tape.clear()

    def _speaks_another_protocol(self, side: Side) -> bool:
        """Its first bytes have shown it, whatever follows."""
        hello, reply = self.dialogue.hello, self.dialogue.reply
        if side is Side.CLIENT:
            return hello is not None and hello.dialect in OTHER_PROTOCOLS
        return reply is not None and reply.service is not None

    def _find_step(self, side: Side) -> bool:
        """Look for a packet that begins with a frame, or with the hello."""
        tape = self._tape[side]
        if side is Side.CLIENT and self.dialogue.hello is None and tape.unread.startswith(PREFIX):
            self._phase[side] = Phase.OPENING
            if self.dialogue.first_speaker is side:
                self._phase[Side.SERVER] = Phase.OPENING
            return True
        for start in tape.starts():
            if self._begins_frame(side, start):
                tape.drop(start)
                self._phase[side] = Phase.FRAMES
                if side is Side.SERVER and self.dialogue.reply is None:
                    self.dialogue.mid_stream_frames += 1
                return True
        tape.clear()
        return False

    def _begins_frame(self, side: Side, start: int) -> bool:
        """A frame stands there: its id is known, and it ends with the packet or where another one begins."""
        unread = self._tape[side].unread
        if not messages.looks_like_frame(side, bytes(unread[start : start + 16]), MAX_FRAME):
            return False
        end = start + 4 + int.from_bytes(unread[start : start + 4], "big")
        return end == len(unread) or messages.looks_like_frame(side, bytes(unread[end : end + 16]), MAX_FRAME)

    def _ignore(self, side: Side) -> bool:
        self._tape[side].clear()
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
