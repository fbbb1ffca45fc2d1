"""Bytes from anywhere as one buffer that moves forward: what both readers stand on."""

from __future__ import annotations

import io
import os
import select
import stat
from collections.abc import Callable, Iterator
from typing import BinaryIO

READ_SIZE = 1 << 16
"""Bytes asked of a file at once: the frames made of them stay in the processor's cache (1 MiB took 15 % longer)."""

COLUMNS_READ_SIZE = 2 << 20
"""Bytes taken at once by columns."""

PIPE_WAIT_SECONDS = 0.002
"""Seconds: what writes a pipe at full speed fills it anew within this time, and nobody notices it in a report."""

MAX_FRAME = 262_144
"""The longest packet believed, in bytes: libpcap's MAXIMUM_SNAPLEN and Wireshark's WTAP_MAX_PACKET_SIZE_STANDARD.

Both allow 128 MiB on USB and D-Bus, where no TCP is. A longer one is damage: it would swallow what follows.
"""


class DamagedCapture(Exception):
    """The input stops making sense here, in words. Never leaves this room."""


class TruncatedCapture(DamagedCapture):
    """The input ends in the middle of something: no nonsense, only less than there was."""


class InputBuffer:
    """A window on the input: ``data`` holds its bytes from ``offset`` on."""

    __slots__ = ("_chunks", "_damage", "_file", "data", "offset", "ready_without_waiting")

    def __init__(
        self,
        chunks: Iterator[bytes],
        ready_without_waiting: Callable[[], bool] = lambda: True,
        file: BinaryIO | None = None,
    ) -> None:
        """``ready_without_waiting`` tells whether the next chunk can be had without waiting.

        ``file`` is where the chunks come from, if it can be read from anywhere in big pieces.
        """
        self._chunks = chunks
        self._file = file
        self.ready_without_waiting = ready_without_waiting
        self._damage: DamagedCapture | None = None
        """Of the input, behind bytes that were good and are not used yet."""
        self.data = b""
        self.offset = 0

    def advance(self, position: int, needed: int, preferred: int = 0) -> bool:
        """Forget the bytes before ``position`` and hold at least ``needed`` after it; False when the input has fewer.

        Waits for no more than that, since a live pipe may not have it yet; ``preferred`` bytes are taken if they are there.
        Raises DamagedCapture from the input.
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
        """All bytes that are still to come, those in the buffer first."""
        yield self.data
        yield from self._chunks


def read_chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The stream's bytes as they come, at most ``READ_SIZE`` at once. Raises DamagedCapture when reading fails."""
    # read() of a buffered pipe waits until it is full, read1() gives what tcpdump -U has written so far
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
    """Read the few bytes in front once more rather than join the many behind them to those."""
    try:
        file.seek(offset)
        data = file.read(size)
        while len(data) < needed and (more := file.read(size - len(data))):  # one read may give less than there is
            data += more
        return data
    except OSError as error:
        raise DamagedCapture(f"reading failed: {error.strerror}") from error


def ready_without_waiting(stream: BinaryIO) -> Callable[[], bool]:
    """Tell, whenever asked, whether the stream has bytes that need not be waited for.

    A pipe that cannot be asked (Windows, and what is no file) is taken for one that has none.
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
