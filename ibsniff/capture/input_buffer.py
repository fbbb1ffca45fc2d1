"""The input of the readers as a buffer that moves forward, whether it is a file, a pipe or decompressed data."""

from __future__ import annotations

import io
import os
import select
import stat
from collections.abc import Callable, Iterator
from typing import BinaryIO

READ_SIZE = 1 << 16
"""Bytes of one read: the frames made of them fit into the processor's cache (1 MiB took 15 % longer)."""

COLUMNS_READ_SIZE = 2 << 20
"""Bytes of one read when packets are read as columns."""

PIPE_WAIT_SECONDS = 0.002
"""How long to wait for more bytes of a pipe: a writer at full speed fills it within this time, and no user notices it."""

MAX_FRAME = 262_144
"""The longest possible packet, in bytes: libpcap's MAXIMUM_SNAPLEN and Wireshark's WTAP_MAX_PACKET_SIZE_STANDARD.

Both allow 128 MiB on USB and D-Bus, which carry no TCP. A greater length is damage and would hide all later packets.
"""


class DamagedCapture(Exception):
    """The input is damaged here, for the reason given. Never raised out of ``capture``."""


class TruncatedCapture(DamagedCapture):
    """The input ends inside a header or packet; what came before is valid."""


class InputBuffer:
    """A part of the input: ``data`` holds its bytes from ``offset`` on."""

    __slots__ = ("_chunks", "_damage", "_file", "data", "offset", "ready_without_waiting")

    def __init__(
        self,
        chunks: Iterator[bytes],
        ready_without_waiting: Callable[[], bool] = lambda: True,
        file: BinaryIO | None = None,
    ) -> None:
        """``ready_without_waiting`` tells whether the next chunk is available without waiting.

        ``file`` is the source of the chunks if it is a file, which can be read at any position and in large pieces.
        """
        self._chunks = chunks
        self._file = file
        self.ready_without_waiting = ready_without_waiting
        self._damage: DamagedCapture | None = None
        """Damage of the input after valid bytes that are not used yet."""
        self.data = b""
        self.offset = 0

    def advance(self, position: int, needed: int, preferred: int = 0) -> bool:
        """Discard the bytes before ``position`` and hold at least ``needed`` after it; False when the input has fewer.

        It waits for no more than that, since a live pipe may not have more yet; it takes up to ``preferred`` bytes without
        waiting. Raises DamagedCapture when the input does.
        """
        if preferred and self._file is not None:
            self.offset += position
            self.data = _read_at(self._file, self.offset, needed, max(needed, preferred))
            return len(self.data) >= needed
        parts = [self.data[position:]]
        size = len(parts[0])
        while size < needed or (size < preferred and self.ready_without_waiting()):
            chunk = self._chunk(keep_damage=size >= needed)
            if not chunk:
                break
            parts.append(chunk)
            size += len(chunk)
        self.data = b"".join(parts)
        self.offset += position
        return size >= needed

    def _chunk(self, *, keep_damage: bool) -> bytes:
        if self._damage is not None and not keep_damage:
            raise self._damage
        try:
            return next(self._chunks, b"") if self._damage is None else b""
        except DamagedCapture as damage:
            if not keep_damage:
                raise
            self._damage = damage
            return b""

    def rest(self) -> Iterator[bytes]:
        """Yield all remaining bytes, those in the buffer first."""
        yield self.data
        yield from self._chunks


def read_chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the stream's bytes as they come, at most ``READ_SIZE`` at once. Raises DamagedCapture when reading fails."""
    # read() of a buffered pipe waits until it is full; read1() returns what tcpdump -U has written so far
    read = getattr(stream, "read1", stream.read)
    while True:
        try:
            chunk = read(READ_SIZE)
        except OSError as error:
            raise DamagedCapture(f"reading failed: {error.strerror}") from error
        if not chunk:
            return
        yield chunk


def _read_at(file: BinaryIO, offset: int, needed: int, size: int) -> bytes:
    """Read from ``offset`` on: reading the unused bytes once more is faster than joining them with many new ones."""
    try:
        file.seek(offset)
        data = file.read(size)
        while len(data) < needed and (more := file.read(size - len(data))):  # one read may return less than requested
            data += more
        return data
    except OSError as error:
        raise DamagedCapture(f"reading failed: {error.strerror}") from error


def ready_without_waiting(stream: BinaryIO) -> Callable[[], bool]:
    """Return a function that tells whether the stream has bytes without waiting.

    It returns False for what cannot be tested: pipes on Windows, and streams that are not files.
    """
    try:
        is_file = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return lambda: isinstance(stream, io.BytesIO)
    return (lambda: True) if is_file else (lambda: _is_readable(stream))


def _is_readable(stream: BinaryIO) -> bool:
    try:
        return bool(select.select([stream], [], [], PIPE_WAIT_SECONDS)[0])
    except (OSError, ValueError):
        return False
