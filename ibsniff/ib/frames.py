"""Frames, each a length and a payload: reading them one by one, and finding one after a gap.

Only the beginning of a long frame is kept: what decides a diagnosis is in its first hundreds of bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct

from ibsniff.ib import messages
from ibsniff.ib.message_summary import MessageSummary
from ibsniff.ib.part_forms import PartForm, part_forms
from ibsniff.ib.request_ledger import SERVER_NAMES, RequestLedger, ledger_message
from ibsniff.ib.stream_buffer import StreamBuffer
from ibsniff.model import Side

FRAME_LENGTH = Struct(">I")
MAX_FRAME = 0xFFFFFF
"""The longest frame that any official client accepts (16 MiB less one); bytes with a longer length are no IB frame."""
MAX_BEGINNING = 4096
"""Bytes read of one frame; the rest is skipped. A frame that is never completed must not fill the memory with the length
that it declared."""
OnPayload = Callable[[Side, int, bytes], None]
"""Told of every payload that was read: who sent it, where in the stream it begins, and its first bytes."""
NOTHING: frozenset[str] = frozenset()
NO_PARTS: dict[bytes, PartForm] = {}
_LENGTH_AND_ID = 16
"""Bytes enough to recognise a frame by its length and its message id."""


class FrameReader:
    """Reads the frames of one side's buffer and adds their messages to the summary."""

    def __init__(
        self,
        side: Side,
        buffer: StreamBuffer,
        summary: MessageSummary,
        ledger: RequestLedger,
        on_payload: OnPayload | None = None,
    ) -> None:
        self._side = side
        self._buffer = buffer
        self._summary = summary
        self._ledger = ledger
        self._followed_keys = ledger.keys
        self._on_payload = on_payload

    def read(self) -> bool:
        """Read every frame whose beginning has arrived; False when the next bytes are no frame."""
        buffer, summary, side = self._buffer, self._summary, self._side
        unread, at, end = bytes(buffer.unread), 0, len(buffer.unread)
        if not end:
            return True
        names, counts = messages.COUNTED_NAMES[side], summary.counts(side)
        only_counts = summary.only_counts and self._on_payload is None and side is Side.SERVER
        # no message of the server gives the ledger something to follow if it has nothing
        wanted = SERVER_NAMES if only_counts and self._ledger else NOTHING
        parts = part_forms(summary.server_version()) if wanted else NO_PARTS
        while end - at >= 4:
            (length,) = FRAME_LENGTH.unpack_from(unread, at)
            if not 0 < length <= MAX_FRAME:
                summary.add_unframed(side, buffer.moment(at), f"a frame length of {length:,} bytes")
                self._ledger.lose(side)
                buffer.drop(at)
                return False
            if end - at - 4 < length and end - at - 4 < MAX_BEGINNING:
                break
            head = messages.id_bytes(unread[at + 4 : at + 4 + min(length, 4)]) if only_counts else b""
            name = names.get(head)
            if name is None:
                self._add_message(at, length)
            else:
                counts[name] += 1
                if name in wanted:
                    self._enter_answer(parts.get(head), unread, at, length)
            at += 4 + length
        buffer.drop(at)
        buffer.keep_first_mark()
        return True

    def read_one(self) -> bool:
        """Read a single frame; False when its beginning has not arrived."""
        buffer = self._buffer
        (length,) = FRAME_LENGTH.unpack_from(buffer.unread)
        if len(buffer.unread) < 4 + min(length, MAX_BEGINNING):
            buffer.keep_first_mark()
            return False
        self._add_message(0, length)
        buffer.drop(4 + length)
        return True

    def _enter_answer(self, part: PartForm | None, unread: bytes, at: int, length: int) -> None:
        """Enter into the ledger a message that is counted already."""
        if part is None or length > MAX_BEGINNING:
            payload = messages.split_payload(payload_beginning(unread, at + 4, length))
            version = self._summary.server_version()
            self._ledger.take(ledger_message(self._side, payload, self._buffer.moment(at), version))
            return
        number = part.id_in(unread[at + 4 + part.start : at + 4 + length]) if part.has_id else None
        if number in self._followed_keys or not part.has_id:
            moment = self._buffer.moment(at)
            self._ledger.add_answers(part.answers, number, moment, moment, 1)

    def _add_message(self, at: int, length: int) -> None:
        """Add the message of the frame that begins at this index of the buffer."""
        payload = payload_beginning(self._buffer.unread, at + 4, length)
        self._ledger.take(self._summary.add_message(self._side, payload, self._buffer.moment(at), length))
        if self._on_payload is not None:
            self._on_payload(self._side, self._buffer.offset + at + 4, payload)


def payload_beginning(unread: bytes | bytearray, start: int, length: int) -> bytes:
    """A frame's payload; of a long one the first bytes, and a NUL to end the field that is cut."""
    if length <= MAX_BEGINNING:
        return bytes(unread[start : start + length])
    return bytes(unread[start : start + MAX_BEGINNING]) + b"\0"


def find_frame(side: Side, buffer: StreamBuffer) -> int | None:
    """Find the first packet in the buffer that begins with a frame; the index of its first byte."""
    return next((start for start in buffer.packet_starts() if _begins_frame(side, buffer.unread, start)), None)


def _begins_frame(side: Side, unread: bytearray, start: int) -> bool:
    """A known message begins there, and ends with the unread bytes or where another one begins."""
    if not looks_like_frame(side, bytes(unread[start : start + _LENGTH_AND_ID])):
        return False
    end = start + 4 + int.from_bytes(unread[start : start + 4], "big")
    return end == len(unread) or looks_like_frame(side, bytes(unread[end : end + _LENGTH_AND_ID]))


def looks_like_frame(side: Side, raw: bytes) -> bool:
    """Whether these bytes may begin a frame of this side: for streams whose beginning was not captured."""
    if len(raw) < 6:
        return False
    length = int.from_bytes(raw[:4], "big")
    if not 2 <= length <= MAX_FRAME:
        return False
    return messages.split_payload(raw[4 : 4 + length]).id in messages.NAMES[side]


def frames_at_end(side: Side, unread: bytes) -> int:
    """How many whole frames of this side follow each other up to the end of a frame that is not complete; 0 if none do."""
    for start in range(1, len(unread)):
        *_, end = ends = [0, *_chain(side, unread, start)]
        if end == len(unread):
            return len(ends) - 1
    return 0


def _chain(side: Side, unread: bytes, start: int) -> Iterator[int]:
    """The ends of the frames that follow each other from here on."""
    while looks_like_frame(side, unread[start : start + _LENGTH_AND_ID]):
        start += 4 + int.from_bytes(unread[start : start + 4], "big")
        yield start
