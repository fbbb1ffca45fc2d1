"""A capture on standard input that is still being written, as in ``sudo tcpdump -U -w - | ibsniff read -``.

Its packets are read as those of a file. While none arrives, the pipe produces ticks as a live interface does, so that
silence is reported in time; but only if its packets arrive when their time stamps say. With an old capture, a buffering
program in between, or a machine with another clock, a quiet pipe does not mean a quiet network: then only the time stamps
of the packets count.
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
"""The interval of ticks while the pipe is quiet, the same as that of a live interface."""

FRESH_NS = 3 * NANOSECONDS
"""A packet that arrives this soon after its time stamp, by our clock, has just been captured."""

LATE_NS = NANOSECONDS
"""The longest delay of a packet on its way to us: tcpdump's kernel buffer may hold it for a second."""

LAST_SECONDS = 0.5
"""How long to read after Ctrl-C: the capturing program received it too, writes the packets in its buffer, and ends."""

Take = Callable[[Frame | Tick], bool]


class _StopPushing(Exception):
    """The consumer of the events wants no more. Never raised out of this module."""


class _PollingStream:
    """A readable stream that calls a function at intervals while it waits for bytes."""

    def __init__(self, descriptor: int, idle: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._idle = idle
        self._stopped_at: float | None = None
        self.arrived = 0.0
        """When the last bytes arrived, by the monotonic clock."""

    closed = False

    def read1(self, size: int) -> bytes:
        """Return the available bytes; nothing at the end, or some time after `stop`."""
        while not self._is_over():
            if select.select([self._descriptor], [], [], TICK_SECONDS)[0]:
                self.arrived = time.monotonic()
                return os.read(self._descriptor, size)
            self._idle()
        return b""

    def _is_over(self) -> bool:
        """Whether the time after `stop` is over: a capturing program that did not receive the Ctrl-C would never end."""
        return self._stopped_at is not None and time.monotonic() > self._stopped_at + LAST_SECONDS

    read = read1

    def fileno(self) -> int:
        """Return the file descriptor it reads from."""
        return self._descriptor

    def stop(self) -> None:
        """Stop reading soon."""
        self._stopped_at = self._stopped_at or time.monotonic()

    def close(self) -> None:
        """Do nothing: standard input is not ours to close."""


class LivePipe:
    """A capture that is still being written: `push` delivers its frames, and ticks while it is quiet."""

    def __init__(self, stdin: BinaryIO) -> None:
        """Wait for its first bytes. Raises UserError when they are not a capture."""
        self._stream = _PollingStream(stdin.fileno(), self._on_idle)
        self._capture = open_capture("-", cast(BinaryIO, self._stream))
        self._take: Take | None = None
        self._last_ns: int | None = None
        self._fresh = False

    @property
    def record(self) -> InputRecord:
        """The record of the input."""
        return self._capture.record

    @property
    def facts(self) -> InputFacts:
        """The facts about the capture so far."""
        return self._capture.facts

    def push(self, take: Take) -> None:
        """Deliver every event to ``take``, until there are no more or ``take`` returns True."""
        self._take = take
        with suppress(_StopPushing):
            for frame in self._capture.frames():
                self._last_ns = max(self._last_ns or 0, frame.time_ns)
                self._fresh = abs(time.time_ns() - frame.time_ns) < FRESH_NS
                self._deliver(frame)

    def stop(self) -> None:
        """End `push`; may be called from a signal handler."""
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

    def _on_idle(self) -> None:
        """Deliver a tick, since nothing has arrived for a moment, if the packets of this pipe arrive in time."""
        if self._take is None or self._last_ns is None or not self._fresh:
            return
        quiet_ns = round((time.monotonic() - self._stream.arrived) * NANOSECONDS) - LATE_NS
        if quiet_ns > 0:
            self._deliver(Tick(self._last_ns + quiet_ns))

    def _deliver(self, event: Frame | Tick) -> None:
        self.record.follow_clock(self._fresh)
        if self._take is not None and self._take(event):
            raise _StopPushing


def is_pipe(stdin: BinaryIO | None) -> bool:
    """Tell whether standard input is a pipe that can be polled: not a file, not a terminal, and not on Windows."""
    if stdin is None or sys.platform == "win32":
        return False
    try:
        mode = os.fstat(stdin.fileno()).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
