"""The forms of account numbers.

IB's accounts are a prefix and digits. ``U`` stands for a live account, ``F`` for an advisor's and ``I`` for a broker's;
paper accounts have a ``D`` in front, and newer ones a third letter (``DUK``). An advisor's group of all accounts adds a
letter behind the digits. Nobody has published a grammar, so what is plausible counts as well.

Source: managedAccounts messages in public issue threads; the prefixes of master accounts in QuantConnect/Lean #3398.

Three ways to write a number are told apart:

* *joined*: prefix and digits touch. That is an account wherever it stands, even inside a word.
* *apart*: something stands between prefix and digits, or between digits. Then the prefix must begin a word, and what is a
  date, a time, an address, an option or a price is left alone.
* *announced*: the word "account" stands before it. Then any letters may be its prefix, or none; "accounts" announces
  several.

All patterns are linear: every repetition is bounded, or can consume what it meets in one way only.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from ibsniff.masking import lookalikes
from ibsniff.masking.lookalikes import Span

SHORTEST_KNOWN, LONGEST_ACCOUNT = 5, 64
"""A shorter or longer "account" is masked where a message says that it is one, but not hunted in other text: it could be
any word, or a flood."""

FEWEST_DIGITS, MOST_DIGITS = 6, 9
"""Of a number written in groups. IB's have five to eight; groups that come to less are prices, ids or counts."""

BETWEEN = r"[^0-9A-Za-z*]{0,6}"
"""What may stand between prefix and digits: signs. No stars: those are ours."""

IN_GROUPS = r"""\d{1,8} (?: (?: [\x01-\x20\x7f\-_.,/\\:'|+~] | \x20[\-_./+|]\x20 | -- | \.\. | \x20\x20 | \r\n ) \d{1,8} ){1,9}
            (?!\d)"""
"""Not with NUL, which ends a field: digits before and behind it are two numbers."""

JOINED = re.compile(
    r"""[UuFfIi]
        (?: (?<=[Dd].) (?: [A-Za-z] (?=\d{5}) )? (?: \d{3,6} (?P<rest> [\-_.,/'] \d{1,2} (?!\d) ) | \d{3,} )
          | \d{5,6} (?P<end> [\t\x20\-_.,/'] \d{1,2} (?!\d) ) | \d{5,} )""",
    re.VERBOSE,
)
"""Three digits are enough behind two letters: of an account that was cut off, so many may be left. One or two digits
behind a separator may be the end of a short number; they stay visible in any case, and the two before them do not."""

APART = re.compile(
    rf"""[UuFfIi]
        (?: (?<=[Dd].) (?: (?<![0-9A-Za-z][Dd].) | (?<=[a-z]D[UFI]) ) (?P<three>[A-Za-z])?
          | (?<![0-9A-Za-z].)
          | (?<=[a-z][UFI]) | (?<=\d{{5}}[UFI]) | (?<=\d{{5}}D[UFI])
          | (?<=[Dd].) (?=\d)
          | (?=\d{{1,3}}(?P<group>[.,'\- ])\d{{3}}(?P=group)\d{{3}}(?!\d)) )
        (?P<between> {BETWEEN} )
        (?P<digits> \d{{5,10}}(?!\d) | {IN_GROUPS} )""",
    re.VERBOSE,
)
"""Both begin with the letter behind a D, which the search is quicker to find; ``_start`` looks for the D."""

ANNOUNCING = re.compile(r"acc(?:ount|t)?(?P<several>s)?|konto|a/c")

NUMBER = r"""(?: (?! 20[0-4]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d) ) \d{5,9}
               | (?=(?:\d[\x20-]?){6}) \d{1,4} (?:[\x20-]\d{3,6}){1,2} )
             (?! \d | \.\d | \x20?(?-i:AUD|CAD|CHF|EUR|GBP|HKD|JPY|USD)\b )"""
"""Digits that a word announces, but no date of eight, no decimal number and no amount of money."""

ANNOUNCED = re.compile(
    rf"""(?: [.\s_-]{{0,2}} (?: no | nr | number | num | id | code | name ) )? [.]?
        (?: [\t\x20:=\#"'(\[\\|-]{{1,4}} (?P<account> (?: (?-i:[A-Z]{{1,4}}\x20) | [A-Z]{{0,4}}-? ) {NUMBER} )
          | (?P<glued> (?: D?[UFI][A-Z]? [\x20-]? )? {NUMBER} )
          | [\t\x20:=\#"'(\[\\|-]{{0,4}} (?P<prefixed> D?[UFI][A-Z]? [\x20.\-]? {IN_GROUPS} ) )""",
    re.VERBOSE | re.IGNORECASE,
)

AND = r"(?: [,;/]\x20? | \x20(?:and|or|und|oder|&)\x20 )"

ANOTHER = re.compile(rf"{AND} (?P<account> {NUMBER} )", re.VERBOSE)
"""In a list of accounts."""

