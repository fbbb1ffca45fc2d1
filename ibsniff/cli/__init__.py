"""The command line: the only place that prints, and the only one that ends the process.

``group`` knows which module defines which command, and ``app`` contains what they share. Other rooms are imported inside
the commands, so that each command pays only for what it uses.
"""

from __future__ import annotations

import gc
import os
import sys

GC_THRESHOLD = 50_000
"""Objects created before Python looks for garbage again. There is hardly any; at Python's usual 700, importing what a
report needs would take a fifth longer."""


def main() -> None:
    """Run the command line; ``ibsniff FILE`` and ``ibsniff -r FILE`` mean ``ibsniff read FILE``."""
    gc.set_threshold(GC_THRESHOLD)
    from ibsniff.cli.app import app, output_failed
    from ibsniff.cli.group import MODULES
    from ibsniff.cli.usage import is_path

    _make_streams_safe()
    # numpy's linear algebra is not used here, but would start a thread for every core: half the cost of the import
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    arguments = sys.argv[1:]
    if arguments and arguments[0] not in MODULES:
        first = arguments[0]
        if first in ("-", "-r") or (is_path(first) and not first.startswith("-")):
            sys.argv.insert(1, "read")
    try:
        app()
    except OSError as error:  # help is printed outside of the commands
        sys.exit(output_failed(error))
    finally:
        gc.freeze()  # otherwise the interpreter searches all objects for garbage once more before it ends


def _make_streams_safe() -> None:
    """Make printing work on a stream that was closed before the start, or that cannot encode a character."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # what is printed on a closed stdout is lost, which must not pass for success; a live capture goes on
            mode = os.O_RDONLY if name == "stdout" and "live" not in sys.argv[1:2] else os.O_WRONLY
            setattr(sys, name, os.fdopen(os.open(os.devnull, mode), "w", encoding="utf-8"))
        getattr(sys, name).reconfigure(errors="backslashreplace")
