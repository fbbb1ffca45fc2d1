"""Where a text holds account numbers, and what of them must not be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from ibsniff.masking.account_forms import (
    LONGEST_ACCOUNT,
    SHORTEST_KNOWN,
    accounts_in,
    cut_off_account,
    looks_like_account,
    merged,
    tail_of_account,
)
from ibsniff.masking.lookalikes import EXPIRY, Span
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


class KnownAccounts:
    """Accounts that messages named, prepared for a search in other text."""

    __slots__ = ("_cores", "_names")

    def __init__(self, named: Iterable[str]) -> None:
        plain = (ascii_form(account).plain for account in islice(dict.fromkeys(named), MOST_HUNTED))
        known = [account.casefold() for account in plain if SHORTEST_KNOWN <= len(account) <= LONGEST_ACCOUNT]
        self._names = tuple(account for account in known if not looks_like_account(account))
        """Those that the forms of account numbers do not find."""
        cores = (core.group() for account in known for core in CORE.finditer(account))
        self._cores = tuple(dict.fromkeys(core for core in cores if not EXPIRY.fullmatch(core)))
        """Their digits, unless these are a date, which other text is full of."""

    def places_in(self, plain: str) -> Iterator[Span]:
        """Where an ASCII text names one of them, in letters of any size, or by its digits alone."""
        if self._names:
            folded = plain.casefold()
            for name in self._names:
                yield from _places_of(name, folded)
        for core in self._cores:
            for start, end in _places_of(core, plain):
                if not plain[start - 1 : start].isdecimal() and not plain[end : end + 1].isdecimal():
                    yield start, end


def hidden_in(text: str, known: KnownAccounts | None, is_cut: bool, is_tail: bool = False) -> list[Hidden]:
    """What of a text must not be shown.

    Of one that was cut off, also the beginning of an account at its end; of a tail, the end of one at its beginning.
    """
    found = []
    for spelling in spellings(text):
        spans = accounts_in(spelling.plain) + (list(known.places_in(spelling.plain)) if known else [])
        if is_cut and spelling.reaches(len(text)):
            spans += cut_off_account(spelling.plain)
        if is_tail and spelling.begins():
            spans += tail_of_account(spelling.plain)
        for start, end in merged(spans):
            first, last = hidden_part(spelling.plain[start:end])
            found += [Hidden(*part, spelling.filler) for part in spelling.hidden(start + first, start + last)]
    return sorted(found)


def hidden_part(account: str) -> Span:
    """What of an account must not be shown."""
    parts = PARTS_OF_ACCOUNT.fullmatch(account)
    return parts.span(2) if parts is not None else (0, len(account))


def _places_of(name: str, text: str) -> Iterator[Span]:
    start = text.find(name)
    while start >= 0:
        yield start, start + len(name)
        start = text.find(name, start + len(name))