CUT_OFF = re.compile(
    r"""(?! (?<=\\)u ) (?: [Dd][UuFfIi][A-Za-z]? | (?<![A-Za-z])[UuFfIi] | [UuFfIi](?=\d\d) | (?<=[a-z])[UFI](?=[^0-9A-Za-z*]) )
        [^0-9A-Za-z*]{0,6} \d (?: [^0-9A-Za-z*]{0,3} \d ){0,9} (?= [^0-9A-Za-z*]{0,6} \Z )""",
    re.VERBOSE,
)
"""The beginning of an account where the text was cut off; JSON's escapes begin with a u as well."""

ANNOUNCED_CUT_OFF = re.compile(
    rf"""(?: acc(?:ount|t)?s? | konto | a/c ) [^0-9A-Za-z*]{{0,3}} (?: no | nr | number | num | id | code | name )?
        [^0-9A-Za-z*]{{0,6}} (?: \d{{5,9}} {AND} ){{0,5}}
        (?P<account> [A-Z]{{0,4}} [\x20.-]? \d{{2}} [^0-9A-Za-z*]? \d [0-9\x20.,-]{{0,12}} ) \Z""",
    re.VERBOSE | re.IGNORECASE,
)

TAIL = re.compile(r"(?:[UuFfIi]?[A-Za-z])?\d{4,9}(?!\d)")
"""The end of an account where the text before it is missing. Three digits are what many protocols begin an answer with."""

GROUP = re.compile(r"\d+")

NOWHERE: Span = (sys.maxsize, sys.maxsize)


def accounts_in(plain: str) -> list[Span]:
    """Where an ASCII text holds what looks like an account number; ascending, not overlapping."""
    joined = [
        (_start(plain, match), match.end())
        for match in JOINED.finditer(plain)
        if not lookalikes.is_option(plain, match)
    ]
    others = lookalikes.identifiers(plain, joined)
    return merged([*_outside(joined, others), *_apart(plain), *_announced(plain)])


def cut_off_account(plain: str) -> list[Span]:
    """Where the beginning of an account stands at the end of a text that was cut off there."""
    from_here = max(0, len(plain) - LONGEST_ACCOUNT)
    end, announced = CUT_OFF.search(plain, from_here), ANNOUNCED_CUT_OFF.search(plain, from_here)
    return ([end.span()] if end else []) + ([announced.span("account")] if announced else [])


def tail_of_account(plain: str) -> list[Span]:
    """Where the end of an account stands at the beginning of a text of which the bytes before were not captured."""
    tail = TAIL.match(plain)
    return [tail.span()] if tail else []


def looks_like_account(plain: str) -> bool:
    """The whole text is one account number as IB writes it."""
    found = JOINED.match(plain, plain[:1] in ("D", "d"))
    return found is not None and found.end() == len(plain) and not (found["rest"] or found["end"])


def merged(spans: list[Span]) -> list[Span]:
    """Overlapping spans made one."""
    kept: list[Span] = []
    for start, end in sorted(spans):
        if kept and start < kept[-1][1]:
            kept[-1] = kept[-1][0], max(end, kept[-1][1])
        else:
            kept.append((start, end))
    return kept


def _announced(plain: str) -> Iterator[Span]:
    for word in ANNOUNCING.finditer(plain.lower()):
        match = ANNOUNCED.match(plain, word.end())
        if match:
            yield match.span(match.lastgroup or 0)
        while match and word["several"]:
            if match := ANOTHER.match(plain, match.end()):
                yield match.span("account")


def _apart(plain: str) -> Iterator[Span]:
    for match in APART.finditer(plain):
        if length := _digits_of_account(plain, match):
            yield _start(plain, match), match.start("digits") + length


def _start(plain: str, match: re.Match[str]) -> int:
    """Where the prefix begins: at a D in front, if there is one."""
    start = match.start()
    return start - (plain[start - 1 : start] in ("D", "d"))


def _digits_of_account(plain: str, match: re.Match[str]) -> int:
    """How many characters of the digits belong to an account; 0 when they are something else."""
    digits = match["digits"]
    if digits.isdecimal():
        return (
            len(digits) if match["between"] and not lookalikes.is_contract(plain, match, _is_paper(plain, match)) else 0
        )
    return 0 if lookalikes.is_other_number(plain, match, _is_paper(plain, match)) else _length_of_groups(digits)


def _is_paper(plain: str, match: re.Match[str]) -> bool:
    """The prefix is one of two letters, as no ticker and no word is."""
    return _start(plain, match) < match.start() and not match["three"]


def _length_of_groups(digits: str) -> int:
    """As many groups as can be one account number."""
    seen = end = 0
    for group in GROUP.finditer(digits):
        if seen + len(group.group()) > MOST_DIGITS:
            break
        seen, end = seen + len(group.group()), group.end()
    return end if seen >= FEWEST_DIGITS else 0


def _outside(spans: list[Span], others: list[Span]) -> Iterator[Span]:
    """Those that lie in none of the others; both ascend."""
    ends = iter(others)
    start, end = next(ends, NOWHERE)
    for span in spans:
        while end <= span[0]:
            start, end = next(ends, NOWHERE)
        if not (start <= span[0] and span[1] <= end):
            yield span
