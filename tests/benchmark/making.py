"""The files the benchmark reads, made once: ``python tests/benchmark/making.py KIND SIZE FILE`` (or ``-``).

They are made in a process of their own: a child's peak memory counts what its parent had when it was started.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from frames import records  # noqa: E402  (the path comes first)
from traffic import Made, bulk, haystack, sessions  # noqa: E402


class Kind(NamedTuple):
    """One kind of traffic: of what ``size`` is a number, and how far apart its packets are."""

    frames: Callable[[Made, int], Iterator[bytes]]
    size_of: str
    spacing_ns: int


KINDS = {
    "bulk": Kind(bulk, "messages", 200_000),
    "haystack": Kind(haystack, "packets", 100_000),
    "sessions": Kind(sessions, "conversations", 1_000_000),
    "ticket": Kind(sessions, "conversations", 15_000_000_000),
}


class Capture(NamedTuple):
    """A file to read: ``bulk`` with two million messages."""

    kind: str
    size: int

    @property
    def name(self) -> str:
        """Of the file."""
        return f"{self.kind}-{self.size}.pcap"

    def made_in(self, folder: Path) -> Path:
        """The file, made unless it is there."""
        path = folder / self.name
        if not path.exists():
            half = path.with_suffix(".part")
            subprocess.run([*self.maker, str(half)], check=True)
            half.rename(path)
        return path

    @property
    def maker(self) -> list[str]:
        """The command that makes it, up to the file."""
        return [sys.executable, str(HERE / "making.py"), self.kind, str(self.size)]


BULK, HAYSTACK, TICKET = Capture("bulk", 2_000_000), Capture("haystack", 1_000_000), Capture("ticket", 2)


def write(kind: str, size: int, file: BinaryIO) -> Made:
    """Write a capture, and tell what is in it."""
    made = Made()
    for chunk in records(made.counted(KINDS[kind].frames(made, size)), KINDS[kind].spacing_ns):
        file.write(chunk)
    return made


if __name__ == "__main__":
    kind, size, target = sys.argv[1:]
    if target == "-":
        write(kind, int(size), sys.stdout.buffer)
    else:
        with Path(target).open("wb") as file:
            write(kind, int(size), file)
