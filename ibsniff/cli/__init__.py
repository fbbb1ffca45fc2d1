"""The command line: the only place that prints, and the only one that ends the process.

``app`` holds what commands share; the other modules hold the commands. Imports of rooms stand inside the commands, so
that each pays only for what it uses.
"""

from __future__ import annotations

import sys

from ibsniff.cli import read, live, rules, simulate  # isort: skip (the order of --help)
from ibsniff.cli.app import app

__all__ = ["app", "live", "main", "read", "rules", "simulate"]


def main() -> None:
    """Run the command line; ``ibsniff FILE`` and ``ibsniff -r FILE`` mean ``ibsniff read FILE``."""
    arguments = sys.argv[1:]
    commands = {
        command.name or (command.callback.__name__ if command.callback else "") for command in app.registered_commands
    }
    if arguments and arguments[0] not in commands:
        first = arguments[0]
        if first in ("-r", "-") or not first.startswith("-"):
            sys.argv.insert(1, "read")
    app()
