"""Screens show local time, whatever makes their sentences; what travels is in UTC; no form of output shows a mark."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from masking.outputs import drawn, of_report

from ibsniff.analysis.api_traffic import Ports
from ibsniff.analysis.reading import read_files
from ibsniff.clock import UTC_CLOCK
from ibsniff.masking.wire_text import BEGIN, END
from ibsniff.model import Report
from ibsniff.render.connection_table import ConnectionTable, TableView
from ibsniff.render.terminal import renderable

CAPTURES = Path(__file__).parents[2] / "captures"

IN_UTC = re.compile(r"(?<![0-9]{8} )\b[0-9]{2}:[0-9]{2}:[0-9]{2} UTC|\(UTC\)")
"""A time of ours, or a heading; not what TWS stated, as ``20260105 09:30:00 UTC``."""

TELLS_TIMES = ("week-of-restarts", "restart-ib-async", "streams-dead-after-a-blip", "answered-nobody-for-two-days")
"""Captures whose sentences tell times: outages, restarts, streams that stopped."""


@pytest.fixture(params=TELLS_TIMES)
def report(request: pytest.FixtureRequest) -> Report:
    (path,) = (one for one in (CAPTURES / request.param).iterdir() if one.name.startswith("capture."))
    return read_files([str(path)], Ports()).report


def test_a_screen_shows_local_time(report: Report, in_zone: Callable[[str], None]) -> None:
    in_zone("Asia/Kolkata")
    for verbose in (False, True):
        said = drawn(renderable(report, verbose=verbose))
        assert "IST" in said
        assert IN_UTC.search(said) is None
        by_utc = drawn(renderable(report, verbose=verbose, clock=UTC_CLOCK))
        assert "IST" not in by_utc
        assert IN_UTC.search(by_utc)
    assert "IST" in drawn(ConnectionTable(report, TableView()))
    assert "IST" not in drawn(ConnectionTable(report, TableView(), clock=UTC_CLOCK))


def test_what_travels_does_not_depend_on_the_machine(report: Report, in_zone: Callable[[str], None]) -> None:
    here = dict(of_report(report, False))
    in_zone("Asia/Kolkata")
    there = dict(of_report(report, False))
    travelling = {name for name in here if name.startswith("-")}
    assert travelling >= {"-q", "--markdown", "--json", "--ndjson"}
    assert {name for name in travelling if here[name] != there[name]} == set()
    assert [name for name, said in there.items() if BEGIN in said or END in said] == []
    assert [one.summary for one in report.conversations if "\ufdd0" in one.summary] == []
