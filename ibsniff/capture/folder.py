"""The captures in a folder: files that begin like a capture, whatever their names, and files with the name of a capture.

A file that has the name of a capture but is not one (empty, damaged, encrypted) is included: reading it explains why.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from ibsniff.capture.compression import decompress, detect_compression
from ibsniff.capture.files import LONGEST_MAGIC, PCAPNG_MAGIC
from ibsniff.capture.input_buffer import DamagedCapture, read_chunks
from ibsniff.capture.input_file import open_regular
from ibsniff.capture.pcap import MAGICS as PCAP_MAGICS
from ibsniff.model import UserError, WireText

CAPTURE_NAME = re.compile(r"\.(pcap|pcapng|cap)\d*(\.(gz|bz2|xz|zst))?$", re.IGNORECASE)
"""File names of captures; tcpdump -C appends a number."""


@dataclass(slots=True)
class FolderContents:
    """The files in a folder and its subfolders."""

    captures: list[str] = field(default_factory=list)
    """Paths in alphabetical order, folder by folder."""
    others: int = 0
    """The number of files that are not captures."""
    unreadable: list[UserError] = field(default_factory=list)
    """One error for each folder that cannot be listed."""


def find_captures(folder: str) -> FolderContents:
    """Search a folder and its subfolders; links to folders are not followed, since they may form a loop."""
    found = FolderContents()

    def cannot_list(error: OSError) -> None:
        found.unreadable.append(
            UserError(
                f"{WireText(str(error.filename)):quoted}: {error.strerror}",
                "Give the names of the captures in it that you may read",
            )
        )

    for parent, folders, names in os.walk(folder, onerror=cannot_list):
        folders.sort()
        for path in (Path(parent, name) for name in sorted(names)):
            if _may_be_regular(path) and (CAPTURE_NAME.search(path.name) or looks_like_capture(path)):
                found.captures.append(str(path))
            else:  # including pipes: opening one waits until another program writes to it
                found.others += 1
    return found


def _may_be_regular(path: Path) -> bool:
    """Whether it is a regular file, or a link into a folder that one may not search: reading it explains that."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError:
        return True
    except OSError:
        return False


def looks_like_capture(path: Path) -> bool:
    """Whether a file, or its decompressed content, begins like a capture. A file that cannot be opened may be one."""
    try:
        with open_regular(path) as stream:
            start = stream.read(LONGEST_MAGIC)
            if compression := detect_compression(start):
                stream.seek(0)
                start = next(decompress(read_chunks(stream), compression), b"")
            return start[:4] in PCAP_MAGICS or start[:4] == PCAPNG_MAGIC
    except DamagedCapture:
        return False
    except (OSError, UserError):
        return True
