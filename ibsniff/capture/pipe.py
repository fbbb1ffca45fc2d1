"""A capture on standard input that is still being written: ``sudo tcpdump -U -w - | ibsniff read -``, watched live.

Its packets come as from a file. While none comes the pipe ticks as a live interface does, so that silence is told in
time; but only as long as its packets come as they are stamped. Of an old capture, or behind a buffer, or from a machine
with another clock, nobody knows whether the quiet is that of the wire: there time is what the packets say.
"""

from __future__ import annotations

import os
import select
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO, Self, cast

from ibsniff.capture.files import open_capture
from ibsniff.capture.input_record import InputRecord
from ibsniff.model import NANOSECONDS, Frame, InputFacts, Tick

TICK_SECONDS = 0.25
"""A quiet pipe says so this often, as a live interface does."""

FRESH_NS = 3 * NANOSECONDS
"""A packet that comes this soon after its stamp, by our clock, has just been captured."""

LATE_NS = NANOSECONDS
"""How long a packet may be on its way to us: tcpdump's kernel buffer holds one back for up to a second."""

LAST_SECONDS = 0.5
"""After Ctrl-C the capturing side, which got it too, writes what it still holds, and ends."""

Take = Callable[[Frame | Tick], bool]


class _Enough(Exception):
    """Whoever takes the events wants no more. Never leaves this module."""


class _Patient:
    """A stream that can be read like any other, and calls somebody while it waits for bytes."""

    def __init__(self, descriptor: int, idle: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._idle = idle
        self._stopped_at: float | None = None
        self.arrived = 0.0
        """When bytes came last, by the monotonic clock."""

    closed = False

    def read1(self, size: int) -> bytes:
        """Return what is there; nothing at the end, or some time after `stop`."""
        while not self._is_over():
            if select.select([self._descriptor], [], [], TICK_SECONDS)[0]:
                self.arrived = time.monotonic()
                return os.read(self._descriptor, size)
            self._idle()
        return b""

    def _is_over(self) -> bool:
        """Who captures may not have got the Ctrl-C (another machine), and write on for ever."""
        return self._stopped_at is not None and time.monotonic() > self._stopped_at + LAST_SECONDS

    read = read1

    def fileno(self) -> int:
        """Where it is read from."""
        return self._descriptor

    def stop(self) -> None:
        """End soon."""
        self._stopped_at = self._stopped_at or time.monotonic()

    def close(self) -> None:
        """Leave standard input to its owner."""


class LivePipe:
    """A capture that grows: `push` hands on its frames, and ticks while it is quiet."""

    def __init__(self, stdin: BinaryIO) -> None:
        """Wait for its first bytes. Raises UserError when they are no capture's."""
        self._stream = _Patient(stdin.fileno(), self._wait)
        self._capture = open_capture("-", cast(BinaryIO, self._stream))
        self._take: Take | None = None
        self._last_ns: int | None = None
        self._fresh = False

    @property
    def record(self) -> InputRecord:
        """What the capture says of itself."""
        return self._capture.record

    @property
    def facts(self) -> InputFacts:
        """The same at present, as a value."""
        return self._capture.facts

    def push(self, take: Take) -> None:
        """Hand every event on, until there are no more or ``take`` says that it is enough."""
        self._take = take
        with suppress(_Enough):
            for frame in self._capture.frames():
                self._last_ns = max(self._last_ns or 0, frame.time_ns)
                self._fresh = abs(time.time_ns() - frame.time_ns) < FRESH_NS
                self._hand_on(frame)

    def stop(self) -> None:
        """End `push`; callable from a signal handler."""
        self._stream.stop()

    def close(self) -> None:
        """Close the capture."""
        self._capture.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait(self) -> None:
        """Nothing has come for a moment: time has passed, if the pipe is one that keeps up."""
        if self._take is None or self._last_ns is None or not self._fresh:
            return
        quiet_ns = round((time.monotonic() - self._stream.arrived) * NANOSECONDS) - LATE_NS
        if quiet_ns > 0:
            self._hand_on(Tick(self._last_ns + quiet_ns))

    def _hand_on(self, event: Frame | Tick) -> None:
        self.record.follow_clock(self._fresh)
        if self._take is not None and self._take(event):
            raise _Enough


def is_pipe(stdin: BinaryIO | None) -> bool:
    """Tell whether standard input is a pipe that can be waited for: no file, no terminal, and not on Windows."""
    if stdin is None or sys.platform == "win32":
        return False
    try:
        mode = os.fstat(stdin.fileno()).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
