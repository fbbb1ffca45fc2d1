"""How errors are printed: what failed, and what to do about it, on stderr."""

from __future__ import annotations

import os
import sys
from typing import IO

from ibsniff.model import UserError


def discard_output(stream: IO[str]) -> None:
    """Discard what is still buffered and all that follows, so that the interpreter does not fail to write it at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def print_error(error: UserError) -> None:
    """Print on stderr what failed, and what to do about it."""
    from ibsniff.render.text import visible_line

    lines = [
        f"ibsniff: {visible_line(error.what)}",
        *(f"  {visible_line(line)}" for line in error.what_to_do.splitlines()),
    ]
    try:
        print(*lines, sep="\n", file=sys.stderr, flush=True)
    except OSError:  # nobody can read it; the exit code still reports it
        discard_output(sys.stderr)
