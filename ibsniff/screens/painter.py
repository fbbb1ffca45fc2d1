"""A screen of its own on the terminal, of which only the lines that changed are written again.

So nothing flickers, a slow line to a distant machine carries little, and a quiet capture is a quiet screen. The
sequences are those of ECMA-48 and xterm's alternate screen; rich writes the ones it knows.
"""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType

PLACE, RESET, ERASE_REST = "\x1b[{};1H", "\x1b[0m", "\x1b[K"
CLEAR = "\x1b[2J"


class Painter:
    """Paints renderables on the alternate screen; it is entered with the first, and left at the end."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._painted: list[str] = []
        self._size = (0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the terminal back as it was; one that is gone needs nothing."""
        if self._size == (0, 0):
            return
        self._size = (0, 0)
        with suppress(OSError):
            self.console.show_cursor(True)
            self.console.set_alt_screen(False)

    def paint(self, drawn: RenderableType) -> None:
        """Show this, as large as the terminal is now; not to one that takes nothing now, or that is another job's.

        Raises OSError when the terminal is gone.
        """
        if not self._takes():
            return
        size = (self.console.width, self.console.height)
        with self.console.capture() as capture:
            self.console.print(drawn, height=size[1], end="", soft_wrap=False)
        lines = capture.get().split("\n")[: size[1]]
        written = self._beginning(size) + "".join(self._changed(lines))
        self._painted = lines
        if written:
            self.console.file.write(written)
            self.console.file.flush()

    def forget(self) -> None:
        """Somebody else wrote on the terminal: paint everything the next time."""
        self._size = (-1, -1) if self._size != (0, 0) else self._size

    def _takes(self) -> bool:
        """A terminal that was halted (Ctrl-S), or is behind a line that hangs, must not hold up the capture."""
        try:
            descriptor = self.console.file.fileno()
            return not _is_anothers(descriptor) and bool(select.select([], [descriptor], [], 0)[1])
        except (OSError, ValueError):  # nothing that could be asked; whether it is gone shows the writing
            return True

    def _beginning(self, size: tuple[int, int]) -> str:
        """On a terminal that was never painted, or has another size now, nothing stands that could stay."""
        if size == self._size:
            return ""
        if self._size == (0, 0):
            self.console.set_alt_screen(True)
            self.console.show_cursor(False)
        self._size, self._painted = size, []
        return CLEAR

    def _changed(self, lines: list[str]) -> list[str]:
        before = self._painted + [""] * (len(lines) - len(self._painted))
        return [
            f"{PLACE.format(row)}{RESET}{line}{RESET}{ERASE_REST}"
            for row, (line, old) in enumerate(zip(lines, before, strict=False), 1)
            if line != old
        ]


def _is_anothers(descriptor: int) -> bool:
    """The shell, or another job of it, has the terminal: we are in the background."""
    if sys.platform == "win32":
        return False
    try:
        return os.tcgetpgrp(descriptor) != os.getpgrp()
    except OSError:  # not the terminal that controls us
        return False
