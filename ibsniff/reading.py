"""From capture files to a report: what ``read``, ``demo`` and ``regress`` have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO

from ibsniff.capture.files import open_capture
from ibsniff.model import NANOSECONDS, ExitCode, InputFacts, Report, UserError, WatchedBy
from ibsniff.pipeline import API_PORTS, Analysis, report

RELATIVE = re.compile(r"\+(\d+(?:\.\d+)?)s?")


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

    ``watched_until`` is the user's word: an ISO time, or ``+SECONDS`` after the last packet.
    Raises UserError when that word is no time.
    """
    vouch = parse_watched_until(watched_until) if watched_until is not None else None
    analyses, unreadable = [], []
    for path in paths:
        try:
            analyses.append(_analyse(path, ports, vouch, stdin))
        except UserError as error:
            unreadable.append(error)
    return Reading(report(analyses), unreadable)


def _analyse(path: str, ports: Ports, vouch: Vouch | None, stdin: BinaryIO | None) -> Analysis:
    with open_capture(path, stdin) as source:
        analysis = Analysis(source.facts, ports.api, any_port=ports.any)
        analysis.run(source.frames())
    if vouch is not None:
        vouch(source.facts)
    return analysis


Vouch = Callable[[InputFacts], None]


def parse_watched_until(text: str) -> Vouch:
    """Understand ``+SECONDS`` or an ISO 8601 time (UTC unless it says otherwise).

    Raises UserError for anything else.
    """
    if match := RELATIVE.fullmatch(text):
        added_ns = round(float(match[1]) * NANOSECONDS)
        return lambda facts: _watched(facts, (facts.last_time_ns or 0) + added_ns)
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
    return lambda facts: _watched(facts, until_ns)


def _watched(facts: InputFacts, until_ns: int) -> None:
    """Take the user's word, unless the capture itself goes on longer."""
    if until_ns > (facts.watched_until_ns or 0):
        facts.watched_until_ns, facts.watched_by = until_ns, WatchedBy.USER
