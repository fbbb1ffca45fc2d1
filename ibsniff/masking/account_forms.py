"""The forms of account numbers, and what only looks like one.

IB's accounts are a prefix and digits. ``U`` stands for a live account, ``F`` for an advisor's and ``I`` for a broker's;
paper accounts have a ``D`` in front, and newer ones a third letter (``DUK``). An advisor's group of all accounts adds a
letter behind the digits. Nobody has published a grammar, so what is plausible counts as well.

Source: managedAccounts messages in public issue threads; the prefixes of master accounts in QuantConnect/Lean #3398.

Three ways to write a number are told apart:

* *joined*: prefix and digits touch. That is an account wherever it stands, even inside a word.
* *apart*: something stands between prefix and digits, or between digits. Then the prefix must begin a word, and what is a
  date, a time, an address, an option or a price is left alone.
* *announced*: the word "account" stands before it. Then any letters may be its prefix, or none.

All patterns are linear: every repetition is bounded, or can consume what it meets in one way only.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

SHORTEST_KNOWN, LONGEST_ACCOUNT = 5, 64
"""A shorter or longer "account" is masked where a message says that it is one, but not hunted in other text: it could be
any word, or a flood."""

FEWEST_DIGITS, MOST_DIGITS = 6, 9
"""Of a number written in groups. IB's have five to eight; groups that come to less are prices, ids or counts."""

BETWEEN = r"""(?: %[0-9A-Fa-f]{2} | &(?:[a-z]{2,6}|\#\d{1,5}|\#x[0-9a-f]{1,4}); | \\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrt])
               | [^0-9A-Za-z*] ){0,6}"""
"""What may stand between prefix and digits: signs, or the escapes of URLs, HTML and JSON. No stars: those are ours."""

