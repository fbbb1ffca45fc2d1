"""Keeping the packets of a live capture: ``-w``, in one file or in a ring of files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ibsniff import __version__
from ibsniff.capture.backend import Statistics
from ibsniff.capture.live import LiveSource
from ibsniff.capture.output import may_write_later, open_output
from ibsniff.capture.ring_files import Ring, ring_file_path
from ibsniff.capture.writer import PcapngWriter
from ibsniff.model import Columns, ExitCode, Frame, UserError
from ibsniff.recording.evidence import EvidenceFilter

MAX_EVIDENCE_BYTES = 32 << 20
"""Bytes in a file of evidence before the next is begun: some thousands of conversations, more than a report shows."""
MAX_EVIDENCE_FILES = 2
"""Files of evidence; then the oldest goes."""


class Recorder:
    """Writes the frames of one live source, and what was lost; at the end, until when was watched.

    With a ring, the oldest file is deleted when there are more than wanted, but what verdicts rest on is moved to a file
    that sorts before all others of the ring, ``case_00000_20261120123000.pcapng`` (see `evidence`).
    """

    def __init__(self, path: Path, source: LiveSource, ring: Ring | None = None) -> None:
        """Open the file. Raises UserError when it cannot be written, or is being written by somebody else."""
        self._path = path
        self._source = source
        self._ring = ring
        self._files: deque[Path] = deque(maxlen=None if ring is not None and ring.files else 1)
        """Those of a ring that are left, the oldest first; where none is deleted, the latest."""
        self._number = 0
        self._evidence = EvidenceFilter()
        self._evidence_files: deque[Path] = deque()
        self._evidence_stream: BinaryIO | None = None
        self._events_written = 0
        self.failure: UserError | None = None
        """Why nothing more could be kept."""
        self._open(source.opened_at_ns)
        if ring is not None and not may_write_later(path.parent):
            self._writer.close()
            self._files[0].unlink()
            raise UserError(
                f"cannot go on writing in {path.parent}: privileges are dropped when the capture begins",
                "name a file in a folder of your own",
                ExitCode.PERMISSION,
            )

    def write(self, packets: Frame | Columns) -> None:
        """Keep one frame, or many; a risen drop counter, and what befell an interface, are written down where it happened.

        A disk that takes no more ends the writing, not the watching: ``failure`` then says so.
        """
        if self.failure is not None:
            return
        time_ns = packets.time_ns if isinstance(packets, Frame) else int(packets.times_ns[0])
        try:
            if self._ring is not None and self._ring.is_full(self._writer.size, time_ns - self._opened_ns):
                self._rotate(time_ns)
            source = self._source
            if len(source.interface_events) > self._events_written or source.record.dropped != self._dropped:
                self._write_interface_events(time_ns)
            self._writer.write(packets, source.interface_index)
            if not source.pending:
                self._writer.flush()
        except (OSError, UserError) as error:
            self._fail(error)

    def finish(self, watched_until_ns: int) -> None:
        """Write down until when was watched, and how much was lost as last counted; close the file."""
        if self.failure is None:
            self._try(lambda: self._write_end(watched_until_ns))
        self._try(self._writer.close)
        if self._evidence_stream is not None:
            self._try(self._evidence_stream.close)

    def _open(self, time_ns: int) -> None:
        self._number += 1
        path = self._path if self._ring is None else ring_file_path(self._path, self._number, time_ns)
        self._stream = open_output(path)
        self._files.append(path)
        self._opened_ns = time_ns
        source = self._source
        self._before = [each.statistics if self._number > 1 else Statistics(0, 0) for each in source.interfaces]
        self._dropped = source.record.dropped
        interfaces = [(each.name, each.link_type) for each in source.interfaces]
        self._writer = PcapngWriter(self._stream, interfaces, application=f"ibsniff {__version__}")

    def _write_interface_events(self, time_ns: int) -> None:
        for interface, text in self._source.interface_events[self._events_written :]:
            self._writer.comment(interface, time_ns, text)
        self._events_written = len(self._source.interface_events)
        if (self._source.record.dropped or 0) > (self._dropped or 0):
            self._write_statistics(time_ns, with_received=False)
        self._dropped = self._source.record.dropped

    def _write_end(self, time_ns: int) -> None:
        self._write_interface_events(time_ns)
        self._write_statistics(time_ns, with_received=True)

    def _write_statistics(self, time_ns: int, with_received: bool) -> None:
        """Counters since this file was begun, so that the files of a ring add up; as last counted, as the report has them."""
        source = self._source
        is_recent = sum(each.statistics.received for each in source.interfaces) >= source.record.packets
        for index, each in enumerate(source.interfaces):
            now, before = each.statistics, self._before[index]
            dropped = None if now.dropped is None else now.dropped - (before.dropped or 0)
            received = now.received - before.received if with_received and is_recent else None
            self._writer.statistics(index, time_ns, received, dropped)

    def _rotate(self, time_ns: int) -> None:
        self._source.statistics()
        self._write_end(time_ns)
        self._writer.close()
        self._open(time_ns)
        while self._ring is not None and self._ring.files is not None and len(self._files) > self._ring.files:
            self._thin(self._files[0], time_ns)
            self._files.popleft().unlink(missing_ok=True)

    def _thin(self, path: Path, time_ns: int) -> None:
        """Move what verdicts rest on out of a file that is about to be deleted, unless somebody has done so already."""
        with suppress(FileNotFoundError), path.open("rb") as doomed:
            stream = self._evidence_stream
            if stream is None or stream.tell() > MAX_EVIDENCE_BYTES:
                stream = self._next_evidence_stream(time_ns)
            stream.writelines(self._evidence.of(doomed))
            stream.flush()

    def _next_evidence_stream(self, time_ns: int) -> BinaryIO:
        if self._evidence_stream is not None:
            self._evidence_stream.close()
        path = ring_file_path(self._path, 0, time_ns)
        self._evidence_stream = open_output(path)
        self._evidence_files.append(path)
        if len(self._evidence_files) > MAX_EVIDENCE_FILES:
            self._evidence_files.popleft().unlink(missing_ok=True)
        return self._evidence_stream

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError | UserError) -> None:
        if self.failure is not None:
            return
        reason = error.what if isinstance(error, UserError) else error.strerror or str(error)
        what = reason if isinstance(error, UserError) else f"cannot write {self._files[-1]}: {reason}"
        what_to_do = "The packets until then are kept; make room, or name another file"
        self.failure = UserError(what, what_to_do, ExitCode.INPUT)
        self._source.record.note(f"nothing more is kept: {reason}")  # for who is watching now
