"""Keys pressed while a live screen is shown. They can be read only from a terminal that this process controls.

The modules that know terminals are imported only here: Windows lacks termios, all other systems lack msvcrt.
"""

from __future__ import annotations

import os
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
    b"f": "newest",
    b"q": "stop",
    b"\x0c": "repaint",
}
"""Bytes that a key sends -> action. Arrows as xterm sends them in both of its modes; the last one is Ctrl-L."""

WINDOWS_ARROWS = {"H": "up", "P": "down"}
"""The second character after ``\\x00`` or ``\\xe0`` from ``msvcrt.getwch``."""

HELP = "↑↓ or j k: select · f: follow the newest · q: stop"


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
                    found.append(WINDOWS_ARROWS.get(msvcrt.getwch(), ""))
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
        length = 3 if read[position : position + 2] in (b"\x1b[", b"\x1bO") else 1
        if action := ACTIONS.get(read[position : position + length]):
            found.append(action)
        position += length
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
