"""Opening output files safely: not through a link under ``sudo``, and not while another capture writes to the same file.

Under ``sudo`` the folder may be writable by other users, and their files must not make root overwrite something else. The
new file belongs to the user who ran ``sudo``, not to root.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from ibsniff.capture.privilege import caller
from ibsniff.model import ExitCode, UserError

BUFFER = 1 << 20
"""Bytes that are buffered before they are written: under load, one system call writes thousands of packets."""


def open_output(path: str | Path) -> BinaryIO:
    """Open a file for writing, discard its content, and lock it until it is closed (where flock(2) exists).

    Raises UserError when it cannot be opened, or when another capture is writing to it.
    """
    try:
        owner = caller()
        descriptor = _open(os.fspath(path)) if owner is None else _open_as_root(os.fspath(path), *owner)
        try:
            _claim(descriptor)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.ftruncate(descriptor, 0)
            return os.fdopen(descriptor, "wb", BUFFER)
        except BaseException:
            os.close(descriptor)
            raise
    except BlockingIOError as error:
        raise UserError(
            f"cannot write {path}: another capture is writing to it", "give the name of another file", ExitCode.USAGE
        ) from error
    except OSError as error:
        code = ExitCode.PERMISSION if isinstance(error, PermissionError) else ExitCode.USAGE
        raise UserError(
            f"cannot write {path}: {error.strerror or error}", "choose a folder in which you may write", code
        ) from error


def may_write_later(folder: Path) -> bool:
    """Whether files can be created in a folder after privileges were dropped, by its mode without access control lists."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return True
    uid, gid = caller() or (0, 0)
    facts = folder.stat()
    shift = 6 if facts.st_uid == uid else 3 if facts.st_gid == gid else 0
    write_and_search = 0o3
    return facts.st_mode >> shift & write_and_search == write_and_search


def _open(path: str) -> int:
    close_on_exec = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    return os.open(path, os.O_WRONLY | os.O_CREAT | close_on_exec, 0o666)


def _claim(descriptor: int) -> None:
    """Lock a file until it is closed. Raises BlockingIOError when it is locked; some file systems have no locks."""
    if sys.platform == "win32":
        return
    import fcntl  # noqa: PLC0415  (Windows lacks it)

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno == errno.EWOULDBLOCK:
            raise


def _open_as_root(path: str, uid: int, gid: int) -> int:
    flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return _open_existing(path, flags)
    os.fchown(descriptor, uid, gid)
    return descriptor


def _open_existing(path: str, flags: int) -> int:
    """Open an existing file without changing its owner."""
    descriptor = os.open(path, flags)
    facts = os.fstat(descriptor)
    if stat.S_ISREG(facts.st_mode) and facts.st_nlink > 1:
        os.close(descriptor)
        raise PermissionError(0, "the file has several hard links, and ibsniff runs as root")
    return descriptor
