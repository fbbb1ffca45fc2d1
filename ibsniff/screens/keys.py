"""Keys pressed while a live screen is shown, where they can be had: a terminal of our own, in the foreground.

What knows terminals is imported only here: Windows lacks termios, everything else lacks msvcrt.
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

NAMES = {
    b"j": "down",
    b"\x1b[B": "down",
    b"\x1bOB": "down",
    b"k": "up",
    b"\x1b[A": "up",
    b"\x1bOA": "up",
    b"f": "newest",
    b"q": "stop",
    b"\x0c": "paint",
}
"""What a key sends -> what it means; arrows as xterm sends them in both of its modes, Ctrl-L."""

WINDOWS_ARROWS = {"H": "up", "P": "down"}
"""What follows ``\\x00`` or ``\\xe0`` from ``msvcrt.getwch``."""

HELP = "↑↓ or j k: choose · f: newest · q: stop"


class Keys:
    """No keys: standard input is no terminal, or not ours."""

    help = "Ctrl-C stops"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the terminal back."""

    def pressed(self) -> list[str]:
        """Return what was asked for since the last call; never waits."""
        return []


if sys.platform == "win32":

    class OwnKeys(Keys):
        """Keys of a Windows console."""

        help = HELP

        def __init__(self, _descriptor: int) -> None:
            """There is one console."""

        def pressed(self) -> list[str]:
            """Return what was asked for since the last call; never waits."""
            found = []
            while msvcrt.kbhit():
                key = msvcrt.getwch()
                if key in ("\x00", "\xe0"):
                    found.append(WINDOWS_ARROWS.get(msvcrt.getwch(), ""))
                else:  # half a surrogate pair is a key as well
                    found.append(NAMES.get(key.encode(errors="replace"), ""))
            return [name for name in found if name]

else:

    class OwnKeys(Keys):
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
            """Give the terminal back as it was; one that is gone needs nothing."""
            with suppress(termios.error, OSError):
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

        def pressed(self) -> list[str]:
            """Return what was asked for since the last call; never waits."""
            try:
                if not select.select([self._descriptor], [], [], 0)[0]:
                    return []
                return named(os.read(self._descriptor, 256))
            except OSError:
                return []


def named(read: bytes) -> list[str]:
    """Return what the bytes a terminal sent ask for; what means nothing is passed over."""
    found, at = [], 0
    while at < len(read):
        length = 3 if read[at : at + 2] in (b"\x1b[", b"\x1bO") else 1
        if name := NAMES.get(read[at : at + length]):
            found.append(name)
        at += length
    return found


def keys_of(stdin: IO[Any] | None) -> Keys:
    """Return the keys that can be had from this standard input."""
    try:
        if stdin is None or not stdin.isatty():
            return Keys()
        # Setting up a terminal from the background would stop the whole job (SIGTTOU).
        in_front = sys.platform == "win32" or os.tcgetpgrp(stdin.fileno()) == os.getpgrp()
        return OwnKeys(stdin.fileno()) if in_front else Keys()
    except (OSError, ValueError):
        return Keys()
