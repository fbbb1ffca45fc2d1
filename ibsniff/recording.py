"""Keeping the packets of a live capture: ``-w``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ibsniff import __version__
from ibsniff.capture.live import LiveSource
from ibsniff.capture.privilege import open_output
from ibsniff.capture.writer import PcapngWriter
from ibsniff.model import ExitCode, Frame, UserError


class Recorder:
    """Writes the frames of one live source, and what was lost; at the end, until when was watched."""

    def __init__(self, path: Path, source: LiveSource) -> None:
        self._path = path
        self._source = source
        self._stream = open_output(path)
        interfaces = [(source.interface, source.link_type)]
        self._writer = PcapngWriter(self._stream, interfaces, application=f"ibsniff {__version__}")
        self._dropped = 0
        self.failure: UserError | None = None
        """Why nothing more could be kept."""

    def write(self, frame: Frame) -> None:
        """Keep one frame; a risen drop counter is written down where it rose.

        A disk that takes no more ends the writing, not the watching: ``failure`` then says so.
        """
        if self.failure is None:
            self._try(lambda: self._write(frame))

    def finish(self, watched_until_ns: int) -> None:
        """Write down until when was watched, and how much was lost; close the file."""
        counted = self._source.statistics()
        if self.failure is None:
            self._try(lambda: self._writer.statistics(0, watched_until_ns, counted.received, counted.dropped))
        self._try(self._writer.close)

    def _write(self, frame: Frame) -> None:
        self._writer.write(frame)
        dropped = self._source.facts.dropped or 0
        if dropped > self._dropped:
            self._dropped = dropped
            self._writer.statistics(0, frame.time_ns, None, dropped)
        self._writer.flush()

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            self.failure = self.failure or UserError(
                f"cannot write {self._path}: {error.strerror or error}",
                "The packets until then are kept; make room, or name another file",
                ExitCode.INPUT,
            )
