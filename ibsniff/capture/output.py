"""Opening output files safely: private to their owner, never through a link, not while another capture writes to them.

For root the folder may be writable by other users, and their files and links must not make root overwrite something else.
Under ``sudo`` the new file belongs to the user who ran it, not to root.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections import deque
from pathlib import Path
from typing import BinaryIO

from ibsniff.capture.privilege import caller
from ibsniff.model import ExitCode, UserError

PRIVATE = stat.S_IRUSR | stat.S_IWUSR
"""The mode of what is written: captures contain account numbers and orders."""

DEVICES = "/dev"
"""Root's folder, whose links (stdout, fd/1) may be followed."""

MAX_LINKS = 40
"""Links on the way to a folder, as Linux limits them (path_resolution(7))."""

BUFFER = 1 << 20
"""Bytes that are buffered before they are written: under load, one system call writes thousands of packets."""


def open_output(path: str | Path) -> BinaryIO:
    """Open a file for writing, discard its content, and lock it until it is closed (where flock(2) exists).

    Raises UserError when it cannot be opened, or when another capture is writing to it.
    """
    try:
        descriptor = _open(os.fspath(path))
        try:
            _claim(descriptor)
            facts = os.fstat(descriptor)
            if stat.S_ISREG(facts.st_mode):
                os.ftruncate(descriptor, 0)
                if sys.platform != "win32" and facts.st_uid == os.geteuid():
                    os.fchmod(descriptor, PRIVATE)  # it may have existed, readable by everybody
            return os.fdopen(descriptor, "wb", BUFFER)
        except BaseException:
            os.close(descriptor)
            raise
    except BlockingIOError as error:
        raise UserError(
            f"cannot write {path}: another capture is writing to it", "Give the name of another file", ExitCode.USAGE
        ) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UserError(f"cannot write {path}: it is a link", "Name the file itself", ExitCode.USAGE) from error
        if error.errno == errno.ENXIO:
            what_to_do = "Start the program that reads from it first"
            raise UserError(
                f"cannot write {path}: no program reads from this pipe", what_to_do, ExitCode.USAGE
            ) from error
        code = ExitCode.PERMISSION if isinstance(error, PermissionError) else ExitCode.USAGE
        raise UserError(
            f"cannot write {path}: {error.strerror or error}", "Choose a folder in which you may write", code
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


def _open(path: str) -> int:
    """Open or create a file that only its owner may read; a link in place of the file is not followed."""
    close_on_exec = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    # without O_NONBLOCK, opening a named pipe waits until somebody reads from it
    flags = os.O_WRONLY | close_on_exec | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    folder, name = os.path.split(path)
    if folder == DEVICES:  # /dev/stdout is a link
        return os.open(path, os.O_WRONLY | close_on_exec)
    if sys.platform == "win32" or os.geteuid() != 0:
        return _made_waiting(os.open(path, flags | os.O_CREAT, PRIVATE))
    owner = caller() or (0, 0)
    parent = _open_folder(os.path.abspath(folder), {0, owner[0]})  # noqa: PTH100  (resolve() follows links)
    try:
        return _made_waiting(_open_as_root(name, parent, flags, *owner))
    finally:
        os.close(parent)


def _made_waiting(descriptor: int) -> int:
    if sys.platform != "win32":
        os.set_blocking(descriptor, True)
    return descriptor


def _open_as_root(name: str, parent: int, flags: int, uid: int, gid: int) -> int:
    try:
        descriptor = os.open(name, flags | os.O_CREAT | os.O_EXCL, PRIVATE, dir_fd=parent)
    except FileExistsError:
        return _open_existing(name, parent, flags)
    os.fchown(descriptor, uid, gid)
    return descriptor


def _open_existing(name: str, parent: int, flags: int) -> int:
    """Open an existing file without changing its owner."""
    descriptor = os.open(name, flags, dir_fd=parent)
    facts = os.fstat(descriptor)
    if stat.S_ISREG(facts.st_mode) and facts.st_nlink > 1:
        os.close(descriptor)
        raise PermissionError(0, "the file has several hard links, and ibsniff runs as root")
    return descriptor


def _open_folder(path: str, trusted: set[int]) -> int:
    """Open a folder step by step; a link on the way is followed only if it belongs to one of the trusted users.

    Other users may put links into folders like /tmp, and root must not be led to another folder by them.
    """
    flags = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    at, steps, links = os.open("/", flags), deque(path.split("/")), 0
    while steps:
        step = steps.popleft()
        if not step:
            continue
        found = os.lstat(step, dir_fd=at)
        if stat.S_ISLNK(found.st_mode):
            links += 1
            if found.st_uid not in trusted or links > MAX_LINKS:
                os.close(at)
                raise PermissionError(0, f"its folder is reached by a link ({step}) that belongs to another user")
            target = os.readlink(step, dir_fd=at)
            steps.extendleft(reversed(target.split("/")))
            if not target.startswith("/"):
                continue
            step = "/"
        try:
            at, before = os.open(step, flags, dir_fd=at), at
        except OSError:
            os.close(at)
            raise
        os.close(before)
    return at
