"""Keys pressed while a live screen is shown. They can be read only from a terminal that this process controls.

The modules that know terminals are imported only here: Windows lacks termios, all other systems lack msvcrt.
"""

from __future__ import annotations

import os
import re
import select
import sys
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self

if sys.platform == "win32":
    import msvcrt
else:
    import termios
    import tty

ACTIONS = {
    b"j": "down",
    b"\x1b[B": "down",
    b"\x1bOB": "down",
    b"k": "up",
    b"\x1b[A": "up",
    b"\x1bOA": "up",
    b"\x1b[6~": "page down",
    b" ": "page down",
    b"\x1b[5~": "page up",
    b"\x1b[H": "first",
    b"\x1bOH": "first",
    b"\x1b[1~": "first",
    b"\x1b[7~": "first",
    b"g": "first",
    b"\x1b[F": "last",
    b"\x1bOF": "last",
    b"\x1b[4~": "last",
    b"\x1b[8~": "last",
    b"G": "last",
    b"s": "sort",
    b"v": "view",
    b"\r": "alone",
    b"\n": "alone",
    b"f": "follow",
    b"?": "help",
    b"q": "stop",
    b"\x0c": "repaint",
}
"""Bytes that a key sends -> action. Arrows, Home and End as xterm, rxvt and the Linux console send them; the last is Ctrl-L."""

SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[@-~])", re.DOTALL)
"""A control sequence (ECMA-48, 5.4), or a key in the application mode of xterm."""

WINDOWS_KEYS = {"H": "up", "P": "down", "I": "page up", "Q": "page down", "G": "first", "O": "last"}
"""The second character after ``\\x00`` or ``\\xe0`` from ``msvcrt.getwch``."""

HELP = "↑↓ select · s sort · v view · ? all keys · q stop"
"""The last line of the screen."""

ALL_KEYS = (
    ("↑ ↓ or k j", "select a row"),
    ("PgUp PgDn", "a page up or down"),
    ("Home End", "the first or the last row"),
    ("s", "sort: worst first, newest first, by server"),
    ("v", "view: all, problems, healthy, the selected row's server"),
    ("Enter", "the selected conversation alone (arrows scroll), and back"),
    ("f", "follow what is new, otherwise the worst"),
    ("Ctrl-L", "draw the screen again"),
    ("?", "this page, and back"),
    ("q or Ctrl-C", "stop, and print the report"),
)
"""Each key and what it does, for the page of ``?``."""


class Keys:
    """No keys: standard input is not a terminal, or another process controls it."""

    help = "Ctrl-C stops"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the terminal."""

    def pressed(self) -> list[str]:
        """Return the actions since the last call, without waiting."""
        return []


if sys.platform == "win32":

    class TerminalKeys(Keys):
        """Keys of a Windows console."""

        help = HELP

        def __init__(self, _descriptor: int) -> None:
            """Take no descriptor: there is only one console."""

        def pressed(self) -> list[str]:
            """Return the actions since the last call, without waiting."""
            found = []
            while msvcrt.kbhit():
                key = msvcrt.getwch()
                if key in ("\x00", "\xe0"):
                    found.append(WINDOWS_KEYS.get(msvcrt.getwch(), ""))
                else:  # half of a surrogate pair also counts as a key
                    found.append(ACTIONS.get(key.encode(errors="replace"), ""))
            return [action for action in found if action]

else:

    class TerminalKeys(Keys):
        """Keys of a POSIX terminal, one by one and not echoed; Ctrl-C stays Ctrl-C."""

        help = HELP

        def __init__(self, descriptor: int) -> None:
            self._descriptor = descriptor
            self._before: list[Any] = []

        def __enter__(self) -> Self:
            self._before = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor)
            return self

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            """Restore the terminal, unless it is gone."""
            with suppress(termios.error, OSError):
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

        def pressed(self) -> list[str]:
            """Return the actions since the last call, without waiting."""
            try:
                if not select.select([self._descriptor], [], [], 0)[0]:
                    return []
                return actions_of(os.read(self._descriptor, 256))
            except OSError:
                return []


def actions_of(read: bytes) -> list[str]:
    """Return the actions that the bytes from a terminal ask for; other keys are ignored."""
    found, position = [], 0
    while position < len(read):
        sequence = SEQUENCE.match(read, position)
        end = sequence.end() if sequence else position + 1
        if action := ACTIONS.get(read[position:end]):
            found.append(action)
        position = end
    return found


def open_keys(stdin: IO[Any] | None) -> Keys:
    """Return the keys that can be read from this standard input."""
    try:
        if stdin is None or not stdin.isatty():
            return Keys()
        # Changing the mode of a terminal from the background would stop the whole job (SIGTTOU).
        in_foreground = sys.platform == "win32" or os.tcgetpgrp(stdin.fileno()) == os.getpgrp()
        return TerminalKeys(stdin.fileno()) if in_foreground else Keys()
    except (OSError, ValueError):
        return Keys()
