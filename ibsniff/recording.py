"""Keeping the packets of a live capture: ``-w``."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

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

    def write(self, frame: Frame) -> None:
        """Keep one frame; a risen drop counter is written down where it rose.

        Raises UserError when the disk does not take it.
        """
        try:
            self._writer.write(frame)
            dropped = self._source.facts.dropped or 0
            if dropped > self._dropped:
                self._dropped = dropped
                self._writer.statistics(0, frame.time_ns, None, dropped)
            self._writer.flush()
        except OSError as error:
            raise self._failed(error) from error

    def finish(self, watched_until_ns: int) -> None:
        """Write down until when was watched, and how much was lost."""
        counted = self._source.statistics()
        try:
            self._writer.statistics(0, watched_until_ns, counted.received, counted.dropped)
            self._writer.flush()
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> UserError:
        return UserError(
            f"cannot write {self._path}: {error.strerror or error}",
            "What was written until then is whole; make room, or name another file",
            ExitCode.INPUT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
