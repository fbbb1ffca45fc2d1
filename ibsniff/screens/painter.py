"""Paint on the alternate screen of a terminal, and write only the lines that have changed.

So nothing flickers, a slow connection to a remote machine carries little, and without news nothing is written. The
escape sequences are those of ECMA-48 and xterm's alternate screen; rich writes the ones that it knows.
"""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType

MOVE_TO_LINE, RESET, ERASE_REST = "\x1b[{};1H", "\x1b[0m", "\x1b[K"
CLEAR = "\x1b[2J"


class Painter:
    """Paints renderables on the alternate screen, which it enters with the first one and leaves at the end."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._painted: list[str] = []
        self._size = (0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the terminal, unless it is gone."""
        if self._size == (0, 0):
            return
        self._size = (0, 0)
        with suppress(OSError):
            self.console.show_cursor(True)
            self.console.set_alt_screen(False)

    def paint(self, drawn: RenderableType) -> None:
        """Show this at the present size of the terminal, unless it accepts no output now or another job has it.

        Raises OSError if the terminal is gone.
        """
        if not self._is_writable():
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
        """Repaint everything the next time, because somebody else wrote on the terminal."""
        self._size = (-1, -1) if self._size != (0, 0) else self._size

    def _is_writable(self) -> bool:
        """Tell whether writing would not block: a halted terminal (Ctrl-S) or a slow line must not stop the capture."""
        try:
            descriptor = self.console.file.fileno()
            return not _has_other_job(descriptor) and bool(select.select([], [descriptor], [], 0)[1])
        except (OSError, ValueError):  # it cannot be asked; writing will show whether it is gone
            return True

    def _beginning(self, size: tuple[int, int]) -> str:
        """What to write first: on the first painting, and after a change of size, the screen is cleared."""
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
            f"{MOVE_TO_LINE.format(row)}{RESET}{line}{RESET}{ERASE_REST}"
            for row, (line, old) in enumerate(zip(lines, before, strict=False), 1)
            if line != old
        ]


def _has_other_job(descriptor: int) -> bool:
    """Tell whether the shell or another of its jobs has the terminal, and this process is in the background."""
    if sys.platform == "win32":
        return False
    try:
        return os.tcgetpgrp(descriptor) != os.getpgrp()
    except OSError:  # not our controlling terminal
        return False
