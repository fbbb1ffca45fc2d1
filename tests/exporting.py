"""``pytest --export-captures DIR``: write every capture that a test builds in memory and analyses to a pcapng file.

The files are what ``compare_verdicts.py`` reads besides the scenarios. A capture lies in a folder that is named after the
options ``ibsniff read`` needs to look at it as the test did; its name is a hash of its content, so that each is written
once; the comment of its section names the test.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakKeyDictionary

import capture_bytes as made
import pytest

from ibsniff.analysis.api_traffic import API_PORTS
from ibsniff.analysis.pipeline import Analysis
from ibsniff.model import NANOSECONDS, Frame, InputFacts, InputState, WatchedBy

NO_OPTIONS = "default"
MOST_FRAMES = 20_000
"""A longer capture is made to measure memory and shows nothing else."""
EACH = 8
"""Beyond the first captures of a test, one of so many is kept: they differ little from each other."""
LEAST_PATIENCE = 0.1
"""Seconds: ``ibsniff read`` takes no less."""
UNFINISHED_BLOCK = b"\6\0\0\0\x40\0\0\0"
"""Where a capture ends that is cut off."""


@dataclass
class Taken:
    """What one analysis was given."""

    options: list[str]
    """Of ``ibsniff read``."""
    frames: list[Frame] = field(default_factory=list)
    is_complete: bool = True
    """False when packets came in a form that is not kept here, or no option makes ``read`` look at them alike."""


def options_of(ports: frozenset[int], any_port: bool, patience: float | None) -> list[str]:
    options = ["--port=any"] if any_port else [f"--port={port}" for port in sorted(ports - API_PORTS)]
    return options if patience is None else [*options, f"--patience={patience}"]


def pcapng(frames: Sequence[Frame], facts: InputFacts, comment: str = "") -> bytes:
    """These frames in nanoseconds, and of what the capture says of itself all that the format can hold."""
    links = list(dict.fromkeys(frame.link_type for frame in frames)) or [101]
    remark = made.option(1, comment.encode()) + made.option(0, b"") if comment else b""
    parts = [made.section(options=remark)]
    parts += [made.interface(link, 0, made.option(9, b"\x09") + made.option(0, b"")) for link in links]
    parts += [
        made.enhanced(frame.data, links.index(frame.link_type), frame.time_ns, original=frame.wire_length)
        for frame in frames
    ]
    options = b""
    if facts.watched_until_ns is not None and facts.watched_by in (WatchedBy.STATISTICS, WatchedBy.LIVE):
        end_ns = facts.watched_until_ns
        options += made.option(3, (end_ns >> 32).to_bytes(4, "little") + (end_ns & 0xFFFFFFFF).to_bytes(4, "little"))
    if facts.dropped is not None:
        options += made.option(5, facts.dropped.to_bytes(8, "little"))
    if options:
        last_ns = max([facts.watched_until_ns or 0, *(frame.time_ns for frame in frames)])
        parts.append(made.statistics(0, last_ns, options + made.option(0, b"")))
    return b"".join(parts) + (UNFINISHED_BLOCK if facts.truncated else b"")


class Exporter:
    """A plugin that watches every ``Analysis`` of the tests."""

    def __init__(self, folder: Path, at_most: int) -> None:
        self.folder, self.at_most = folder, at_most
        self.test = ""
        self.runs_companies = False
        self.made: Counter[str] = Counter()
        """Captures each test has made so far."""
        self.taken: WeakKeyDictionary[Analysis, Taken] = WeakKeyDictionary()
        self._watch()

    def _watch(self) -> None:
        begin, feed, finish = Analysis.__init__, Analysis.feed, Analysis.finish

        def beginning(
            analysis: Analysis,
            record: InputState,
            ports: frozenset[int] = API_PORTS,
            *,
            any_port: bool = False,
            patience: float | None = None,
        ) -> None:
            begin(analysis, record, ports, any_port=any_port, patience=patience)
            can_be_asked_for = patience is None or patience >= LEAST_PATIENCE
            self.taken[analysis] = Taken(options_of(ports, any_port, patience), is_complete=can_be_asked_for)

        def feeding(analysis: Analysis, event: object) -> None:
            self.take(self.taken[analysis], event)
            feed(analysis, event)

        def finishing(analysis: Analysis) -> None:
            self.write(self.taken[analysis], analysis.record.facts())
            finish(analysis)

        Analysis.__init__, Analysis.feed, Analysis.finish = beginning, feeding, finishing  # type: ignore[method-assign]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.test = item.nodeid
        self.runs_companies |= item.path.name == "test_companies.py"
        return (yield)

    def pytest_sessionfinish(self) -> None:
        """The companies are measured in a process of their own: where their test ran, they are added."""
        if not self.runs_companies:
            return
        from hostile.companies import COMPANIES, analysis  # noqa: PLC0415  (only for this)

        for name, packets in COMPANIES.items():
            self.test = f"tests/hostile/companies.py::{name}"
            analysis(packets(60))

    def take(self, taken: Taken, event: object) -> None:
        if isinstance(event, Frame) and len(taken.frames) < MOST_FRAMES:
            taken.frames.append(event)
        else:
            taken.is_complete = False

    def write(self, taken: Taken, facts: InputFacts) -> None:
        self.made[self.test] += 1
        count = self.made[self.test]
        is_one_of_each = count % EACH == 0 and count < EACH * self.at_most
        fits = all(0 <= frame.time_ns < 2**64 and frame.link_type < 2**16 for frame in taken.frames)
        if not (taken.is_complete and taken.frames and fits and (count <= self.at_most or is_one_of_each)):
            return
        options = list(taken.options)
        if facts.watched_by is WatchedBy.USER and facts.watched_until_ns is not None:
            longer_ns = facts.watched_until_ns - max(frame.time_ns for frame in taken.frames)
            options += [f"--watched-until=+{longer_ns / NANOSECONDS:.9f}"] if longer_ns > 0 else []
        digest = hashlib.sha256(pcapng(taken.frames, facts)).hexdigest()[:16]
        path = self.folder / (" ".join(options) or NO_OPTIONS) / f"{digest}.pcapng"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pcapng(taken.frames, facts, self.test))
