"""Accounts in a capture that is to be shared: whatever looks like one and is not a stand-in."""

from __future__ import annotations

import re
from pathlib import Path

from ibsniff.analysis.contents import contents
from ibsniff.capture.files import open_capture
from ibsniff.ib.accounts import is_stand_in
from ibsniff.masking import account_forms
from ibsniff.model import Report

PIECE = 1 << 20
"""Bytes of a file searched at a time."""

KEPT = account_forms.LONGEST_ACCOUNT + 2
"""Bytes of one piece that are searched again with the next: an account that was cut, and the character on each side."""

MORE_DIGITS = re.compile(r"[^0-9A-Za-z]\d{1,2}$")
"""What the masker takes for the end of a short account: behind a stand-in it is something else."""


def accounts_in(capture: Path, report: Report) -> list[str]:
    """Name every account in a capture that is not a stand-in, sorted.

    The accounts that managedAccounts named count whatever they look like. The others are searched for in the bytes of the
    file, comments included, and in the reassembled conversations, where packets have not cut them in two.
    """
    named = {account.unmasked for conversation in report.conversations for account in conversation.dialogue.accounts}
    found = named | _in_file(capture) | _in_streams(capture)
    return sorted(account for account in found if account and not is_stand_in(MORE_DIGITS.sub("", account)))


class Search:
    """What looks like an account in bytes that come in pieces."""

    def __init__(self) -> None:
        self._found: set[str] = set()
        self._kept = ""
        self._is_cut = False
        """Bytes before the kept ones are gone: the first of these only shows whether a word begins behind it."""

    def feed(self, piece: bytes) -> None:
        """Search the next piece; what stands at its very end may go on in the one after it."""
        window = self._kept + piece.decode("latin-1")
        self._take(window, len(window) - 1)
        self._is_cut |= len(window) > KEPT
        self._kept = window[-KEPT:]

    def finish(self) -> set[str]:
        """No more comes: return what was found."""
        self._take(self._kept, len(self._kept))
        return self._found

    def _take(self, window: str, until: int) -> None:
        for start, end in account_forms.accounts_in(window):
            whole = (start > 0 or not self._is_cut) and end <= until
            if whole and end - start <= account_forms.LONGEST_ACCOUNT:
                self._found.add(window[start:end])


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
