"""What holds for every test: Hypothesis is patient and repeatable; a script nobody reads fails; captures can be exported.

Its first text strategy in a fresh clone builds tables of Unicode first, which takes seconds on a busy machine and is no
fault of a test; neither is a slow example. Its examples follow from the test itself, so that a commit that passed passes
again; the search for new ones is the work of the fuzzers (tests/fuzz). The machine's time zone is UTC, wherever it stands;
a test of local time asks for a zone (``in_zone``).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from wire import unread_scripts

settings.register_profile("patient", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def use_zone(name: str) -> None:
    """Make this the machine's time zone, for this process and those that it starts."""
    os.environ["TZ"] = name
    if hasattr(time, "tzset"):  # not on Windows
        time.tzset()


use_zone("UTC")


@pytest.fixture
def in_zone() -> Iterator[Callable[[str], None]]:
    """A function that makes a time zone the machine's, until the end of the test."""
    if not hasattr(time, "tzset"):
        pytest.skip("this system's time zone cannot be changed for one process")
    yield use_zone
    use_zone("UTC")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """A packet script that a test writes, or goes on with, and never turns into packets asserts nothing."""
    unread_scripts()
    yield
    forgotten = unread_scripts()
    if forgotten:
        first = forgotten[0].packets()[-1:]
        pytest.fail(f"{len(forgotten)} packet scripts were written and never read; the first ends with {first}")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ibsniff")
    group.addoption("--export-captures", type=Path, metavar="DIR", help="write the captures that tests build as pcapng")
    group.addoption("--export-at-most", type=int, default=50, metavar="N", help="the first N of each test, then fewer")


def pytest_configure(config: pytest.Config) -> None:
    folder = config.getoption("export_captures")
    if folder:
        from exporting import Exporter  # noqa: PLC0415  (it replaces methods of the program: only when asked for)

        config.pluginmanager.register(Exporter(folder.absolute(), config.getoption("export_at_most")))
