"""Ring files (``-b``): a capture in many files of which the latest are kept, as tcpdump and dumpcap(1) do it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from ibsniff.model import NANOSECONDS, ExitCode, UserError

KILOBYTE = 1000
"""Bytes, as dumpcap counts them."""
MIN_RING_SIZE = 2
"""The smallest number of files of a ring: with one, nothing would be left when the next file begins."""


class Ring(NamedTuple):
    """When the next file begins, and how many files are kept."""

    seconds: float | None = None
    kilobytes: int | None = None
    files: int | None = None
    """None: all files are kept."""

    def is_full(self, size: int, age_ns: int) -> bool:
        """Whether a file of this size and age is full, so that the next one begins."""
        if self.kilobytes is not None and size >= self.kilobytes * KILOBYTE:
            return True
        return self.seconds is not None and age_ns >= self.seconds * NANOSECONDS


def parse_ring_options(options: Iterable[str]) -> Ring | None:
    """Parse ``duration:SECONDS``, ``filesize:KILOBYTES`` and ``files:N``; return None when no option is given.

    Raises UserError for any other option, and when there is a number of files but no condition for the next file.
    """
    seconds: float | None = None
    numbers: dict[str, int] = {}
    for option in options:
        kind, _, amount = option.partition(":")
        try:
            if kind == "duration" and 0 < float(amount) < float("inf"):
                seconds = float(amount)
                continue
            if kind in ("filesize", "files") and int(amount) > 0:
                numbers[kind] = int(amount)
                continue
        except ValueError:
            pass
        raise UserError(
            f"-b {option}: not understood", "Give duration:SECONDS, filesize:KILOBYTES or files:NUMBER", ExitCode.USAGE
        )
    ring = Ring(seconds, numbers.get("filesize"), numbers.get("files"))
    if ring == Ring():
        return None
    if seconds is None and ring.kilobytes is None:
        raise UserError(
            f"-b files:{ring.files} does not say when a file is full",
            "Add, for example, -b filesize:10000",
            ExitCode.USAGE,
        )
    if ring.files is not None and ring.files < MIN_RING_SIZE:
        raise UserError("-b files:1: a ring needs at least two files", "Give -b files:2 or more", ExitCode.USAGE)
    return ring


def ring_file_path(path: Path, number: int, time_ns: int) -> Path:
    """Return the path of a file of the ring, named as dumpcap does but in UTC: ``case_00001_20261120123000.pcapng``."""
    moment = datetime.fromtimestamp(time_ns // NANOSECONDS, UTC)
    return path.with_name(f"{path.stem}_{number:05}_{moment:%Y%m%d%H%M%S}{path.suffix}")
