"""Characters that cannot be seen, and those that begin an escape, by which others are written."""

from __future__ import annotations

INVISIBLE_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Hangul fillers and the blank Braille cell: printable by their Unicode category, and yet nothing is seen of them."""

FIRST_OF_ESCAPES = "\x1b%\\&<"
"""Each of the `escapes` begins with one of these."""


def printable(text: str) -> str:
    """The text with its unprintable characters spelled out, as in Python."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
