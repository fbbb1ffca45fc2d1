"""Saving the packets of a live capture (``-w``), in one file or in a ring of files."""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ibsniff import __version__
from ibsniff.capture.backend import Statistics
from ibsniff.capture.comments import interface_down
from ibsniff.capture.input_file import open_regular
from ibsniff.capture.live import CountedLoss, LiveSource
from ibsniff.capture.machine_reports import as_comment
from ibsniff.capture.output import may_write_later, open_output
from ibsniff.capture.ring_files import Ring, ring_file_path
from ibsniff.capture.writer import PcapngWriter
from ibsniff.formatting import counted
from ibsniff.model import Columns, ExitCode, Frame, MachineReport, UserError
from ibsniff.recording.evidence import EvidenceFilter

MAX_EVIDENCE_BYTES = 32 << 20
"""The size of an evidence file at which the next begins: it holds thousands of conversations, more than a report shows."""
MAX_NAMED = 20
"""Files of a ring that are named at the end; of more, the latest."""
MAX_EVIDENCE_FILES = 2
"""When there are more evidence files, the oldest is deleted."""


class Recorder:
    """Writes the frames of one live source, the drop counters, and at the end until when it was watched.

    With a ring, the oldest file is deleted when there are more files than requested. The packets in it that verdicts depend
    on are copied to an evidence file that sorts before the files of the ring: ``case_00000_20261120123000.pcapng``.
    """

    def __init__(self, path: Path, source: LiveSource, ring: Ring | None = None) -> None:
        """Open the file. Raises UserError when it cannot be written, or when another capture is writing to it."""
        self._path = path
        self._source = source
        self._ring = ring
        self._files: deque[Path] = deque(maxlen=None if ring is not None and ring.files else MAX_NAMED)
        """The existing files of a ring, the oldest first; when files are never deleted, only the latest."""
        self._number = 0
        self._evidence = EvidenceFilter()
        self._evidence_files: deque[Path] = deque()
        self._evidence_stream: BinaryIO | None = None
        self._events_written = 0
        self.failure: UserError | None = None
        """Why no further packets could be saved."""
        self._open(source.opened_at_ns)
        if ring is not None and not may_write_later(path.parent):
            self._writer.close()
            self._files[-1].unlink()
            raise UserError(
                f"cannot create further files in {path.parent}: privileges are dropped when the capture begins",
                "Choose a folder that belongs to you",
                ExitCode.PERMISSION,
            )

    def write(self, packets: Frame | Columns) -> None:
        """Write one frame or many, after any new events of the interfaces and any increase of the drop counters.

        When writing fails, for example because the disk is full, the capture goes on, and ``failure`` has the error.
        """
        if self.failure is not None:
            return
        time_ns = packets.time_ns if isinstance(packets, Frame) else int(packets.times_ns[0])
        try:
            if self._ring is not None and self._ring.is_full(self._writer.size, time_ns - self._opened_ns):
                self._rotate(time_ns)
            source = self._source
            if len(source.interface_events) > self._events_written or source.losses:
                self._write_changes(time_ns)
            self._writer.write(packets, source.interface_index)
            if not source.pending:
                self._writer.flush()
        except (OSError, UserError) as error:
            self._fail(error)

    def add_machine_report(self, report: MachineReport) -> None:
        """Write what this machine says of one end of a connection."""
        if self.failure is None:
            self._try(lambda: self._writer.comment(0, report.time_ns, as_comment(report)))

    def finish(self, watched_until_ns: int) -> None:
        """Write until when the source was watched and the latest drop counters, and close the file."""
        if self.failure is None:
            self._try(lambda: self._write_end(watched_until_ns))
        self._try(self._writer.close)
        if self._evidence_stream is not None:
            self._try(self._evidence_stream.close)

    def ring_in_words(self) -> list[str]:
        """Say which files the ring has written, and how to read them together; nothing without a ring."""
        if self._ring is None:
            return []
        deleted = self._number - len(self._files) if self._ring.files is not None else 0
        named = [*self._evidence_files, *list(self._files)[-MAX_NAMED:]]
        unnamed = self._number - deleted - len(named) + len(self._evidence_files)
        title = f"{counted(self._number, 'file')} written"
        title += f", {deleted:,} of them deleted when the ring was full" if deleted else ""
        title += f"; the latest {MAX_NAMED} are" if unnamed else ""
        lines = [f"{title}:", *(f"  {path}" for path in named)]
        if self._evidence_files:
            lines.append("  (_00000_ holds the packets of deleted files that verdicts depend on)")
        pattern = f"{shlex.quote(str(self._path.with_name(self._path.stem)))}_*{self._path.suffix}"
        return [*lines, f"to read them as one capture: ibsniff read --join {pattern}"]

    def _open(self, time_ns: int) -> None:
        self._number += 1
        path = self._path if self._ring is None else ring_file_path(self._path, self._number, time_ns)
        self._stream = open_output(path)
        self._files.append(path)
        self._opened_ns = time_ns
        source = self._source
        self._before = [each.statistics if self._number > 1 else Statistics(0, 0) for each in source.interfaces]
        interfaces = [(each.name, each.link_type) for each in source.interfaces]
        self._writer = PcapngWriter(self._stream, interfaces, application=f"ibsniff {__version__}")

    def _write_changes(self, time_ns: int) -> None:
        for interface, text in self._source.interface_events[self._events_written :]:
            self._writer.comment(interface, time_ns, text)
        self._events_written = len(self._source.interface_events)
        while self._source.losses:
            self._write_loss(self._source.losses.popleft(), time_ns)

    def _write_loss(self, loss: CountedLoss, time_ns: int) -> None:
        """Write the counters before and after, so that a reader knows between which two moments packets were lost."""
        for counted_at_ns, counters in ((loss.since_ns, loss.before), (loss.until_ns, loss.after)):
            for index, each in enumerate(counters):
                if loss.after[index].dropped is not None:
                    dropped = max(0, (each.dropped or 0) - (self._before[index].dropped or 0))
                    self._writer.statistics(index, time_ns, None, dropped, counted_at_ns)

    def _write_end(self, time_ns: int) -> None:
        self._write_changes(time_ns)
        for outage in self._source.record.outages:
            self._writer.comment(0, time_ns, interface_down(outage.since_ns, outage.until_ns))
        self._write_statistics(time_ns)

    def _write_statistics(self, time_ns: int) -> None:
        """Write the latest counters, relative to the start of this file, so that those of the files of a ring add up."""
        source = self._source
        is_recent = sum(each.statistics.received for each in source.interfaces) >= source.record.packets
        for index, each in enumerate(source.interfaces):
            now, before = each.statistics, self._before[index]
            dropped = None if now.dropped is None else now.dropped - (before.dropped or 0)
            received = now.received - before.received if is_recent else None
            self._writer.statistics(index, time_ns, received, dropped)

    def _rotate(self, time_ns: int) -> None:
        self._source.statistics()
        self._write_end(time_ns)
        self._writer.close()
        self._open(time_ns)
        while self._ring is not None and self._ring.files is not None and len(self._files) > self._ring.files:
            self._keep_evidence(self._files[0], time_ns)
            self._files.popleft().unlink(missing_ok=True)

    def _keep_evidence(self, path: Path, time_ns: int) -> None:
        """Copy the evidence out of a file that is about to be deleted, unless another program has deleted it already."""
        with suppress(FileNotFoundError), open_regular(path) as file:
            stream = self._evidence_stream
            if stream is None or stream.tell() > MAX_EVIDENCE_BYTES:
                stream = self._next_evidence_stream(time_ns)
            stream.writelines(self._evidence.wanted_blocks(file))
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
        what_to_do = "The packets written so far are kept; free some space, or choose another file"
        self.failure = UserError(what, what_to_do, ExitCode.INPUT)
        self._source.record.note(f"no further packets are saved: {reason}")  # for the user of the live capture
