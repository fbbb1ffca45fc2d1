"""What ``read`` is to read: files, what is in folders, and who reads them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from ibsniff.analysis.reading import Work, attempt
from ibsniff.capture.files import STDIN
from ibsniff.formatting import counted
from ibsniff.model import ExitCode, UserError

Made = TypeVar("Made")

SHARED_FROM_BYTES = 64 << 20
SHARED_FROM_FILES = 500
"""So much is shared among all cores unless ``--jobs`` says otherwise: below, starting processes takes longer."""


def cores() -> int:
    """How many processes may run beside each other."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(slots=True)
class Inputs:
    """The captures to read, in order."""

    paths: list[str] = field(default_factory=list)
    others: int = 0
    """Files in folders that are no captures."""
    closed: list[UserError] = field(default_factory=list)
    """What cannot be looked into."""

    @property
    def size(self) -> int | None:
        """Bytes of all; None when a pipe is among them."""
        return sum(map(_size, self.paths)) if all(Path(path).is_file() for path in self.paths) else None

    def jobs(self, wanted: int | None) -> int:
        """How many processes read them. One reads standard input, which no other can."""
        if STDIN in self.paths:
            return 1
        is_much = len(self.paths) >= SHARED_FROM_FILES or (self.size or 0) >= SHARED_FROM_BYTES
        return min(len(self.paths), wanted or (cores() if is_much else 1)) or 1

    def tell_rest(self, work: Work) -> None:
        """Say on stderr what was not read, and why."""
        if self.others:
            files, are = ("file", "is no capture") if self.others == 1 else ("files", "are no captures")
            print(f"ibsniff: {self.others:,} other {files} in the folders {are}", file=sys.stderr)
        left = len(self.paths) - work.inputs_begun
        if work.stopped and left:
            print(f"ibsniff: interrupted, {left} of {len(self.paths)} inputs not read", file=sys.stderr)


def find_inputs(named: list[str]) -> Inputs:
    """Take files as they are named, and of folders the captures in them.

    Raises UserError when nothing is named, and when there is no capture in the folders.
    """
    if not named:
        raise UserError("no capture named", "ibsniff read FILE; or - for stdin", ExitCode.USAGE)
    if "" in named:
        what_to_do = "A variable in the command is empty; quoted, a name with blanks stays one"
        raise UserError("a capture's name is empty", what_to_do, ExitCode.USAGE)
    inputs = Inputs()
    for name in named:
        if name != STDIN and Path(name).is_dir():
            _look_into(name, inputs)
        else:
            inputs.paths.append(name)
    if not inputs.paths and not inputs.closed:
        raise UserError(
            f"{', '.join(named)}: no capture there, of {counted(inputs.others, 'file')}",
            "Name a capture, or its folder",
        )
    return inputs


def _look_into(folder: str, inputs: Inputs) -> None:
    from ibsniff.capture.folder import find_captures

    found = find_captures(folder)
    named = {os.path.abspath(path) for path in inputs.paths}  # noqa: PTH100  (resolve() follows links)
    inputs.paths += [path for path in found.captures if os.path.abspath(path) not in named]  # noqa: PTH100
    inputs.others += found.others
    inputs.closed += found.unreadable


def from_each(
    task: Callable[..., Made], inputs: Inputs, jobs: int, work: Work
) -> Iterator[tuple[str, Made | UserError]]:
    """What a task makes of each input, in order, up to Ctrl-C. Alone it is also given the work, to be ended within."""
    results = _alone(task, inputs.paths, work) if jobs == 1 else _shared(task, inputs.paths, jobs, work)
    yield from zip(inputs.paths, results, strict=False)


def _alone(task: Callable[..., Made], paths: Iterable[str], work: Work) -> Iterator[Made | UserError]:
    for path in paths:
        if work.stopped:
            return
        yield attempt(partial(task, work=work), path)


def _shared(task: Callable[..., Made], paths: list[str], jobs: int, work: Work) -> Iterator[Made | UserError]:
    from ibsniff.analysis.workers import in_parallel

    try:
        for path, result in zip(paths, in_parallel(partial(attempt, task), paths, jobs), strict=True):
            work.inputs_begun += 1
            work.bytes_done += _size(path)
            yield result
    except KeyboardInterrupt:
        if not work.inputs_begun:
            what = f"interrupted, none of {len(paths)} inputs was read to its end"
            one_by_one = "--jobs 1 reads them one by one, and reports what it had read when it was interrupted"
            raise UserError(what, one_by_one, ExitCode.INTERRUPTED) from None
        work.stopped = True


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
