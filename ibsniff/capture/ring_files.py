"""Ring files, ``-b``: a capture in many files of which the latest are kept, as tcpdump and dumpcap(1) do it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from ibsniff.model import NANOSECONDS, ExitCode, UserError

KILOBYTE = 1000
"""Bytes, as dumpcap counts them."""
MIN_RING_SIZE = 2
"""Files of a ring: with one, nothing would be left at the moment it is begun anew."""


class Ring(NamedTuple):
    """When the next file is begun, and how many are kept."""

    seconds: float | None = None
    kilobytes: int | None = None
    files: int | None = None
    """None: all of them."""

    def is_full(self, size: int, age_ns: int) -> bool:
        """Whether a file of so many bytes, begun so long ago, is to be followed by another."""
        if self.kilobytes is not None and size >= self.kilobytes * KILOBYTE:
            return True
        return self.seconds is not None and age_ns >= self.seconds * NANOSECONDS


def parse_ring_options(options: Iterable[str]) -> Ring | None:
    """Understand ``duration:SECONDS``, ``filesize:KILOBYTES`` and ``files:N``; None when there are none.

    Raises UserError for anything else, and for a number of files without a word on when one is full.
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
            f"-b files:{ring.files}: nothing says when a file is full", "Add -b filesize:10000", ExitCode.USAGE
        )
    if ring.files is not None and ring.files < MIN_RING_SIZE:
        raise UserError("-b files:1: a ring has two files at least", "Give -b files:2 or more", ExitCode.USAGE)
    return ring


def ring_file_path(path: Path, number: int, time_ns: int) -> Path:
    """The name dumpcap would give it, ``case_00001_20261120123000.pcapng``, but in UTC."""
    moment = datetime.fromtimestamp(time_ns // NANOSECONDS, UTC)
    return path.with_name(f"{path.stem}_{number:05}_{moment:%Y%m%d%H%M%S}{path.suffix}")
