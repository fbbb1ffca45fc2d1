"""How far the reading of captures is: another thread may ask, and a signal handler may stop it."""

from __future__ import annotations

from collections.abc import Iterator

from ibsniff.analysis.pipeline import Analysis
from ibsniff.capture.files import CaptureFile
from ibsniff.capture.input_record import InputRecord
from ibsniff.model import Columns, Frame, Lane


class ReadingProgress:
    """The reading of some inputs, one after the other."""

    def __init__(self) -> None:
        self.stopped = False
        self.inputs_begun = 0
        self.bytes_done = 0
        """Of the inputs that were read."""
        self._bytes_before = 0
        """Of the inputs before the present one."""
        self._connections_before = 0
        self._source: CaptureFile | None = None
        """What is being read; None between two inputs."""
        self._analysis: Analysis | None = None

    @property
    def position(self) -> int:
        """Bytes read, as they are stored."""
        source = self._source
        return self.bytes_done + (source.stream.position if source else 0)

    @property
    def connections(self) -> int:
        """How many were found, whatever they turn out to be."""
        analysis = self._analysis
        return self._connections_before + (analysis.connections if analysis else 0)

    def stop(self) -> None:
        """Stop reading: what was read so far is judged.

        Raises KeyboardInterrupt when nothing was read, and when it is called again.
        """
        if self.stopped or (self._source is None and not self.bytes_done):
            raise KeyboardInterrupt
        self.stopped = True
        if self._source is not None:
            self._source.stream.stop()

    def begin(self, analysis: Analysis) -> None:
        """Begin with an input."""
        self._analysis = analysis
        self._bytes_before = self.bytes_done

    def packets(self, source: CaptureFile, lane: Lane) -> Iterator[Frame | Columns]:
        """The packets of a source, while it is the one that is read."""
        self._source = source
        try:
            yield from source.packets(lane)
        finally:
            self._source = None
            self.bytes_done += source.stream.position

    def end(self, record: InputRecord) -> None:
        """An input was read: to its end, unless the reading was stopped."""
        if self.stopped and not record.packets:
            raise KeyboardInterrupt
        if self.stopped:
            read = self.bytes_done - self._bytes_before
            record.interrupt(f"reading was interrupted after {record.packets:,} packets ({read:,} bytes)")
        self._connections_before, self._analysis = self.connections, None
