"""Text with its account numbers masked: two letters and the last two digits stay, and so does the length."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from ibsniff.masking.account_forms import (
    LONGEST_ACCOUNT,
    SHORTEST_KNOWN,
    Span,
    accounts_in,
    cut_off_account,
    looks_like_account,
    merged,
)
from ibsniff.masking.spelling import ascii_form, spellings

MOST_HUNTED = 200
"""Accounts hunted in other text because a message named them: a hostile peer can name a hundred thousand."""

FEWEST_CORE_DIGITS = 6
"""A known account is found by its digits alone when there are so many; fewer could be any number."""

PARTS_OF_ACCOUNT = re.compile(r"([^\W\d_]{0,2})(.{2,}?)(\d[\W_]{0,6}\d[a-z]?)?", re.IGNORECASE | re.DOTALL)
"""What stays, what becomes stars, what stays: two letters and two digits at most."""

CORE = re.compile(rf"\d{{{FEWEST_CORE_DIGITS},}}")


class Hidden(NamedTuple):
    """A part of a text that must not be shown."""

    start: int
    end: int
    filler: str
    """What stands there instead, as often as it fits."""


def mask_account(account: str) -> str:
    """``DU1234567`` as ``DU*****67``."""
    start, end = _hidden_part(account)
    return account[:start] + "*" * (end - start) + account[end:]


def _hidden_part(account: str) -> Span:
    parts = PARTS_OF_ACCOUNT.fullmatch(account)
    return parts.span(2) if parts is not None else (0, len(account))


class Masker:
    """Masks accounts in what somebody else wrote: those that look like accounts, and those that a message named."""

    __slots__ = ("_cores", "_names")

    def __init__(self, known: Iterable[str] = ()) -> None:
        """``known`` are accounts that messages named."""
        plain = (ascii_form(account).plain for account in islice(dict.fromkeys(known), MOST_HUNTED))
        named = [account.casefold() for account in plain if SHORTEST_KNOWN <= len(account) <= LONGEST_ACCOUNT]
        self._names = tuple(account for account in named if not looks_like_account(account))
        self._cores = tuple(dict.fromkeys(core.group() for account in named for core in CORE.finditer(account)))

    def text(self, text: str, is_cut: bool = False) -> str:
        """A text with all its accounts masked; of one that was cut off, the beginning of an account at its end, too."""
        hidden = self._hidden(text, is_cut)
        return "".join(_pieces(text, hidden)) if hidden else text

    def bytes(self, raw: bytes, is_cut: bool = False) -> bytes:
        """The same for bytes; every byte keeps its place."""
        text = raw.decode("utf-8", "surrogateescape")
        hidden = self._hidden(text, is_cut)
        return b"".join(_raw_pieces(text, hidden)) if hidden else raw

    def _hidden(self, text: str, is_cut: bool) -> list[Hidden]:
        found = []
        for spelling in spellings(text):
            spans = accounts_in(spelling.plain) + list(self._named(spelling.plain))
            if is_cut:
                spans += cut_off_account(spelling.plain)
            for start, end in merged(spans):
                first, last = _hidden_part(spelling.plain[start:end])
                found += [Hidden(*part, spelling.filler) for part in spelling.hidden(start + first, start + last)]
        return sorted(found)

    def _named(self, plain: str) -> Iterator[Span]:
        if self._names:
            folded = plain.casefold()
            for name in self._names:
                yield from _places_of(name, folded)
        for core in self._cores:
            for start, end in _places_of(core, plain):
                if not plain[start - 1 : start].isdecimal() and not plain[end : end + 1].isdecimal():
                    yield start, end


def _places_of(name: str, text: str) -> Iterator[Span]:
    start = text.find(name)
    while start >= 0:
        yield start, start + len(name)
        start = text.find(name, start + len(name))


def _pieces(text: str, hidden: list[Hidden]) -> Iterator[str]:
    at = 0
    for start, end, filler in hidden:
        if start >= at:
            yield text[at:start]
            yield (filler * (end - start))[: end - start]
            at = end
        elif end > at:
            yield filler[:1] * (end - at)
            at = end
    yield text[at:]


def _raw_pieces(text: str, hidden: list[Hidden]) -> Iterator[bytes]:
    at = 0
    for start, end, filler in hidden:
        if start >= at:
            yield _encoded(text[at:start])
        room = len(_encoded(text[max(start, at) : end]))
        yield (filler * room)[:room].encode()
        at = max(at, end)
    yield _encoded(text[at:])


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
