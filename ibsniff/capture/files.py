"""Capture files: opening them, detecting their format, and reading them to their end or to the first damage."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Protocol, Self, TypeVar, cast

from ibsniff.capture.compression import decompress, detect_compression
from ibsniff.capture.input_buffer import (
    COLUMNS_READ_SIZE,
    DamagedCapture,
    InputBuffer,
    TruncatedCapture,
    read_chunks,
    ready_without_waiting,
)
from ibsniff.capture.input_file import open_input
from ibsniff.capture.input_record import InputRecord
from ibsniff.capture.interruptible import InterruptibleReader
from ibsniff.capture.pcap import MAGICS as PCAP_MAGICS
from ibsniff.capture.pcap import PcapReader
from ibsniff.model import Columns, Frame, InputFacts, Lane, UserError, WireText

STDIN = "-"
PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
LONGEST_MAGIC = 6
"""Bytes that identify the format: four of a capture, six of xz."""

COLUMNS_FROM_OFFSET = 1 << 20
"""An input is read as columns from this byte on, unless the user chose a lane: in a smaller one importing numpy takes longer."""
COLUMNS_FROM_START_SIZE = 4 << 20
"""A file of this many bytes is read as columns from its beginning."""
COLUMNS_MIN_MEMORY = 160 << 20
"""Bytes that numpy and the columns need: under a tighter limit (``ulimit -v``), whose breach would end the process, packets
are read one by one."""
COLUMNS_MIN_BUFFERED = 1 << 18
"""Bytes that must be available for columns; a slow pipe is read packet by packet."""

STILL_BEING_WRITTEN = "it is still being written: it grew while it was read"
CUT_MEANWHILE = "it became shorter while it was read: its end is lost"


class Reader(Protocol):
    """The reader of one file format: it takes the complete packets out of the input buffer."""

    format: str
    number: int
    """The number of the last packet taken."""
    position: int
    """Where in the buffer the unused bytes begin."""
    needed: int
    """How many bytes from there on the reader needs to continue."""

    def parse(self, input_buffer: InputBuffer, batch: list[Frame]) -> None:
        """Append the complete packets in the buffer to ``batch``, including those before any damage. May raise DamagedCapture."""

    def columns(self, input_buffer: InputBuffer) -> Iterator[Columns | Frame]:
        """Yield the same packets, as columns where they are regular. May raise DamagedCapture after the packets before it."""

    def missing(self, rest: int) -> str:
        """Say what is missing when the input ends ``rest`` bytes after the last complete packet."""


Packets = TypeVar("Packets", Frame, Frame | Columns)


class CaptureFile:
    """An open capture. ``record`` is updated with each read of the input, at most one read ahead of the frames."""

    def __init__(
        self, stream: InterruptibleReader, reader: Reader, input_buffer: InputBuffer, record: InputRecord
    ) -> None:
        self.stream = stream
        """The input: it tells how far it was read, and can be stopped before its end."""
        self._reader = reader
        self._input_buffer = input_buffer
        self.record = record
        record.name_format(reader.format)

    @property
    def facts(self) -> InputFacts:
        """The facts about the capture, as far as it was read."""
        return self.record.facts()

    def frames(self) -> Iterator[Frame]:
        """Yield every packet up to the end or to the first damage, which is then described in ``facts.truncated``.

        Raises UserError when the file is damaged before its first packet, so that nothing of it can be read.
        """
        yield from self._to_the_end(self._batches())

    def packets(self, lane: Lane = Lane.AUTO) -> Iterator[Frame | Columns]:
        """Yield the same packets, many at once as columns where that is faster."""
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
        elif self.stream.has_shrunk():
            self.record.truncate(CUT_MEANWHILE)

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
        from_start = lane is Lane.COLUMNS or (self.stream.size or 0) >= COLUMNS_FROM_START_SIZE
        columns_from = 0 if from_start else COLUMNS_FROM_OFFSET
        min_buffered = 0 if lane is Lane.COLUMNS else COLUMNS_MIN_BUFFERED
        preferred = 0
        is_possible: bool | None = None
        while input_buffer.advance(reader.position, reader.needed, preferred):
            in_columns = input_buffer.offset + len(input_buffer.data) >= columns_from
            if in_columns and is_possible is None:
                is_possible = _is_memory_for_columns()
            in_columns = in_columns and is_possible is True
            yield from self._columns() if in_columns and len(input_buffer.data) >= min_buffered else self._batch()
            preferred = COLUMNS_READ_SIZE if in_columns else 0

    def _columns(self) -> Iterator[Frame | Columns]:
        for packets in self._reader.columns(self._input_buffer):
            if isinstance(packets, Columns):
                self.record.add_columns(packets)
            else:
                self.record.add_frames([packets])
            yield packets

    def close(self) -> None:
        """Close the file, or standard input: the rest of it has no other use."""
        self.stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_capture(path: str, stdin: BinaryIO | None = None, continues: InputRecord | None = None) -> CaptureFile:
    """Open a capture; ``-`` is standard input, which may be a pipe that is still being written.

    ``continues`` is the record of the preceding files when this is one of several files of the same capture: the packet
    numbers continue. Raises UserError when the file does not exist, cannot be read, or is not a capture.
    """
    stream = InterruptibleReader(_standard_input(stdin) if path == STDIN else open_input(path))
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
        raise UserError("standard input is closed or has been read already", "Give - only once: ibsniff read - < FILE")
    if given in (None, ours) and stream.isatty():
        raise UserError("standard input is a terminal", "Redirect a capture to it: ibsniff read - < FILE")
    return stream


def _decompressed(input_buffer: InputBuffer, name: str) -> tuple[InputBuffer, str]:
    """Return the uncompressed capture, and how error messages call it."""
    input_buffer.advance(0, LONGEST_MAGIC)
    if not input_buffer.data:
        what_to_do = "Capture again, and stop tcpdump with Ctrl-C so that it writes the packets in its buffer"
        raise UserError(f"{name} is empty (0 bytes)", what_to_do)
    try:
        compression = detect_compression(input_buffer.data)
    except UserError as error:
        raise UserError(f"{name}: {error.what}", error.what_to_do) from error
    if compression is None:
        return input_buffer, name
    inner = InputBuffer(decompress(input_buffer.rest(), compression), input_buffer.ready_without_waiting)
    inner.advance(0, LONGEST_MAGIC)
    return inner, f"the {compression.name} content of {name}"


def _reader(input_buffer: InputBuffer, record: InputRecord, name: str) -> Reader:
    magic = input_buffer.data[:4]
    if magic in PCAP_MAGICS:
        return PcapReader(input_buffer, record)
    if magic == PCAPNG_MAGIC:
        from ibsniff.capture.pcapng import PcapngReader  # noqa: PLC0415  (a pcap file does without)

        return PcapngReader(input_buffer, record)
    from ibsniff.capture import file_type  # noqa: PLC0415  (a capture does without)

    input_buffer.advance(0, file_type.EXAMINED_BYTES)
    what, what_to_do = file_type.describe(input_buffer.data, record.path)
    raise UserError(f"{name} is not a capture: it is {what}", what_to_do)


def _is_memory_for_columns() -> bool:
    from ibsniff.capture.procfs import memory_left  # noqa: PLC0415  (small captures do without)

    left = memory_left()
    return left is None or left >= COLUMNS_MIN_MEMORY


def _damage_in_parsing(reader: Reader, input_buffer: InputBuffer, batch: list[Frame]) -> DamagedCapture | None:
    """Parse, and return any damage instead of raising it: the packets before it must be yielded first."""
    try:
        reader.parse(input_buffer, batch)
    except DamagedCapture as damage:
        return damage
    return None


def _cannot_be_read(path: str, damage: DamagedCapture) -> UserError:
    from ibsniff.capture import file_type  # noqa: PLC0415  (a sound capture does without)

    what_to_do = (
        f"Capture again, or check that the file was copied completely. If Wireshark opens it: {file_type.EDITCAP}"
    )
    return UserError(f"{_shown_path(path)} cannot be read: {damage}", what_to_do)


def _shown_path(path: str) -> str:
    return "standard input" if path == STDIN else f"{WireText(path):quoted}"
