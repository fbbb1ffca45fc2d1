"""The privilege of capturing: how the user gets it, and how it is dropped as soon as the sockets are open.

The message for a user without it has commands that can be pasted unchanged: first the one that works at once, then those that
need fewer privileges.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ibsniff.capture.packet_filter import filter_expression

CAPTURE_SECONDS = 30
"""How long the suggested tcpdump captures: longer than the timeout of any client."""
CAPTURING_PYTHON = "python-that-captures"
"""The copy of the interpreter with the capability. It is beside the interpreter in use, so that it finds the same packages."""

FOLDERS_OF_SUDO = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where sudo looks for commands (its usual ``secure_path``)."""

PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 8, 38, 47, 4
"""prctl(2): keep capabilities when the user changes; gain no privileges by execve; clear the ambient capabilities."""
CAP_DAC_READ_SEARCH = 1 << 2
"""Reading a file whatever its mode is (capabilities(7))."""
CAPABILITY_VERSION_3 = 0x20080522
"""capget(2): the version with 64 bits in two halves."""


def this_command() -> str:
    """Return the command that started this program, with full paths: ``sudo`` ignores a virtual environment."""
    script = Path(sys.argv[0])
    if script.suffix == ".py" or not script.is_file():
        return _quote([sys.executable, "-I", "-m", "ibsniff"])  # -I: no code from the current folder
    return _quote([str(script.absolute())])


def permission_help(
    platform: str, executable: str, argv: Sequence[str], interfaces: Sequence[str], ports: frozenset[int] | None
) -> tuple[str, str]:
    """Say how to get the permission to capture: the command that works at once, and the ways that need fewer privileges.

    ``platform`` as in ``sys.platform``, ``executable`` as from `this_command`, ``argv`` the arguments after it. All commands
    can be pasted unchanged.
    """
    if platform == "win32":
        return (
            'open the terminal with "Run as administrator"',
            "install Npcap (https://npcap.com) with loopback support. Only if it is installed for administrators only (its "
            'option "Restrict Npcap driver\'s access to Administrators only") must the terminal be opened with "Run as '
            'administrator". Then run the command again:\n'
            f"  {executable} {subprocess.list2cmdline(argv)}",
        )
    again = shlex.join(argv)
    interface = interfaces[0] if len(interfaces) == 1 else "any"
    tcpdump = f"tcpdump -i {shlex.quote(interface)} -U -w - {shlex.quote(filter_expression(ports))}"
    as_root = f"sudo {in_path_of_sudo(executable)} {again}"
    dropped = "it drops root's privileges when the capture begins"
    if platform == "darwin":
        return as_root, (
            f"{dropped}. Better, because it needs fewer privileges: join the group access_bpf, whose members may always "
            "capture (Wireshark's package ChmodBPF creates it)\n"
            "or let tcpdump capture (stop it with Ctrl-C) and let ibsniff read its output:\n"
            f"  sudo {tcpdump} | {executable} read -"
        )
    return as_root, (
        f"{dropped} (in a container: --cap-add NET_RAW).\n"
        "Better, because it needs fewer privileges: once give only the permission to capture to a copy of Python that only "
        "your group may run, then use that:\n"
        f"{_capturing_python()} -I -m ibsniff {again}\n"
        f"or let tcpdump capture for {CAPTURE_SECONDS} seconds and let ibsniff read its output:\n"
        f"  sudo timeout {CAPTURE_SECONDS} {tcpdump} | {executable} read -"
    )


def in_path_of_sudo(executable: str) -> str:
    """The command without its folder if sudo finds it without: in a virtual environment it does not."""
    folder, _, name = executable.rpartition("/")
    return name if folder in FOLDERS_OF_SUDO else executable


def _capturing_python() -> str:
    """Return the two commands that make the copy of the interpreter, and the copy as the beginning of a third command."""
    original = shlex.quote(os.path.realpath(sys.executable))
    copy = shlex.quote(str(Path(sys.executable).with_name(CAPTURING_PYTHON)))
    make = f'sudo install -o root -g "$(id -gn)" -m 750 {original} {copy}'
    return f"  {make}\n  sudo setcap cap_net_raw+ep {copy}\n  {copy}"


