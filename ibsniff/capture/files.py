"""A capture file, whatever it is: opened, recognised, read to its end or to its first damage."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self, TypeVar, cast

from ibsniff.capture import file_type
from ibsniff.capture.compression import decompress, detect_compression
from ibsniff.capture.input_buffer import (
    COLUMNS_READ_SIZE,
    DamagedCapture,
    InputBuffer,
    TruncatedCapture,
    read_chunks,
    ready_without_waiting,
)
from ibsniff.capture.input_record import InputRecord
from ibsniff.capture.interruptible import InterruptibleReader
from ibsniff.capture.pcap import MAGICS as PCAP_MAGICS
from ibsniff.capture.pcap import PcapReader
from ibsniff.capture.pcapng import PcapngReader
from ibsniff.model import Columns, Frame, InputFacts, Lane, UserError

STDIN = "-"
PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
LONGEST_MAGIC = 6
"""Bytes that tell what a file is: four of a capture, six of xz."""

COLUMNS_FROM_OFFSET = 1 << 20
"""Bytes from which on an input is read by columns, unless the lane was chosen: below, importing numpy takes longer."""
COLUMNS_FROM_START_SIZE = 4 << 20
"""Bytes of a file that is read by columns from the beginning: it will have been worth importing numpy."""
COLUMNS_MIN_BUFFERED = 1 << 18
"""Bytes that must have come for columns; a slow pipe is read packet by packet."""

STILL_BEING_WRITTEN = "it is still being written: it grew while it was read"


class Reader(Protocol):
    """A file format: it takes packets out of the feed's buffer, as many as are whole."""

    format: str
    number: int
    """Of the last packet taken."""
    position: int
    """Where in the buffer the first byte stands that was not used."""
    needed: int
    """Bytes from there on without which there is no going on."""

    def parse(self, input_buffer: InputBuffer, batch: list[Frame]) -> None:
        """Append the whole packets in the buffer to ``batch``, also those before the DamagedCapture it may raise."""

    def columns(self, input_buffer: InputBuffer) -> Iterator[Columns | Frame]:
        """The same, in bulk where packets are regular; the DamagedCapture is raised after the packets before it."""

    def missing(self, rest: int) -> str:
        """What is not there when the input ends ``rest`` bytes after the last whole packet."""


Packets = TypeVar("Packets", Frame, Frame | Columns)


class CaptureFile:
    """An open capture. ``record`` grows with each read of the input, which runs ahead of the frames by a read at most."""

    def __init__(
        self, stream: InterruptibleReader, reader: Reader, input_buffer: InputBuffer, record: InputRecord
    ) -> None:
        self.stream = stream
        """How far it was read, and how to end it before its end."""
        self._reader = reader
        self._input_buffer = input_buffer
        self.record = record
        record.name_format(reader.format)

    @property
    def facts(self) -> InputFacts:
        """What the capture says of itself, as far as it was read."""
        return self.record.facts()

    def frames(self) -> Iterator[Frame]:
        """Every packet up to the end or the first damage, which ``facts.truncated`` tells.

        Raises UserError when there is damage before any packet, so that nothing can be said of this file.
        """
        yield from self._to_the_end(self._batches())

    def packets(self, lane: Lane = Lane.AUTO) -> Iterator[Frame | Columns]:
        """The same, many packets at once where that is faster."""
        yield from self._to_the_end(self._batches() if lane is Lane.PLAIN else self._columns_and_frames(lane))

    def _to_the_end(self, packets: Iterator[Packets]) -> Iterator[Packets]:
        try:
            yield from packets
            if self._input_buffer.data:
                raise TruncatedCapture(self._reader.missing(len(self._input_buffer.data)))
        except DamagedCapture as damage:
            if self.record.packets == 0 and not isinstance(damage, TruncatedCapture):
                raise _cannot_be_read(self.record.path, damage) from damage
            self.record.truncate(str(damage))
        if self.stream.has_grown():
            self.record.truncate(STILL_BEING_WRITTEN)

    def _batches(self) -> Iterator[Frame]:
        while self._input_buffer.advance(self._reader.position, self._reader.needed):
            yield from self._batch()

    def _batch(self) -> Iterator[Frame]:
        batch: list[Frame] = []
        damage = _damage_in_parsing(self._reader, self._input_buffer, batch)
        self.record.add_frames(batch)
        yield from batch
        if damage:
            raise damage

    def _columns_and_frames(self, lane: Lane) -> Iterator[Frame | Columns]:
        input_buffer, reader = self._input_buffer, self._reader
        plain_until = (
            0 if lane is Lane.COLUMNS or (self.stream.size or 0) >= COLUMNS_FROM_START_SIZE else COLUMNS_FROM_OFFSET
        )
        bulk_from = 0 if lane is Lane.COLUMNS else COLUMNS_MIN_BUFFERED
        preferred = 0
        while input_buffer.advance(reader.position, reader.needed, preferred):
            is_bulk = input_buffer.offset + len(input_buffer.data) >= plain_until
            yield from self._columns() if is_bulk and len(input_buffer.data) >= bulk_from else self._batch()
            preferred = COLUMNS_READ_SIZE if is_bulk else 0

    def _columns(self) -> Iterator[Frame | Columns]:
        for packets in self._reader.columns(self._input_buffer):
            if isinstance(packets, Columns):
                self.record.add_columns(packets)
            else:
                self.record.add_frames([packets])
            yield packets

    def close(self) -> None:
        """Close the file (standard input too: nothing else of it can be used)."""
        self.stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_capture(path: str, stdin: BinaryIO | None = None, continues: InputRecord | None = None) -> CaptureFile:
    """Open a capture; ``-`` is standard input, which may be a pipe that is still written to.

    A piece of a longer capture ``continues`` what is known of the pieces before it: its packets are numbered on.
    Raises UserError when there is no such file, when it may not be read, or when it is no capture.
    """
    stream = InterruptibleReader(_standard_input(stdin) if path == STDIN else _open_file(path))
    source = cast(BinaryIO, stream)
    record = continues or InputRecord(path)
    try:
        file = source if path != STDIN and stream.size is not None else None
        input_buffer, name = _decompressed(
            InputBuffer(read_chunks(source), ready_without_waiting(source), file), _shown_path(path)
        )
        reader = _reader(input_buffer, record, name)
        reader.number = record.packets
    except DamagedCapture as damage:
        stream.close()
        raise _cannot_be_read(path, damage) from damage
    except BaseException:
        stream.close()
        raise
    return CaptureFile(stream, reader, input_buffer, record)


