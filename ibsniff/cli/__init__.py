"""The command line: the only place that prints, and the only one that ends the process.

``app`` holds what commands share; the other modules hold the commands. Imports of rooms stand inside the commands, so
that each pays only for what it uses.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ibsniff.cli import read, live, streams, rules, simulate  # isort: skip (the order of --help)
from ibsniff.cli.app import app

__all__ = ["app", "live", "main", "read", "rules", "simulate", "streams"]


def main() -> None:
    """Run the command line; ``ibsniff FILE`` and ``ibsniff -r FILE`` mean ``ibsniff read FILE``."""
    _settle_streams()
    arguments = sys.argv[1:]
    commands = {
        command.name or (command.callback.__name__ if command.callback else "") for command in app.registered_commands
    }
    if arguments and arguments[0] not in commands:
        first = arguments[0]
        is_path = first in ("-", "-r") or "." in first or os.sep in first or Path(first).exists()
        if is_path and (first in ("-", "-r") or not first.startswith("-")):
            sys.argv.insert(1, "read")
    app()


def _settle_streams() -> None:
    """Let printing never fail for a stream that was closed before the start, or for a letter it does not know."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        getattr(sys, name).reconfigure(errors="backslashreplace")
