"""The inputs of ``read``: files and the captures in folders, and the processes that read them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from ibsniff.analysis.reading import result_or_error
from ibsniff.analysis.reading_progress import ReadingProgress
from ibsniff.capture.files import STDIN
from ibsniff.capture.input_file import is_folder, is_regular_file
from ibsniff.formatting import counted
from ibsniff.model import ExitCode, UserError, WireText

Result = TypeVar("Result")

PARALLEL_FROM_BYTES = 64 << 20
PARALLEL_FROM_FILES = 500
"""From here on all cores share the work unless ``--jobs`` says otherwise; for less, starting processes takes longer."""


def cpu_count() -> int:
    """The number of processes that can run at the same time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(slots=True)
class Inputs:
    """The captures to read, in order."""

    paths: list[str] = field(default_factory=list)
    other_files: int = 0
    """Files in folders that are not captures."""
    unreadable_folders: list[UserError] = field(default_factory=list)
    """Folders that cannot be listed."""

    @property
    def size(self) -> int | None:
        """Bytes of all inputs; None if a pipe is among them."""
        return sum(map(_size, self.paths)) if all(map(is_regular_file, self.paths)) else None

    def jobs(self, wanted: int | None) -> int:
        """The number of processes to read with. Standard input can be read by this process only."""
        if STDIN in self.paths:
            return 1
        is_large = len(self.paths) >= PARALLEL_FROM_FILES or (self.size or 0) >= PARALLEL_FROM_BYTES
        return min(len(self.paths), wanted or (cpu_count() if is_large else 1)) or 1

    def print_unread(self, progress: ReadingProgress) -> None:
        """Print on stderr what was not read, and why."""
        if self.other_files:
            are = "is not a capture" if self.other_files == 1 else "are not captures"
            print(f"ibsniff: {counted(self.other_files, 'other file')} in the folders {are}", file=sys.stderr)
        left = len(self.paths) - progress.inputs_begun
        if progress.stopped and left:
            print(f"ibsniff: interrupted; {left} of {counted(len(self.paths), 'input')} not read", file=sys.stderr)


def find_inputs(named: list[str]) -> Inputs:
    """Take files as they are named, and the captures in folders.

    Raises UserError if nothing is named, or if the folders contain no capture.
    """
    if not named:
        raise UserError("no capture is named", "Name one: ibsniff read FILE; or - for standard input", ExitCode.USAGE)
    if "" in named:
        what_to_do = "Check the variables in the command, and put names that contain spaces in quotes"
        raise UserError("the name of a capture is empty", what_to_do, ExitCode.USAGE)
    inputs = Inputs()
    for name in named:
        if name != STDIN and is_folder(name):
            _add_captures_in(name, inputs)
        else:
            inputs.paths.append(name)
    if not inputs.paths and not inputs.unreadable_folders:
        raise UserError(
            f"{', '.join(f'{WireText(name):quoted}' for name in named)}: no capture among {counted(inputs.other_files, 'file')}",
            "Name a capture, or the folder that contains it",
        )
    return inputs


def _add_captures_in(folder: str, inputs: Inputs) -> None:
    from ibsniff.capture.folder import find_captures

    found = find_captures(folder)
    named = {os.path.abspath(path) for path in inputs.paths}  # noqa: PTH100  (resolve() follows links)
    inputs.paths += [path for path in found.captures if os.path.abspath(path) not in named]  # noqa: PTH100
    inputs.other_files += found.others
    inputs.unreadable_folders += found.unreadable


def results_of_each(
    task: Callable[..., Result], inputs: Inputs, jobs: int, progress: ReadingProgress
) -> Iterator[tuple[str, Result | UserError]]:
    """Run a task on each input and yield the results in order, until Ctrl-C.

    In a single process the task also gets ``progress``, so that Ctrl-C can end it within an input.
    """
    results = (
        _in_this_process(task, inputs.paths, progress)
        if jobs == 1
        else _in_parallel(task, inputs.paths, jobs, progress)
    )
    yield from zip(inputs.paths, results, strict=False)


def _in_this_process(
    task: Callable[..., Result], paths: Iterable[str], progress: ReadingProgress
) -> Iterator[Result | UserError]:
    for path in paths:
        if progress.stopped:
            return
        yield result_or_error(partial(task, progress=progress), path)


def _in_parallel(
    task: Callable[..., Result], paths: list[str], jobs: int, progress: ReadingProgress
) -> Iterator[Result | UserError]:
    from ibsniff.analysis.workers import in_parallel

    try:
        for path, result in zip(paths, in_parallel(partial(result_or_error, task), paths, jobs), strict=True):
            progress.inputs_begun += 1
            progress.bytes_done += _size(path)
            yield result
    except KeyboardInterrupt:
        if not progress.inputs_begun:
            what = f"interrupted before any of {counted(len(paths), 'input')} was read to its end"
            one_by_one = (
                "Add --jobs 1 to read them one by one; then an interrupted input is reported as far as it was read"
            )
            raise UserError(what, one_by_one, ExitCode.INTERRUPTED) from None
        progress.stopped = True


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
