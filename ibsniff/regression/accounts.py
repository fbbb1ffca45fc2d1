"""Accounts in a capture that is to be shared: whatever looks like one and is not a stand-in."""

from __future__ import annotations

from pathlib import Path

from ibsniff.analysis.contents import contents
from ibsniff.capture.files import open_capture
from ibsniff.ib.accounts import LONGEST_ACCOUNT, LOOKS_LIKE_ACCOUNT, is_stand_in
from ibsniff.model import Report

PIECE = 1 << 20
"""Bytes of a file searched at a time."""

KEPT = LONGEST_ACCOUNT + 2
"""Bytes of one piece that are searched again with the next: an account that was cut, and the character on each side."""


def accounts_in(capture: Path, report: Report) -> list[str]:
    """Name every account in a capture that is not a stand-in, sorted.

    The accounts that managedAccounts named count whatever they look like. The others are searched for in the bytes of the
    file, comments included, and in the reassembled conversations, where packets have not cut them in two.
    """
    named = {account for conversation in report.conversations for account in conversation.dialogue.accounts}
    found = named | _in_file(capture) | _in_streams(capture)
    return sorted(account for account in found if account and not is_stand_in(account))


class Search:
    """What looks like an account in bytes that come in pieces."""

    def __init__(self) -> None:
        self._found: set[bytes] = set()
        self._kept = b""
        self._start = 0
        """1 when bytes before the kept ones are gone: the first of these only shows whether a word begins behind it."""

    def feed(self, piece: bytes) -> None:
        """Search the next piece; what stands at its very end may go on in the one after it."""
        window = self._kept + piece
        matches = LOOKS_LIKE_ACCOUNT.finditer(window, self._start)
        self._found.update(match.group() for match in matches if match.end() < len(window))
        self._kept = window[-KEPT:]
        self._start = int(self._start or len(window) > KEPT)

    def finish(self) -> set[str]:
        """No more comes: return what was found."""
        self._found.update(match.group() for match in LOOKS_LIKE_ACCOUNT.finditer(self._kept, self._start))
        return {found.decode("ascii") for found in self._found}


def _in_file(capture: Path) -> set[str]:
    search = Search()
    with capture.open("rb") as file:
        while piece := file.read(PIECE):
            search.feed(piece)
    return search.finish()


def _in_streams(capture: Path) -> set[str]:
    searches: dict[tuple[int, str], Search] = {}
    with open_capture(str(capture)) as source:
        for connection, side, data in contents(source.frames()):
            searches.setdefault((id(connection), side), Search()).feed(data)
    return {account for search in searches.values() for account in search.finish()}
