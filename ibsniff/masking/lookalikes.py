"""What only looks like an account number: dates, addresses, prices, contracts, identifiers."""

from __future__ import annotations

import re

Span = tuple[int, int]

MONTH_AND_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"

DATE = re.compile(
    r"(?:19|20)\d\d(?P<a>[-./ ])(?:0?[1-9]|1[0-2])(?P=a)(?:0?[1-9]|[12]\d|3[01])(?!\d)"
    r"|(?:0?[1-9]|[12]\d|3[01])(?P<b>[-./ ])(?:0?[1-9]|[12]\d|3[01])(?P=b)(?:19|20)\d\d(?!\d)"
    r"|(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?!\d)"
)
"""A date or a time of day."""

LOG_TIME = re.compile(rf"{MONTH_AND_DAY} [0-2]\d:[0-5]\d:[0-5]\d")
"""What follows the letter of the level in a line of glog."""

ADDRESS = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![.\d])")
"""An IPv4 address."""

PRICE = re.compile(
    r"(?: (?:\d{1,8}[ \t]){0,3} \d+[.,]\d+ | \d{1,3}(?:,\d{3})+\.\d+ | \d{1,3}(?:\.\d{3})+,\d+ ) (?! [.,\-]?\d )",
    re.VERBOSE,
)
"""A decimal number, perhaps behind others, or with signs between its thousands: what follows a ticker."""

OPTION = re.compile(rf"[2-4]\d{MONTH_AND_DAY}[CP]\d")
"""What follows the ticker in an option's symbol: expiry, right, strike (OCC symbology; DUK is Duke Energy)."""

WHOLE_OPTION = re.compile(rf"[2-4]\d{MONTH_AND_DAY}[CP]\d{{8}}(?!\d)")
"""The same without blanks, behind the ticker."""

STRIKE = len("C00100000") + 1

EXPIRY = re.compile(rf"20[0-4]\d{MONTH_AND_DAY}(?!\d)")
"""A date behind a ticker of three letters; accounts with three have fewer digits."""

CODE_POINT = re.compile(r"\+\d{5}(?!\d)")
"""What follows U in the name of a Unicode character."""

IDENTIFIER = re.compile(
    r"(?<![0-9A-Za-z-])"
    r"(?:(?P<isin>(?:[ACGHLMNRV]U|[ABCGNPT]F|[ABCFGKLNSV]I)\d{10})"
    r"|(?P<execution>[0-9a-f]{8}\.[0-9a-f]{8}\.\d\d\.\d\d)"
    r"|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    r"|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{32})"
    r"(?![0-9A-Za-z-])"
)
"""A UUID, a digest in hex, IB's id of an execution, or the security number of a country whose code ends like an account's
prefix (FI, LU, HU)."""

ISIN_DIGITS = 10

NEVER_IN_PREFIXES = frozenset("abceABCE")
"""Hex digits: a word of hex in which fewer than two of them occur may be account numbers in a row."""

WORDS = frozenset({"due", "Due", "did", "Did"})
"""What an amount follows, and begins like a paper account's prefix."""


def is_option(plain: str, joined: re.Match[str]) -> bool:
    """Prefix and digits that touch are the ticker and the expiry of an option."""
    if plain[joined.end() : joined.end() + 1] not in ("C", "P"):
        return False
    return WHOLE_OPTION.search(plain, joined.start(), joined.end() + STRIKE) is not None


def is_contract(plain: str, apart: re.Match[str], is_paper: bool) -> bool:
    """The digits behind a prefix and a separator are an option's, an expiry, or something else that follows a word."""
    if is_paper:
        return False
    return bool(
        plain[apart.start() - 1 : apart.start("between")] in WORDS
        or OPTION.match(plain, apart.start("digits"))
        or (apart["three"] and EXPIRY.match(apart["digits"]))
        or CODE_POINT.match(plain, apart.start("between"))
    )


def is_other_number(plain: str, apart: re.Match[str], is_paper: bool) -> bool:
    """Digits in groups behind a prefix are something else: a date, an address, or what follows a ticker or a word."""
    start, three, between = apart.start("digits"), apart["three"], apart["between"]
    if not between:
        return LOG_TIME.match(plain, start) is not None
    if three and not three.isupper():
        return True  # an amount is due, somebody did so many
    if ADDRESS.match(plain, start):
        return True
    is_dated = not is_paper and (DATE.match(plain, start) or LOG_TIME.match(plain, start))
    return bool(is_dated or (not is_paper and not between.endswith(".") and PRICE.match(plain, start)))


def identifiers(plain: str, joined: list[Span]) -> list[Span]:
    """Where a text has identifiers, if one of these accounts may be within one."""
    if not any(_may_be_identifier(plain[start:end]) for start, end in joined):
        return []
    return [match.span() for match in IDENTIFIER.finditer(plain) if _is_identifier(match)]


def _may_be_identifier(account: str) -> bool:
    """Only F is a digit of hex, and a security number has so many digits."""
    return len(account) > ISIN_DIGITS or account[0] in "Ff" or account[1] in "Ff"


def _is_identifier(match: re.Match[str]) -> bool:
    if match["isin"]:
        return _has_right_check_digit(match["isin"])
    return bool(match["execution"]) or len(NEVER_IN_PREFIXES.intersection(match.group())) > 1


def _has_right_check_digit(isin: str) -> bool:
    """ISO 6166: letters as two digits, then every second digit doubled."""
    digits = [int(digit) for digit in "".join(str(int(character, 36)) for character in isin)]
    doubled = [digit * 2 if place % 2 else digit for place, digit in enumerate(reversed(digits))]
    return sum(digit // 10 + digit % 10 for digit in doubled) % 10 == 0
