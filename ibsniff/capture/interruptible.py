"""A reader that knows how far it has read, and that can be stopped while it waits for input."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO


class _Stopped(Exception):
    """``stop`` was called while a read was waiting for input."""


class InterruptibleReader:
    """A stream that a signal handler can stop: what was read until then stays valid, and no more is read.

    Only for reading. ``position`` may be read from another thread.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Wrap a stream that is open for reading."""
        self._stream = stream
        self._waiting = False
        self.stopped = False
        self.position = 0
        """Bytes read so far, as they are stored: of a compressed file, compressed bytes."""
        self.size = _size(stream)
        """The size of a regular file in bytes; None for a pipe."""
        # read() of a buffered pipe waits until it is full; read1() returns what has been written so far
        self._take = getattr(stream, "read1", stream.read)

    def read(self, size: int = -1) -> bytes:
        """Read more; return nothing once the reader was stopped, even when that happens while it waits for input."""
        try:
            self._waiting = True
            data: bytes = b"" if self.stopped else self._take(size)
        except _Stopped:
            return b""
        finally:
            self._waiting = False
        self.position += len(data)
        return data

    def stop(self) -> None:
        """Read no more. Called from a signal handler, it interrupts a read that is waiting (PEP 475)."""
        self.stopped = True
        if self._waiting:
            raise _Stopped

    def seek(self, position: int) -> int:
        """Continue to read at this position."""
        self.position = self._stream.seek(position)
        return self.position

    def has_grown(self) -> bool:
        """Whether the file became longer while it was read."""
        return self.size is not None and (_size(self._stream) or 0) > self.size

    def has_shrunk(self) -> bool:
        """Whether the file is now shorter than it was when it was opened: its end is lost."""
        return self.size is not None and (_size(self._stream) or 0) < self.size

    def fileno(self) -> int:
        """Return the file descriptor of the stream. Raises OSError when it has none."""
        return self._stream.fileno()

    @property
    def closed(self) -> bool:
        """Whether the stream is closed."""
        return self._stream.closed

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


def _size(stream: BinaryIO) -> int | None:
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
