"""What ``read`` imports: most captures are small, and then importing is all it does. Growth is to be noticed here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from wire import Wire

PROGRAM = """
import sys
import typer
before = set(sys.modules)
sys.argv = ["ibsniff", "read", *sys.argv[1:]]
from ibsniff.cli import main
try:
    main()
except SystemExit:
    pass
print(*(set(sys.modules) - before), file=sys.stderr)
"""

OF_PYTHON = {"array", "bisect", "gc", "json", "pkgutil", "struct"}
"""Of the standard library, beyond what typer and the interpreter have imported already; each below 3 ms."""
OF_SCREENS = {"colorsys", "decimal", "fractions", "numbers", "pickle", "random", "rich"}
ANYWAY = {"unicodedata", "importlib", "ipaddress", "typer", "zipimport"}
"""Already there on one Python and not on another, or parts of what is there."""


@pytest.fixture(scope="module")
def ticket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture as small as tickets hold."""
    path = tmp_path_factory.mktemp("start") / "ticket.pcap"
    Wire().connect().client(b"API\0\0\0\0\x09v157..178").fin_client(after=4.0).write(path)
    return path


def imported(*arguments: str) -> set[str]:
    """What is imported beyond typer by ``ibsniff read`` with these arguments."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout
    return set(done.stderr.split())


def libraries(modules: set[str]) -> set[str]:
    tops = {name.partition(".")[0] for name in modules}
    return {name for name in tops if not name.startswith("_")} - ANYWAY


@pytest.mark.parametrize("form", ["-q", "--json", "--ndjson", "--markdown"])
def test_forms_without_a_screen_do_not_import_rich(ticket: Path, form: str) -> None:
    assert libraries(imported(form, str(ticket))) <= OF_PYTHON | {"ibsniff"}


@pytest.mark.parametrize("form", [[], ["-v"]])
def test_the_text_report_imports_only_rich(ticket: Path, form: list[str]) -> None:
    assert libraries(imported(*form, str(ticket))) <= OF_PYTHON | OF_SCREENS | {"ibsniff"}


def test_only_parts_of_rich_are_imported(ticket: Path) -> None:
    parts = imported(str(ticket))
    assert "rich.console" in parts
    assert not parts & {"rich.live", "rich.progress", "rich.markdown", "rich.syntax", "rich.traceback", "rich.pretty"}


def test_other_commands_are_not_imported(ticket: Path) -> None:
    ours = {name for name in imported("--json", str(ticket)) if name.startswith("ibsniff.")}
    assert "ibsniff.cli.read" in ours
    rooms = {".".join(name.split(".")[:2]) for name in ours}
    assert not rooms & {
        "ibsniff.standin",
        "ibsniff.screens",
        "ibsniff.analysis.following",
        "ibsniff.regression",
        "ibsniff.analysis.streams",
    }
    assert not ours & {f"ibsniff.cli.{name}" for name in ("live", "streams", "simulate", "rules", "many")}


def test_options_are_converted_without_pydantic_unless_there_is_something_to_convert(ticket: Path) -> None:
    assert "pydantic" not in imported("--port", "5555", "--watched-until", "+3", "-r", str(ticket))