def _standard_input(given: BinaryIO | None) -> BinaryIO:
    ours = sys.stdin.buffer if sys.stdin is not None else None
    stream = given or ours
    if stream is None or stream.closed:
        raise UserError("standard input is closed, or was read already", "name - once: ibsniff read - < FILE")
    if given in (None, ours) and stream.isatty():
        raise UserError("standard input is your keyboard", "give it a capture: ibsniff read - < FILE")
    return stream


def _open_file(path: str) -> BinaryIO:
    try:
        if Path(path).is_dir():  # Windows says "permission denied" when one is opened
            raise UserError(f"{path} is a directory", "name the capture file in it")
        return Path(path).open("rb", buffering=0)  # we read big pieces ourselves
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file", "check the name and the folder you are in") from error
    except PermissionError as error:
        what_to_do = 'captures written under sudo belong to root: sudo chown "$USER" FILE'
        raise UserError(f"{path}: you have no permission to read it", what_to_do) from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be opened: {error}", "check the name") from error


def _decompressed(input_buffer: InputBuffer, name: str) -> tuple[InputBuffer, str]:
    """The bytes of the capture itself, and in words where they are."""
    input_buffer.advance(0, LONGEST_MAGIC)
    if not input_buffer.data:
        what_to_do = "capture again, and stop tcpdump with Ctrl-C, so that it writes what it holds"
        raise UserError(f"{name} is empty (0 bytes)", what_to_do)
    try:
        compression = detect_compression(input_buffer.data)
    except UserError as error:
        raise UserError(f"{name}: {error.what}", error.what_to_do) from error
    if compression is None:
        return input_buffer, name
    inner = InputBuffer(decompress(input_buffer.rest(), compression), input_buffer.ready_without_waiting)
    inner.advance(0, LONGEST_MAGIC)
    return inner, f"what {name} holds in {compression.name}"


def _reader(input_buffer: InputBuffer, record: InputRecord, name: str) -> Reader:
    magic = input_buffer.data[:4]
    if magic in PCAP_MAGICS:
        return PcapReader(input_buffer, record)
    if magic == PCAPNG_MAGIC:
        return PcapngReader(input_buffer, record)
    input_buffer.advance(0, file_type.EXAMINED_BYTES)
    what, what_to_do = file_type.describe(input_buffer.data, record.path)
    raise UserError(f"{name} is no capture: it is {what}", what_to_do)


def _damage_in_parsing(reader: Reader, input_buffer: InputBuffer, batch: list[Frame]) -> DamagedCapture | None:
    """Parse; a DamagedCapture waits until the packets before it are out."""
    try:
        reader.parse(input_buffer, batch)
    except DamagedCapture as damage:
        return damage
    return None


def _cannot_be_read(path: str, damage: DamagedCapture) -> UserError:
    what_to_do = f"take the capture again, or check the copy; if Wireshark opens it, {file_type.CONVERT}"
    return UserError(f"{_shown_path(path)} cannot be read: {damage}", what_to_do)


def _shown_path(path: str) -> str:
    return "standard input" if path == STDIN else path
