"""Who is measured: ibsniff, and beside it what is installed of the tools that read the same files."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from measure import Run, run

PORT = "7497"
OURS = "ibsniff read"


def _ibsniff(file: Path, _folder: str) -> Sequence[str]:
    return sys.executable, "-m", "ibsniff", "read", str(file)


def _tcpdump(file: Path, _folder: str) -> Sequence[str]:
    return "tcpdump", "-r", str(file), "-w", "-", "tcp", "port", PORT


def _tcpflow(file: Path, folder: str) -> Sequence[str]:
    return "tcpflow", "-r", str(file), "-o", folder, "tcp", "port", PORT


def _tshark(file: Path, _folder: str) -> Sequence[str]:
    """Without joining segments to messages: it takes some ticks for another protocol's, and then minutes for one."""
    fields = ("frame.number", "frame.time_epoch", "tcp.stream", "tcp.len")
    shown = [word for field in fields for word in ("-e", field)]
    quick = ("-o", "tcp.desegment_tcp_streams:FALSE")
    return "tshark", "-r", str(file), *quick, "-Y", f"tcp.port=={PORT}", "-T", "fields", *shown


class Tool(NamedTuple):
    """A program that reads a capture: what it does with it, and the command."""

    name: str
    command: Callable[[Path, str], Sequence[str]]
    is_slow: bool = False
    """Half a minute on large files: one round is enough."""

    def run(self, file: Path, environment: dict[str, str]) -> Run:
        """Read the file once; what it writes goes into a folder that is deleted."""
        with tempfile.TemporaryDirectory() as folder:
            return run(self.command(file, folder), environment)


TOOLS = (
    Tool(OURS, _ibsniff),
    Tool("tcpdump -r, port filter", _tcpdump),
    Tool("tcpflow", _tcpflow),
    Tool("tshark fields", _tshark, is_slow=True),
)


def installed() -> list[Tool]:
    """Ours, and those of the others that are on the PATH."""
    return [tool for tool in TOOLS if shutil.which(tool.command(Path(), "")[0])]


def environment(folder: Path) -> dict[str, str]:
    """Of the commands: modules are compiled once, as those of an installed program are."""
    unchanged = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return unchanged | {"PYTHONPYCACHEPREFIX": str(folder / "compiled"), "LC_ALL": "C"}
