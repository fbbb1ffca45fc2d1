"""A network of its own for live tests: the API ports are free in it, and loopback is quiet.

A Linux thread can leave the network namespace of its process; sockets, child processes and threads made by it are
then inside the new one. So the code under test runs in this process, and its coverage is seen.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

if sys.platform == "linux":
    import fcntl

Result = TypeVar("Result")

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP_LOOPBACK = 0x1 | 0x8


def _may_make_namespaces() -> bool:
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    try:
        in_namespace(lambda: None)
    except OSError:
        return False
    return True


def in_namespace(work: Callable[[], Result]) -> Result:
    """Run ``work`` in a thread of its own, in a new network namespace with loopback up; give back what it gives."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def inside() -> None:
        try:
            _unshare_network()
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _unshare_network() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP_LOOPBACK))


def ip(arguments: str) -> None:
    """Run the ``ip`` tool."""
    subprocess.run(["ip", *arguments.split()], check=True, capture_output=True)


needs_namespace = pytest.mark.skipif(not _may_make_namespaces(), reason="needs Linux and root, for a network namespace")
needs_ip = pytest.mark.skipif(shutil.which("ip") is None, reason="needs the ip tool (iproute2)")
