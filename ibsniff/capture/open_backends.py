"""Opening live captures with the back end of this platform, and the errors for the user when that fails."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from ibsniff.capture.backend import Backend
from ibsniff.capture.interfaces import list_interfaces
from ibsniff.capture.privilege import permission_help, this_command
from ibsniff.capture.procfs import Wsl, detect_wsl
from ibsniff.capture.scapy_backend import ScapyCapture
from ibsniff.model import ExitCode, UserError

if sys.platform == "linux":
    from ibsniff.capture.socket_backend import RECEIVE_BUFFER, PacketSocket

ANY = "any"
"""All interfaces of a Linux machine as one; a capture on any other interface would repeat its packets."""


def open_backends(interfaces: Sequence[str], ports: frozenset[int] | None, backend: str) -> list[tuple[str, Backend]]:
    """Open a capture on each interface; if one cannot be opened, none stays open.

    Raises UserError when an interface does not exist, the permission is missing, or this platform lacks the back end.
    """
    names = [ANY] if ANY in interfaces else list(dict.fromkeys(interfaces))
    if not names:
        raise UserError("no interface was given", "Give one, for example -i lo", ExitCode.USAGE)
    with ExitStack() as until_all_are_open:
        opened = []
        for name in names:
            armed = _open(name, names, ports, backend)
            until_all_are_open.callback(armed.close)
            opened.append((name, armed))
        until_all_are_open.pop_all()
    return opened


def _open(name: str, names: Sequence[str], ports: frozenset[int] | None, backend: str) -> Backend:
    try:
        if sys.platform == "linux" and backend != "scapy":
            return PacketSocket(name, ports, RECEIVE_BUFFER // len(names))
        if backend == "socket":
            raise UserError("the socket back end works only on Linux", "Use --backend scapy", ExitCode.USAGE)
        return ScapyCapture(name, ports)
    except PermissionError as error:
        at_once, better = permission_help(sys.platform, this_command(), sys.argv[1:], names, ports)
        raise UserError(f"no permission to capture on {name}: {at_once}", better, ExitCode.PERMISSION) from error
    except OSError as error:
        raise _cannot_capture(name, error) from error


def _cannot_capture(interface: str, error: OSError) -> UserError:
    """Explain why an interface cannot be opened, and what to do."""
    if error.errno == errno.ENODEV:
        known = ", ".join(entry.name for entry in list_interfaces())
        return UserError(f"there is no interface {interface} here", f"Choose one of: {known}", ExitCode.PERMISSION)
    if error.errno == errno.ENETDOWN:
        return UserError(f"{interface} is down", f"Bring it up: sudo ip link set {interface} up", ExitCode.PERMISSION)
    if detect_wsl() is Wsl.WSL1:
        return UserError(
            "WSL 1 has no packet sockets",
            "Capture on Windows, with Npcap's loopback adapter, or convert this distribution to WSL 2: "
            "wsl --set-version <name> 2",
            ExitCode.PERMISSION,
        )
    return UserError(
        f"cannot capture on {interface}: {error.strerror or error}",
        "Run `ibsniff interfaces` to list the interfaces of this machine",
        ExitCode.PERMISSION,
    )
