"""The captures in a folder: what in it begins as a capture does, whatever it is called, and what is called one.

A file that is called a capture and is none (empty, damaged, encrypted) is somebody's ticket: reading it says what it is.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from ibsniff.capture.compression import decompress, detect_compression
from ibsniff.capture.files import LONGEST_MAGIC, PCAPNG_MAGIC
from ibsniff.capture.input_buffer import DamagedCapture, read_chunks
from ibsniff.capture.pcap import MAGICS as PCAP_MAGICS
from ibsniff.model import UserError

CAPTURE_NAME = re.compile(r"\.(pcap|pcapng|cap)\d*(\.(gz|bz2|xz|zst))?$", re.IGNORECASE)
"""File names of captures; tcpdump -C appends a number."""


@dataclass(slots=True)
class FolderContents:
    """What a folder holds."""

    captures: list[str] = field(default_factory=list)
    """Paths in alphabetical order, folder by folder."""
    others: int = 0
    """Files that are no captures."""
    unreadable: list[UserError] = field(default_factory=list)
    """Folders that cannot be looked into."""


def find_captures(folder: str) -> FolderContents:
    """Look into a folder and the folders in it; links to folders are not followed, for they may lead around."""
    found = FolderContents()

    def is_closed(error: OSError) -> None:
        found.unreadable.append(
            UserError(f"{error.filename}: {error.strerror}", "name the captures in it that you may read")
        )

    for parent, folders, names in os.walk(folder, onerror=is_closed):
        folders.sort()
        for path in (Path(parent, name) for name in sorted(names)):
            if path.is_file() and (CAPTURE_NAME.search(path.name) or looks_like_capture(path)):
                found.captures.append(str(path))
            else:  # a pipe, too: opening one waits for somebody who writes
                found.others += 1
    return found


def looks_like_capture(path: Path) -> bool:
    """Whether a file begins as a capture does, be it compressed. What cannot be opened may be one: reading it tells."""
    try:
        with path.open("rb", buffering=0) as stream:
            start = stream.read(LONGEST_MAGIC)
            if compression := detect_compression(start):
                stream.seek(0)
                start = next(decompress(read_chunks(stream), compression), b"")
            return start[:4] in PCAP_MAGICS or start[:4] == PCAPNG_MAGIC
    except DamagedCapture:
        return False
    except (OSError, UserError):
        return True
