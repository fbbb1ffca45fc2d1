"""Capturing needs a privilege; what is written with it belongs to the user who borrowed it.

Two halves: the message for someone who has not got the permission, with lines that can be pasted as they stand; and
the opening of output files under ``sudo``, where root must neither follow a link somebody planted nor keep the file.
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from ibsniff.capture.packet_filter import expression
from ibsniff.model import ExitCode, UserError

CAPTURE_SECONDS = 30
"""How long the proposed tcpdump listens: more than any client's time-out."""


def this_command() -> str:
    """Return how this program was started, with full paths: ``sudo`` does not know a virtual environment."""
    script = Path(sys.argv[0])
    if script.suffix == ".py" or not script.is_file():
        return _quote([sys.executable, "-m", "ibsniff"])
    return _quote([str(script.absolute())])


def permission_help(
    platform: str, executable: str, argv: Sequence[str], interface: str, ports: frozenset[int] | None
) -> str:
    """Say how to get the permission to capture, the narrower way first, as lines to paste.

    ``platform`` as in ``sys.platform``, ``executable`` as from `this_command`, ``argv`` the arguments after it.
    """
    if platform == "win32":
        return (
            "install Npcap (https://npcap.com) with loopback support; if it was installed for administrators only, "
            'open the terminal with "Run as administrator", then again:\n'
            f"  {executable} {subprocess.list2cmdline(argv)}"
        )
    again = f"  sudo {executable} {shlex.join(argv)}"
    tcpdump = f"tcpdump -i {shlex.quote(interface)} -U -w - {shlex.quote(expression(ports))}"
    if platform == "darwin":
        return (
            "either let tcpdump capture (stop it with Ctrl-C) and ibsniff only read:\n"
            f"  sudo {tcpdump} > tws.pcap\n  {executable} read tws.pcap\n"
            "or join the group access_bpf for good (the package ChmodBPF, which comes with Wireshark, makes it)\n"
            f"or run this as root:\n{again}"
        )
    return (
        f"either let tcpdump capture for {CAPTURE_SECONDS} seconds and ibsniff only read:\n"
        f"  sudo timeout {CAPTURE_SECONDS} {tcpdump} | {executable} read -\n"
        f"or run this as root (in a container: start it with --cap-add NET_RAW):\n{again}"
    )


def _quote(command: Sequence[str]) -> str:
    return subprocess.list2cmdline(command) if sys.platform == "win32" else shlex.join(command)


def open_output(path: str | Path) -> BinaryIO:
    """Open a file for writing, emptied; under ``sudo`` a new file belongs to the user who called.

    Under ``sudo`` it refuses symbolic links and files with several names: the folder may be writable by others, and
    what they put there must not make root overwrite something else. Raises UserError when it cannot be opened.
    """
    try:
        owner = _caller()
        if owner is None or sys.platform == "win32":
            return Path(path).open("wb")
        return os.fdopen(_open_as_root(os.fspath(path), *owner), "wb")
    except OSError as error:
        code = ExitCode.PERMISSION if isinstance(error, PermissionError) else ExitCode.USAGE
        raise UserError(
            f"cannot write {path}: {error.strerror or error}", "name a file in a folder you may write to", code
        ) from error


def _caller() -> tuple[int, int] | None:
    """Return who called ``sudo``, as uid and gid; None when this is not root or was not reached through ``sudo``."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    try:
        uid, gid = int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
    except (KeyError, ValueError):
        return None
    return (uid, gid) if uid > 0 and gid >= 0 else None


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
    if stat.S_ISREG(facts.st_mode):
        if facts.st_nlink > 1:
            os.close(descriptor)
            raise PermissionError(0, "it has several names (hard links), and this is root")
        os.ftruncate(descriptor, 0)
    return descriptor
