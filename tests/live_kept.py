"""A live source watched to its end in this process, with what it kept: for live against file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ibsniff.analysis.api_traffic import API_PORTS, Ports
from ibsniff.analysis.changes import Change
from ibsniff.analysis.following import Follower, Limits, follow
from ibsniff.analysis.pipeline import Analysis
from ibsniff.analysis.reading import read_files
from ibsniff.capture.live import LiveSource
from ibsniff.capture.ring_files import Ring
from ibsniff.model import Report
from ibsniff.recording.recorder import Recorder
from ibsniff.render.document import document


class Nobody:
    """A screen that nobody looks at."""

    def show(self, seen: Report, changes: list[Change]) -> None: ...

    def quiet(self) -> None: ...


def watch(
    source: LiveSource,
    path: Path,
    ring: Ring | None = None,
    ports: frozenset[int] = API_PORTS,
    *,
    any_port: bool = False,
) -> Report:
    """Watch a source until it ends, keeping its packets; the last report."""
    analysis = Analysis(source.record, ports, any_port=any_port)
    recorder = Recorder(path, source, ring)
    report = follow(source.events(as_columns=True), Follower(analysis, Nobody(), Limits(), recorder))
    recorder.finish(analysis.watched_until_ns)
    assert recorder.failure is None
    return report


def shown(report: Report) -> dict[str, Any]:
    """The document, without what live and file call themselves."""
    made = document(report, "0")
    for facts in made["inputs"]:
        del facts["path"]
    return made


def of_file(path: Path, ports: frozenset[int] = API_PORTS, *, any_port: bool = False) -> dict[str, Any]:
    """The document of a file."""
    return shown(read_files([str(path)], Ports(ports, any_port)).report)
