"""Captures of other projects and the truth about them: a folder that the environment variable ``IBSNIFF_CORPUS`` names.

They belong to their projects (tcpdump, libpcap, gopacket, dpkt and others) and are no part of this repository; without
them the tests that read them are skipped and say so. Two tables lie beside them, tab-separated. ``index.tsv`` has a row for
each file: how many packets it has, and how capinfos and tcpdump end on it. ``truth.tsv`` has one for each direction of a
TCP stream on which tshark, tcpflow and tcptrace agree: its ends, length, SHA-256, gaps and Zeek state.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

VARIABLE = "IBSNIFF_CORPUS"
CORPUS = Path(os.environ.get(VARIABLE) or os.devnull)
"""Not a folder without the variable; a variable that names no corpus is an error, not a reason to skip."""

if os.environ.get(VARIABLE) and not (CORPUS / "truth.tsv").is_file():
    raise RuntimeError(f"{VARIABLE} names {CORPUS}, where there is no truth.tsv")

needs_corpus = pytest.mark.skipif(
    not CORPUS.is_dir(), reason=f"{VARIABLE} is not set: nothing is compared over the captures of other projects"
)

Row = dict[str, str]


def rows(table: str) -> list[Row]:
    """A table of the corpus; empty without a corpus."""
    if not CORPUS.is_dir():
        return []
    with (CORPUS / table).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


@cache
def truth() -> dict[str, list[Row]]:
    """File -> a row for each direction of its streams."""
    by_file: dict[str, list[Row]] = defaultdict(list)
    for row in rows("truth.tsv"):
        by_file[row["file"]].append(row)
    return dict(by_file)


def files() -> Iterator[Path]:
    """Every file of the corpus, by path."""
    if CORPUS.is_dir():
        yield from sorted(path for path in CORPUS.rglob("*") if path.is_file())


def capture_files() -> Iterator[Path]:
    """Those that are called captures."""
    return (path for path in files() if "cap" in path.suffix)
