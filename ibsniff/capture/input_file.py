"""Opening input files without waiting for a special file, and without raising for a folder that one may not search."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from ibsniff.model import UserError, WireText

SECONDS_FOR_WRITER = 10.0
"""How long to wait until another program opens a named pipe for writing; opening one waits for that."""

SPECIAL_FILES = {
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a block device",
    stat.S_IFSOCK: "a socket",
}
"""File types that hold no capture; opening or reading some of them would never return."""

READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
AT_ONCE = READ | getattr(os, "O_NONBLOCK", 0)
"""Flags that open a pipe without waiting for its writer; for a regular file they make no difference."""


def is_folder(path: str | Path) -> bool:
    """Whether this is a folder. A path that cannot be looked up, for lack of permission too, is none."""
    return os.path.isdir(path)  # noqa: PTH112  (Path.is_dir raises PermissionError)


def is_regular_file(path: str | Path) -> bool:
    """Whether this is a regular file. A path that cannot be looked up, for lack of permission too, is none."""
    return os.path.isfile(path)  # noqa: PTH113  (Path.is_file raises PermissionError)


def file_exists(path: str | Path) -> bool:
    """Whether there is something at this path, as far as one may see."""
    return os.path.exists(path)  # noqa: PTH110  (Path.exists raises PermissionError)


def open_regular(path: str | Path) -> BinaryIO:
    """Open a file that must be a regular one, unbuffered. Raises OSError otherwise, and never waits."""
    descriptor = os.open(path, AT_ONCE)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is not a regular file", os.fspath(path))
    return os.fdopen(descriptor, "rb", buffering=0)


def open_input(path: str) -> BinaryIO:
    """Open a file or a named pipe that a user named, unbuffered.

    Raises UserError when it does not exist, is a folder or a special file, may not be read, or is a pipe that no
    program opens for writing within ``SECONDS_FOR_WRITER``.
    """
    name = f"{WireText(path):quoted}"
    try:
        if is_folder(path):  # opening one gives "permission denied" on Windows
            raise UserError(f"{name} is a directory", "Give the name of the capture file in it")
        mode = Path(path).stat().st_mode
        if special := SPECIAL_FILES.get(stat.S_IFMT(mode)):
            raise UserError(f"{name} is {special}, not a capture file", "Give the name of a capture file")
        descriptor = _open_pipe(path) if stat.S_ISFIFO(mode) else os.open(path, READ)
        return os.fdopen(descriptor, "rb", buffering=0)
    except FileNotFoundError as error:
        raise UserError(f"{name}: there is no such file", "Check the name and the current folder") from error
    except PermissionError as error:
        raise UserError(f"{name}: you have no permission to read it", _how_to_get_permission(path)) from error
    except (OSError, ValueError) as error:
        raise UserError(
            f"{name} cannot be opened: {getattr(error, 'strerror', None) or error}", "Check the name"
        ) from error


def _how_to_get_permission(path: str) -> str:
    target = Path(os.path.realpath(path))  # of a link, the folder that stops the user is that of its target
    parents = [folder for folder in reversed(target.parents) if not os.access(folder, os.X_OK)]
    if parents:
        return f"You may not look into the folder {WireText(str(parents[0])):quoted}: ask its owner, or copy the file to a folder of yours"
    return 'Captures that were written under sudo belong to root: sudo chown "$USER" FILE'


def _open_pipe(path: str) -> int:
    """Open a named pipe. Raises UserError when no program opens it for writing in time."""
    import threading  # noqa: PLC0415  (only pipes need it)

    opened: list[int] = []
    opening = threading.Thread(target=lambda: opened.append(os.open(path, READ)), daemon=True)
    opening.start()
    opening.join(SECONDS_FOR_WRITER)
    if opening.is_alive():
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))  # a writer, so that the thread's call returns
        opening.join()
        for descriptor in opened:
            os.close(descriptor)
        raise UserError(
            f"{WireText(path):quoted} is a pipe, and no program opened it for writing within {SECONDS_FOR_WRITER:.0f} seconds",
            "Start the program that writes to it first, or join both: PROGRAM | ibsniff read -",
        )
    return opened[0]