def _quote(command: Sequence[str]) -> str:
    return subprocess.list2cmdline(command) if sys.platform == "win32" else shlex.join(command)


def caller() -> tuple[int, int] | None:
    """Return the uid and gid of the user who ran ``sudo``; None when this is not root, or became root in another way."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    try:
        uid, gid = int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
    except (KeyError, ValueError):
        return None
    return (uid, gid) if uid > 0 and gid >= 0 else None


def drop_privileges(*, keep_reading: bool = True) -> str:
    """Drop the privileges of capturing. Call it when sockets and files are open, before the first packet is read.

    Under ``sudo`` the process becomes the user who ran it. On Linux it loses its capabilities, whether they are root's or
    come from the interpreter's file; root then has only the rights of an owner of root's files. Neither the process nor
    any program it executes can regain them. The capability to read any file is kept when our own modules could not be read
    without it, since some are imported later (a Python in root's home, or a user's Python in a container), unless
    ``keep_reading`` is False.
    Only the calling thread, and threads that it starts later, lose capabilities.
    Returns in words what was dropped, or nothing when there was nothing to drop. Raises OSError when it is not permitted.
    """
    if sys.platform == "win32":
        return ""
    if sys.platform != "linux":
        return _become_caller()
    searched = map(Path, sys.path if keep_reading else ())
    modules = [folder for folder in searched if folder.is_dir()]  # while all of them can still be seen
    held = held_capabilities()
    _prctl(PR_SET_KEEPCAPS, 1)
    became = _become_caller()
    kept = _drop_capabilities(held, modules) if held else 0
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    count = (held & ~kept).bit_count()
    lost = (
        f"dropped the privileges that are no longer needed ({count} {'capability' if count == 1 else 'capabilities'})"
        if held
        else ""
    )
    keeps = "kept the capability to read any file, which ibsniff needs to load its own modules" if kept else ""
    return "; ".join(filter(None, (became, lost, keeps)))


def _become_caller() -> str:
    owner = caller()
    if sys.platform == "win32" or owner is None:
        return ""
    uid, gid = owner
    try:
        groups = os.getgrouplist(os.environ["SUDO_USER"], gid)
    except (KeyError, OSError):
        groups = [gid]
    os.setgroups(groups)
    os.setgid(gid)
    os.setuid(uid)
    return f"became user {uid}, who ran sudo"


def _drop_capabilities(held: int, modules: Sequence[Path]) -> int:
    """Drop all capabilities but the one that must be kept, if any; return that one."""
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    _set_capabilities(effective=0, permitted=held)
    kept = 0 if _may_read(modules) else held & CAP_DAC_READ_SEARCH
    _set_capabilities(effective=kept, permitted=kept)
    return kept


def _may_read(folders: Sequence[Path]) -> bool:
    """Whether all folders can be listed and searched."""
    try:
        for folder in folders:
            with os.scandir(folder) as entries:
                for entry in entries:
                    entry.stat()
                    break
    except PermissionError:
        return False
    return True


def held_capabilities(status: Path = Path("/proc/thread-self/status")) -> int:
    """Return the capabilities this thread has or could acquire, as bits (capabilities(7)); 0 where they are not known."""
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return 0
    sets = (line.split()[1] for line in lines if line.startswith(("CapInh:", "CapPrm:", "CapEff:", "CapAmb:")))
    held = 0
    for bits in sets:
        held |= int(bits, 16)
    return held


def _set_capabilities(effective: int, permitted: int) -> None:
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    halves = (bits >> shift & 0xFFFFFFFF for shift in (0, 32) for bits in (effective, permitted, 0))
    _checked(ctypes.CDLL(None, use_errno=True).capset(header, struct.pack("=6I", *halves)))


def _prctl(option: int, argument: int) -> None:
    _checked(ctypes.CDLL(None, use_errno=True).prctl(option, *map(ctypes.c_ulong, (argument, 0, 0, 0))))


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
