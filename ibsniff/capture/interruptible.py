"""Between an input and who reads it: how far it was read, and a way to say that this was enough."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO


class _Enough(Exception):
    """Somebody called ``stop`` while the input was waited for."""


class InterruptibleReader:
    """A stream that can be closed from a signal handler, as a tap is: what was let through stays good.

    Reading is its only work. ``position`` may be looked at from another thread.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Stand in front of a stream opened for reading."""
        self._stream = stream
        self._waiting = False
        self.stopped = False
        self.position = 0
        """Bytes taken from it, as it is stored: compressed, if it is."""
        self.size = _size(stream)
        """Bytes of a regular file; None of a pipe."""
        # read() of a buffered pipe waits until it is full, read1() gives what has been written so far
        self._take = getattr(stream, "read1", stream.read)

    def read(self, size: int = -1) -> bytes:
        """Read on; nothing when the tap was closed, even while the input was waited for."""
        try:
            self._waiting = True
            data: bytes = b"" if self.stopped else self._take(size)
        except _Enough:
            return b""
        finally:
            self._waiting = False
        self.position += len(data)
        return data

    def stop(self) -> None:
        """Let nothing more through. For a signal handler: it interrupts a read that waits (PEP 475)."""
        self.stopped = True
        if self._waiting:
            raise _Enough

    def seek(self, position: int) -> int:
        """Read on from there."""
        self.position = self._stream.seek(position)
        return self.position

    def has_grown(self) -> bool:
        """Whether somebody wrote on while the file was read."""
        return self.size is not None and (_size(self._stream) or 0) > self.size

    def fileno(self) -> int:
        """The file descriptor below. Raises OSError when there is none."""
        return self._stream.fileno()

    @property
    def closed(self) -> bool:
        """Whether the stream is."""
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
