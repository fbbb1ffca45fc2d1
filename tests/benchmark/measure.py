"""One command as a whole process: seconds and memory, as the operating system counts them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import IO, NamedTuple

MEGABYTE = 1_000_000
UNIT_OF_PEAK = 1 if sys.platform == "darwin" else 1024
"""getrusage(2) counts bytes there, and kilobytes on Linux."""


class Run(NamedTuple):
    """What one run took."""

    wall: float
    """Seconds from start to end."""
    cpu: float
    """Seconds of all processors, user and system."""
    peak: float
    """Resident megabytes; at least what this process had when it started the command, about 20."""


def run(command: Sequence[str], environment: dict[str, str], stdin: IO[bytes] | None = None) -> Run:
    """Run a command to its end; what it prints is thrown away. Raises CalledProcessError when it fails."""
    began = time.perf_counter()
    source = subprocess.DEVNULL if stdin is None else stdin
    process = subprocess.Popen(
        command, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * UNIT_OF_PEAK / MEGABYTE)


class Spread(NamedTuple):
    """Some figures of the same thing."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """At least one of them."""
        return cls(min(figures), statistics.median(figures), max(figures))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f} to {self.most:.2f})"
