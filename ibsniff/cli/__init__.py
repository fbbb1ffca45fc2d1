"""The command line: the only place that prints, and the only one that ends the process.

``group`` knows which module holds which command, ``app`` what they share. Imports of rooms stand inside the commands, so
that each pays only for what it uses.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

SELDOM = 50_000
"""Objects made since garbage was last looked for, of which there is next to none: at Python's 700, importing what a report
needs would take a fifth longer."""


def main() -> None:
    """Run the command line; ``ibsniff FILE`` and ``ibsniff -r FILE`` mean ``ibsniff read FILE``."""
    gc.set_threshold(SELDOM)
    from ibsniff.cli.app import app, unwritable
    from ibsniff.cli.group import MODULES

    _settle_streams()
    # numpy's linear algebra, which nobody here uses, would start a thread for every core: half of what importing it costs
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    arguments = sys.argv[1:]
    if arguments and arguments[0] not in MODULES:
        first = arguments[0]
        is_path = first in ("-", "-r") or "." in first or os.sep in first or Path(first).exists()
        if is_path and (first in ("-", "-r") or not first.startswith("-")):
            sys.argv.insert(1, "read")
    try:
        app()
    except OSError as error:  # help is printed outside the commands
        sys.exit(unwritable(error))
    finally:
        gc.freeze()  # the interpreter looks once more before it ends: at what is going anyway


def _settle_streams() -> None:
    """Let printing never fail for a stream that was closed before the start, or for a letter it does not know."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        getattr(sys, name).reconfigure(errors="backslashreplace")
