"""Opening what is written: never through somebody's link under ``sudo``, never what another capture writes just now.

Under ``sudo`` the folder may be writable by others, and what they put there must not make root overwrite something else;
and the file belongs to the user who called, not to root.
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
"""Bytes collected before they are written: under load that is a system call for thousands of packets."""


def open_output(path: str | Path) -> BinaryIO:
    """Open a file for writing, emptied, and keep others of us from it until it is closed (where there is flock(2)).

    Raises UserError when it cannot be opened, or when another capture is writing it.
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
            f"cannot write {path}: another capture is writing it", "name another file", ExitCode.USAGE
        ) from error
    except OSError as error:
        code = ExitCode.PERMISSION if isinstance(error, PermissionError) else ExitCode.USAGE
        raise UserError(
            f"cannot write {path}: {error.strerror or error}", "name a file in a folder you may write to", code
        ) from error


def may_write_later(folder: Path) -> bool:
    """Whether new files can be made in a folder when privileges are dropped; told by its mode, access lists aside."""
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
    """Lock a file until it is closed. Raises BlockingIOError when somebody else has; some file systems have no locks."""
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
    """Open what is there already, without changing its owner: it is not ours to give away."""
    descriptor = os.open(path, flags)
    facts = os.fstat(descriptor)
    if stat.S_ISREG(facts.st_mode) and facts.st_nlink > 1:
        os.close(descriptor)
        raise PermissionError(0, "it has several names (hard links), and this is root")
    return descriptor