IN_GROUPS = r"""\d{1,8} (?: [\t\n\r\x20\-_.,/\\:'|+~] \d{1,8} ){1,9} (?!\d)"""

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
        (?: (?<=[Dd].) (?<![0-9A-Za-z][Dd].) (?P<three>[A-Za-z])?
          | (?<![0-9A-Za-z].)
          | (?<=[Dd].) (?=\d)
          | (?=\d{{1,3}}(?P<group>[.,'\- ])\d{{3}}(?P=group)\d{{3}}(?!\d)) )
        (?P<between> {BETWEEN} )
        (?P<digits> \d{{5,10}}(?!\d) | {IN_GROUPS} )""",
    re.VERBOSE,
)
"""Both begin with the letter behind a D, which the search is quicker to find; ``_start`` looks for the D."""

ANNOUNCING = re.compile(r"acc(?:ount|t)?|konto|a/c")

ANNOUNCED = re.compile(
    r"""(?: [.\s_-]{0,2} (?: no | nr | number | num | id | code | name ) )? [.]?
        [\t\x20:=\#"'(\[\\-]{1,4} (?P<account> [A-Z]{0,4} [\x20-]? \d{5,9} ) (?![0-9.])""",
    re.VERBOSE | re.IGNORECASE,
)

CUT_OFF = re.compile(
    r"(?:[Dd][UuFfIi][A-Za-z]?|(?<![A-Za-z])[UuFfIi]|[UuFfIi](?=\d\d))[^\w*]{0,3}\d(?:[^\w*]?\d){0,9}\Z"
)
"""The beginning of an account where the text was cut off."""

DATE = re.compile(
    r"(?:19|20)\d\d(?P<a>[-./ ])(?:0?[1-9]|1[0-2])(?P=a)(?:0?[1-9]|[12]\d|3[01])(?!\d)"
    r"|(?:0?[1-9]|[12]\d|3[01])(?P<b>[-./ ])(?:0?[1-9]|[12]\d|3[01])(?P=b)(?:19|20)\d\d(?!\d)"
    r"|(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?!\d)"
)
"""A date or a time of day."""

ADDRESS = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![.\d])")
"""An IPv4 address."""

PRICE = re.compile(r"(?:\d{1,8}[ \t]){0,3}\d+[.,]\d+(?![.,\-]?\d)")
"""A decimal number, perhaps behind others: what follows a ticker."""

OTHER_NUMBERS = (DATE, ADDRESS, PRICE)

OPTION = re.compile(r"[2-4]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[CP]\d")
"""What follows the ticker in an option's symbol: expiry, right, strike (OCC symbology; DUK is Duke Energy)."""

EXPIRY = re.compile(r"20[0-4]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)")
"""A date behind a ticker of three letters; accounts with three have fewer digits."""

GROUP = re.compile(r"\d+")

IDENTIFIER = re.compile(
    r"(?<![0-9A-Za-z-])"
    r"(?:(?P<isin>(?:[ACGHLMNRV]U|[ABCGNPT]F|[ABCFGKLNSV]I)\d{10})"
    r"|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    r"|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{32})"
    r"(?![0-9A-Za-z-])"
)
"""A UUID, a digest in hex, or the security number of a country whose code ends like an account's prefix (FI, LU, HU)."""

ISIN_DIGITS = 10

NEVER_IN_PREFIXES = frozenset("abceABCE")
"""Hex digits: a word of hex in which fewer than two of them occur may be account numbers in a row."""

Span = tuple[int, int]
NOWHERE: Span = (sys.maxsize, sys.maxsize)


def accounts_in(plain: str) -> list[Span]:
    """Where an ASCII text holds what looks like an account number; ascending, not overlapping."""
    joined = [(_start(plain, match), match.end()) for match in JOINED.finditer(plain)]
    others = _identifiers(plain) if any(_may_be_identifier(plain[start:end]) for start, end in joined) else []
    return merged([*_outside(joined, others), *_apart(plain), *_announced(plain)])


def cut_off_account(plain: str) -> list[Span]:
    """Where the beginning of an account stands at the end of a text that was cut off there."""
    end = CUT_OFF.search(plain, max(0, len(plain) - LONGEST_ACCOUNT))
    return [end.span()] if end else []


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
        if match := ANNOUNCED.match(plain, word.end()):
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
    digits, start, three = match["digits"], match.start("digits"), match["three"]
    is_paper = _start(plain, match) < match.start() and not three
    if not match["between"]:
        return 0 if digits.isdecimal() else _length_of_groups(digits)  # joined after all
    if digits.isdecimal():
        is_dated = three and EXPIRY.match(digits)
        is_ticker = not is_paper and (is_dated or OPTION.match(plain, start))
        return 0 if is_ticker else len(digits)
    is_word = three and not three.isupper()  # an amount is due, somebody did so many
    if is_word or any(other.match(plain, start) for other in OTHER_NUMBERS):
        return 0
    return _length_of_groups(digits)


def _length_of_groups(digits: str) -> int:
    """As many groups as can be one account number."""
    seen = end = 0
    for group in GROUP.finditer(digits):
        if seen + len(group.group()) > MOST_DIGITS:
            break
        seen, end = seen + len(group.group()), group.end()
    return end if seen >= FEWEST_DIGITS else 0


def _may_be_identifier(account: str) -> bool:
    """Only F is a digit of hex, and a security number has so many digits."""
    return len(account) > ISIN_DIGITS or account[0] in "Ff" or account[1] in "Ff"


def _identifiers(plain: str) -> list[Span]:
    return [match.span() for match in IDENTIFIER.finditer(plain) if _is_identifier(match)]


def _is_identifier(match: re.Match[str]) -> bool:
    if match["isin"]:
        return _has_right_check_digit(match["isin"])
    return len(NEVER_IN_PREFIXES.intersection(match.group())) > 1


def _has_right_check_digit(isin: str) -> bool:
    """ISO 6166: letters as two digits, then every second digit doubled."""
    digits = [int(digit) for digit in "".join(str(int(character, 36)) for character in isin)]
    doubled = [digit * 2 if place % 2 else digit for place, digit in enumerate(reversed(digits))]
    return sum(digit // 10 + digit % 10 for digit in doubled) % 10 == 0


def _outside(spans: list[Span], others: list[Span]) -> Iterator[Span]:
    """Those that lie in none of the others; both ascend."""
    ends = iter(others)
    start, end = next(ends, NOWHERE)
    for span in spans:
        while end <= span[0]:
            start, end = next(ends, NOWHERE)
        if not (start <= span[0] and span[1] <= end):
            yield span
