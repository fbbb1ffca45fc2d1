"""Progress on the terminal while a large input is read, and Ctrl-C, which ends the reading but not the report."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from ibsniff.formatting import counted

if TYPE_CHECKING:
    from types import FrameType

    from ibsniff.analysis.reading_progress import ReadingProgress

DELAY_SECONDS = 0.5
"""Shorter waits need no progress bar, and rich need not be imported for it."""
REFRESH_SECONDS = 0.2


@contextmanager
def reading(progress: ReadingProgress, size: int | None, *, alone: bool, show: bool) -> Iterator[None]:
    """Show progress and handle Ctrl-C while inputs are read.

    ``size`` is in bytes, if it is known; ``alone`` means that no other process reads.
    """
    with _ended_by_interrupt(progress) if alone else nullcontext(), _shown(progress, size) if show else nullcontext():
        yield


@contextmanager
def _ended_by_interrupt(progress: ReadingProgress) -> Iterator[None]:
    """Let Ctrl-C end the input, so that what was read is analysed; a second one ends the program."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        progress.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _shown(progress: ReadingProgress, size: int | None) -> Iterator[None]:
    """Show progress on a terminal if reading takes longer than a moment; the bar disappears at the end."""
    if not sys.stderr.isatty():
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_show, args=(progress, size, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _show(progress: ReadingProgress, size: int | None, over: threading.Event) -> None:
    if over.wait(DELAY_SECONDS):
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    left = [] if size is None else [TimeRemainingColumn()]
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), *left, TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("", total=size, completed=progress.position)
        while not over.wait(REFRESH_SECONDS):
            found = counted(progress.connections, "connection")
            bar.update(task, completed=progress.position, description=found)
