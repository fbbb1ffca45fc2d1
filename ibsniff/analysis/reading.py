"""From capture files to a report: what ``read``, ``demo`` and ``regress`` have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import BinaryIO, TypeVar

from ibsniff.analysis.api_traffic import API_PORTS
from ibsniff.analysis.judgement import judge
from ibsniff.analysis.pipeline import Analysis
from ibsniff.analysis.snapshot import Snapshot
from ibsniff.capture.files import STDIN, CaptureFile, open_capture
from ibsniff.capture.input_record import InputRecord
from ibsniff.model import NANOSECONDS, Columns, ExitCode, Frame, Lane, Report, UserError

RELATIVE = re.compile(r"\+(\d{1,12}(?:\.\d{1,9})?)s?")
"""Seconds, to the nanosecond; 12 digits are longer than anybody has watched."""

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Ports:
    """Which ports are looked at."""

    api: frozenset[int] = API_PORTS
    any: bool = False
    """Every TCP conversation that speaks IB, whatever its port."""

    @property
    def filter(self) -> frozenset[int] | None:
        """Ports for a filter; None for all."""
        return None if self.any else self.api


def parse_ports(given: Iterable[str]) -> Ports:
    """Add the ports a user named to the usual ones; ``any`` looks everywhere.

    Raises UserError for what is no port.
    """
    api, everywhere = set(API_PORTS), False
    for text in given:
        if text == "any":
            everywhere = True
        elif text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
            api.add(int(text))
        else:
            raise UserError(f"--port {text}: not a port", "Give a number from 1 to 65535, or 'any'", ExitCode.USAGE)
    return Ports(frozenset(api), everywhere)


class Work:
    """Reading while it goes on: another thread may look at it, and a signal handler may end it."""

    def __init__(self) -> None:
        self.stopped = False
        self.inputs_begun = 0
        self.bytes_done = 0
        self._bytes_before = 0
        """Of the inputs before this one."""
        self._conversations_done = 0
        self._source: CaptureFile | None = None
        """What is being read; None between two inputs."""
        self._analysis: Analysis | None = None

    @property
    def position(self) -> int:
        """Bytes read, as they are stored."""
        source = self._source
        return self.bytes_done + (source.stream.position if source else 0)

    @property
    def conversations(self) -> int:
        """How many were found, whatever they will turn out to be."""
        analysis = self._analysis
        return self._conversations_done + (analysis.connections if analysis else 0)

    def stop(self) -> None:
        """Call it enough: what was read so far will be judged. Raises KeyboardInterrupt if that is nothing, or too slow."""
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
        """Write down that an input was read; to its end, unless this was stopped."""
        if self.stopped and not record.packets:
            raise KeyboardInterrupt
        if self.stopped:
            read = self.bytes_done - self._bytes_before
            record.interrupt(f"reading was interrupted after {record.packets:,} packets ({read:,} bytes)")
        self._conversations_done, self._analysis = self.conversations, None


@dataclass(frozen=True, slots=True)
class Looker:
    """Reads inputs, each the same way; plain values, which tell another process how to help."""

    ports: Ports = Ports()
    watched_until: str | None = None
    """The user's word: an ISO time, or ``+SECONDS`` after the last packet."""
    lane: Lane = Lane.AUTO
    patience: float | None = None
    """Seconds after which silence is one; None leaves that to the client's library."""

    def __post_init__(self) -> None:
        """Raise UserError when that word is no time, before anything is read."""
        self._vouch(InputRecord(""))

    def see(self, path: str, work: Work | None = None, stdin: BinaryIO | None = None) -> Snapshot:
        """Analyse one input. Raises UserError when it cannot be read."""
        work = work or Work()
        work.inputs_begun += 1
        with open_capture(path, stdin) as source:
            return self._seen(source.record, work.packets(source, self.lane), work)

    def see_joined(self, paths: Iterable[str], work: Work | None = None) -> Snapshot:
        """Analyse files that continue each other as one input, whose packets are numbered on, as in one file of all.

        Raises UserError when one of them cannot be read: what is missing between two pieces would look like silence.
        """
        work = work or Work()
        first, *others = in_order(paths)
        work.inputs_begun += 1
        with open_capture(first) as source:
            source.record.join(len(others))
            return self._seen(source.record, self._one_after_another(source, others, work), work)

    def _seen(self, record: InputRecord, packets: Iterator[Frame | Columns], work: Work) -> Snapshot:
        analysis = Analysis(record, self.ports.api, any_port=self.ports.any, patience=self.patience)
        work.begin(analysis)
        analysis.run(packets)
        work.end(record)
        if not work.stopped:
            self._vouch(record)
        return analysis.snapshot()

    def _one_after_another(self, first: CaptureFile, others: Iterable[str], work: Work) -> Iterator[Frame | Columns]:
        yield from work.packets(first, self.lane)
        for path in others:
            if not work.stopped:
                work.inputs_begun += 1
                with open_capture(path, continues=first.record) as source:
                    yield from work.packets(source, self.lane)

    def _vouch(self, record: InputRecord) -> None:
        if self.watched_until is not None:
            parse_watched_until(self.watched_until)(record)


def in_order(paths: Iterable[str]) -> list[str]:
    """Ring files in the order of their first packets; those without any come first.

    Raises UserError when one cannot be read.
    """
    began: dict[str, int] = {}
    for path in paths:
        if path == STDIN:
            raise UserError("standard input cannot be joined with files", "mergecap joins them", ExitCode.USAGE)
        with open_capture(path) as source:
            first = next(source.frames(), None)
            began[path] = first.time_ns if first else 0
    return sorted(began, key=lambda path: began[path])


@dataclass(slots=True)
class Reading:
    """What came of reading some files."""

    report: Report
    unreadable: list[UserError] = field(default_factory=list)
    """Inputs that could not be read at all; the others are in the report."""


def read_files(
    paths: Iterable[str], ports: Ports, watched_until: str | None = None, stdin: BinaryIO | None = None
) -> Reading:
    """Analyse files one by one, each a capture of its own; one that cannot be read harms no other.

    Raises UserError when ``watched_until`` (see Looker) is no time.
    """
    looker = Looker(ports, watched_until)
    return gathered(attempt(partial(looker.see, stdin=stdin), path) for path in paths)


def attempt(see: Callable[[str], Made], path: str) -> Made | UserError:
    """What one input gave, or why it could not be read."""
    try:
        return see(path)
    except UserError as error:
        return error


def gathered(results: Iterable[Snapshot | UserError]) -> Reading:
    """Judge several inputs together: conversations are numbered on from one to the next."""
    unreadable: list[UserError] = []

    def readable() -> Iterator[Snapshot]:
        for result in results:
            if isinstance(result, UserError):
                unreadable.append(result)
            else:
                yield result

    return Reading(judge(readable()), unreadable)


Vouch = Callable[[InputRecord], None]


def parse_watched_until(text: str) -> Vouch:
    """Understand ``+SECONDS`` or an ISO 8601 time (UTC unless it says otherwise).

    Raises UserError for anything else.
    """
    if match := RELATIVE.fullmatch(text):
        added_ns = round(float(match[1]) * NANOSECONDS)
        return lambda record: record.vouch((record.last_time_ns or 0) + added_ns)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"--watched-until {text}: not a time",
            "Give seconds after the last packet, as +10, or a time, as 2026-01-05T09:30:10Z",
            ExitCode.USAGE,
        ) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    until_ns = int(aware.timestamp()) * NANOSECONDS + aware.microsecond * 1000
    return lambda record: record.vouch(until_ns)
