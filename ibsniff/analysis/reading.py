"""From capture files to snapshots, and to a report: what ``read``, ``demo``, ``regress`` and the API have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, NamedTuple, TypeVar

from ibsniff.analysis.api_traffic import Ports
from ibsniff.analysis.judgement import judge, judge_into
from ibsniff.analysis.narrowing import Narrowing
from ibsniff.analysis.pipeline import Analysis
from ibsniff.analysis.reading_progress import ReadingProgress
from ibsniff.analysis.snapshot import Snapshot
from ibsniff.analysis.watched_until import WatchedUntil, parse_watched_until
from ibsniff.capture.files import STDIN, CaptureFile, open_capture
from ibsniff.capture.input_record import InputRecord
from ibsniff.model import Columns, Conversation, ExitCode, Frame, InputFacts, Lane, Report, UserError

Result = TypeVar("Result")


class InputReader(NamedTuple):
    """Reads inputs, each in the same way; another process may be given it."""

    ports: Ports = Ports()
    watched_until: WatchedUntil | None = None
    """The user's word."""
    lane: Lane = Lane.AUTO
    patience: float | None = None
    """Seconds after which silence is one; None leaves that to the client's library."""
    keep_requests: int = 0
    """How many requests of each conversation are kept after their end."""

    def read(self, path: str, progress: ReadingProgress | None = None, stdin: BinaryIO | None = None) -> Snapshot:
        """Analyse one input. Raises UserError when it cannot be read."""
        progress = progress or ReadingProgress()
        progress.inputs_begun += 1
        with open_capture(path, stdin) as source:
            return self._snapshot(source.record, progress.packets(source, self.lane), progress)

    def read_joined(self, paths: Iterable[str], progress: ReadingProgress | None = None) -> Snapshot:
        """Analyse files that continue each other as one input, whose packets are numbered on as in one file of all.

        Raises UserError when one of them cannot be read: what is missing between two pieces would look like silence.
        """
        progress = progress or ReadingProgress()
        first, *others = in_packet_order(paths)
        progress.inputs_begun += 1
        with open_capture(first) as source:
            source.record.join(len(others))
            return self._snapshot(source.record, self._one_after_another(source, others, progress), progress)

    def _snapshot(self, record: InputRecord, packets: Iterator[Frame | Columns], progress: ReadingProgress) -> Snapshot:
        analysis = Analysis(
            record,
            self.ports.api,
            any_port=self.ports.any,
            patience=self.patience,
            keep_requests=self.keep_requests,
        )
        progress.begin(analysis)
        analysis.run(packets)
        progress.end(record)
        if self.watched_until is not None and not progress.stopped:
            self.watched_until.apply_to(record)
        return analysis.snapshot()

    def _one_after_another(
        self, first: CaptureFile, others: Iterable[str], progress: ReadingProgress
    ) -> Iterator[Frame | Columns]:
        yield from progress.packets(first, self.lane)
        for path in others:
            if not progress.stopped:
                progress.inputs_begun += 1
                with open_capture(path, continues=first.record) as source:
                    yield from progress.packets(source, self.lane)


def in_packet_order(paths: Iterable[str]) -> list[str]:
    """Ring files in the order of their first packets; those without any come first.

    Raises UserError when one cannot be read.
    """
    began: dict[str, int] = {}
    for path in paths:
        if path == STDIN:
            raise UserError(
                "standard input cannot be joined with files", "Join them with mergecap first", ExitCode.USAGE
            )
        with open_capture(path) as source:
            first = next(source.frames(), None)
            began[path] = first.time_ns if first else 0
    return sorted(began, key=lambda path: began[path])


@dataclass(slots=True)
class Reading:
    """The report on some inputs, and those that could not be read."""

    report: Report
    unreadable: list[UserError] = field(default_factory=list)


def read_files(
    paths: Iterable[str], ports: Ports, watched_until: str | None = None, stdin: BinaryIO | None = None
) -> Reading:
    """Analyse files, each as a capture of its own; one that cannot be read does not affect the others.

    Raises UserError when ``watched_until`` (see ``parse_watched_until``) is no time.
    """
    reader = InputReader(ports, parse_watched_until(watched_until) if watched_until is not None else None)
    return collect(result_or_error(partial(reader.read, stdin=stdin), path) for path in paths)


def result_or_error(read: Callable[[str], Result], path: str) -> Result | UserError:
    """What reading one input gave, or why it could not be read."""
    try:
        return read(path)
    except UserError as error:
        return error


def collect(
    results: Iterable[Snapshot | UserError],
    judge_all: Callable[[Iterable[Snapshot]], Report] = judge,
) -> Reading:
    """Judge several inputs together: conversations are numbered on from one to the next."""
    unreadable: list[UserError] = []

    def readable() -> Iterator[Snapshot]:
        for result in results:
            if isinstance(result, UserError):
                unreadable.append(result)
            else:
                yield result

    return Reading(judge_all(readable()), unreadable)


@contextmanager
def collect_in_file(results: Iterable[Snapshot | UserError], narrowing: Narrowing | None = None) -> Iterator[Reading]:
    """Do the same for a report of any length: what it lists is in a temporary file until the end of the context."""
    from ibsniff.analysis.spool import Spool  # noqa: PLC0415  (tempfile: 10 ms)

    with Spool[InputFacts]() as inputs, Spool[Conversation]() as conversations:
        yield collect(results, lambda snapshots: judge_into(snapshots, inputs, conversations, narrowing=narrowing))
