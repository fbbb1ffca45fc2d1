"""The masker's corpus: rows of text that hold accounts, rows that only look so, and how a masker does on them.

``python tests/masking/corpus.py`` prints what the masker misses and what it masks for nothing.
"""

from __future__ import annotations

import html
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

HERE = Path(__file__).parent
ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[nrt\\\"])")
ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"'}
BEGIN, END = "⟦", "⟧"

Mask = Callable[[str], str]


class Row(NamedTuple):
    """A text and where its accounts stand."""

    what: str
    text: str
    accounts: tuple[tuple[int, int], ...]
    accepted: str = ""
    """Why it is masked although it holds no account."""

    def __str__(self) -> str:
        return f"{self.what}: {self.text!r}"

    @property
    def outside(self) -> list[int]:
        """Which characters belong to no account."""
        inside = {index for start, end in self.accounts for index in range(start, end)}
        return [index for index in range(len(self.text)) if index not in inside]


@cache
def accounts() -> tuple[Row, ...]:
    """Rows that hold account numbers."""
    return tuple(_rows("accounts.tsv"))


@cache
def lookalikes() -> tuple[Row, ...]:
    """Rows that hold none."""
    return tuple(_rows("lookalikes.tsv"))


def misses(mask: Mask, rows: tuple[Row, ...]) -> list[Row]:
    """Rows of which an account can be read."""
    return [row for row in rows if any(shows(row, place, mask(row.text)) for place in row.accounts)]


def false_alarms(mask: Mask, rows: tuple[Row, ...]) -> list[Row]:
    """Rows of which something is masked that belongs to no account."""
    return [row for row in rows if _is_changed(row, mask(row.text))]


def shows(row: Row, place: tuple[int, int], masked: str) -> bool:
    """More than the last two digits of this account can be read, or it is unclear where it stands."""
    start, end = place
    if len(masked) != len(row.text):
        return True
    if row.what.startswith(("escaped", "spelled in hex")):
        return digits_of(row, masked[start:end]) not in ("", digits_of(row, row.text[start:end])[-2:])
    pairs = zip(row.text[start:end], masked[start:end], strict=True)
    digits = [old == new for old, new in pairs if unicodedata.digit(old, None) is not None]
    return sum(digits) > 2 or not digits or any(digits[:-2])


def digits_of(row: Row, text: str) -> str:
    """The digits that somebody reads in a part of this row who resolves its escapes."""
    if row.what.startswith("spelled in hex"):
        text = "".join(chr(int(written, 16)) for written in re.findall("[0-9a-f]{2}", text))
    if row.what.startswith("escaped"):
        text = re.sub(
            r"(?:\x1b\[?[\d;]*|\\u?[0-9a-f]{0,3}|%[0-9a-f]?|&#?\w*|<[^>]*)\Z|\\u[0-9a-f*]*\*[0-9a-f]*", "", text
        )
        visible = re.sub(r"(?:\x1b|\\u001b)\[[\d;]*m|</?\w[^>]*>", "", unquote(unquote(text)))
        text = re.sub(r"\\+(?:u00|x)([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), html.unescape(visible))
    return "".join(character for character in text if unicodedata.digit(character, None) is not None)


def _is_changed(row: Row, masked: str) -> bool:
    return len(masked) != len(row.text) or any(masked[index] != row.text[index] for index in row.outside)


def _rows(name: str) -> Iterator[Row]:
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            what, text, *accepted = line.split("\t")
            yield _row(what, ESCAPE.sub(_unescaped, text), *accepted)


def _row(what: str, text: str, accepted: str = "") -> Row:
    kept, places, start = "", [], -1
    for character in text:
        if character == BEGIN:
            start = len(kept)
        elif character == END:
            places.append((start, len(kept)))
        else:
            kept += character
    return Row(what, kept, tuple(places), accepted)


def _unescaped(match: re.Match[str]) -> str:
    written = match[1]
    return ESCAPED.get(written) or chr(int(written[1:], 16))


def report(mask: Mask) -> str:
    """What a masker misses, and what it masks for nothing."""
    missed, alarms = misses(mask, accounts()), false_alarms(mask, (*accounts(), *lookalikes()))
    accounts_in_all = sum(len(row.accounts) for row in accounts())
    lines = [f"{len(accounts())} rows with {accounts_in_all} accounts, {len(lookalikes())} rows without"]
    lines += [f"missed: {len(missed)}", *(f"  {row}" for row in missed)]
    lines += [f"masked for nothing: {len(alarms)}", *(f"  {row}  {row.accepted}" for row in alarms)]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))
    from ibsniff.masking.masker import AccountMasker

    print(report(AccountMasker().text))
