"""A text in plain ASCII, so that one pattern finds an account number in every script, width and encoding.

An account can be written with full-width digits, thin spaces, zero-width characters or two bytes for each character.
Here such a text becomes ASCII, and it is known where each character stood. Most text is ASCII and passes untouched.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ibsniff.masking.escapes import without_escapes
from ibsniff.masking.invisible import INVISIBLE_LETTERS

MOST_REMEMBERED = 5_000
"""Characters whose plain form is remembered: the writing systems of the world need fewer in one text, and hostile text
must not fill the memory with all 1.1 million."""

LETTER, SPACE, OTHER = "x", " ", "~"
"""What stands for a letter, a space and any other sign that has no ASCII form of its own."""

MOST_FOR_ONE = 4
"""Characters of the text that are one in a part of it: UTF-32."""

WIDE = re.compile(r"(\0(?:\0\0)?)(?:[ -~]\1){2,}[ -~]?")
"""ASCII in UTF-16 or UTF-32, in either byte order, from its first NUL on: as strings lie in the memory of programs. Few
characters are enough, since the rest of them may be cut off."""

STAR_IN_HEX = "2a"

IN_HEX = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{2}(?: [0-9A-Fa-f]{2}){2,}(?![0-9A-Za-z])")
"""Bytes spelled in hex."""


class Spelling(NamedTuple):
    """A text, or a part of it, in ASCII."""

    plain: str
    places: Sequence[int] | None = None
    """Where in the text each character stands, and where the last one ends; None when nothing was moved."""
    filler: str = "*"
    """What a hidden character becomes in the text; as long as one character is there, or repeated."""

    def begins(self) -> bool:
        """Whether it begins where the text does, but for a part of one character."""
        return self.places is None or self.places[0] < MOST_FOR_ONE

    def reaches(self, length: int) -> bool:
        """Whether it ends where a text of this length does, but for a part of one character."""
        return self.places is None or self.places[-1] > length - MOST_FOR_ONE

    def hidden(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Which parts of the text are hidden with a part of the plain one."""
        if self.places is None:
            yield start, end
        elif len(self.filler) == 1 and not isinstance(self.places, range):
            yield self.places[start], self.places[end]
        else:
            yield from ((self.places[index], self.places[index] + len(self.filler)) for index in range(start, end))


def spellings(text: str) -> Iterator[Spelling]:
    """The text in ASCII, with its escapes read, and every part of it that is text when read as UTF-16, UTF-32 or hex."""
    as_it_is = ascii_form(text)
    yield as_it_is
    if read := without_escapes(as_it_is.plain):
        plain, places = read
        yield Spelling(plain, places if as_it_is.places is None else [as_it_is.places[place] for place in places])
    for wide in WIDE.finditer(text):
        width = len(wide[1]) + 1
        is_behind = " " <= text[wide.start() - 1 : wide.start()] <= "~"
        start = wide.start() - 1 if is_behind else wide.end(1)
        plain = text[start : wide.end() : width]
        yield Spelling(plain, range(start, start + width * len(plain) + 1, width))
    for written in IN_HEX.finditer(text):
        plain = bytes.fromhex(written.group()).decode("latin-1")
        yield Spelling(plain, range(written.start(), written.start() + 3 * len(plain) + 1, 3), STAR_IN_HEX)


def ascii_form(text: str) -> Spelling:
    """The same text with an ASCII character for each of its own; what cannot be seen is left out."""
    if text.isascii():
        return Spelling(text, None)
    plain = text.translate(_PLAIN)
    if len(plain) == len(text):
        return Spelling(plain, None)
    places = [index for index, character in enumerate(text) if character.isascii() or _plain_form(character)]
    return Spelling(plain, [*places, len(text)])


def _plain_form(character: str) -> str:
    """One ASCII character for one character; empty for what cannot be seen."""
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me") or character in INVISIBLE_LETTERS:
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    folded = unicodedata.normalize("NFKC", character)
    if len(folded) == 1 and folded.isascii():
        return folded
    kind = category[0]
    if kind == "L" and category != "Lo":  # scripts without small letters write no blanks either
        return LETTER
    return SPACE if kind == "Z" else "-" if kind == "P" else OTHER


class _PlainForms(dict[int, str]):
    """For ``str.translate``: filled as characters are met."""

    def __missing__(self, code: int) -> str:
        found = chr(code) if code < 0x80 else _plain_form(chr(code))
        if len(self) < MOST_REMEMBERED:
            self[code] = found
        return found


_PLAIN = _PlainForms()
