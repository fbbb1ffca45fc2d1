"""Make text from the wire safe to show: escape what is not printable, and mask account numbers.

The sender may have written the bytes to attack the reader's terminal, browser or ticket system. So text from the wire
passes through `visible`, the one function that leaves nothing unprintable in it, and the renderers show the result as
plain text, never as markup. Account numbers are masked first, before anything is cut, escaped or converted to hex.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection
from itertools import accumulate, islice
from typing import NamedTuple

from ibsniff.model import Report

# ---------------------------------------------------------------------------------------------------------------
# Escaping

MAX_SHOWN_CHARACTERS = 400
"""Longest text from the wire that is shown: five lines of a terminal. TWS's error texts are shorter; a hostile peer sends
megabytes.
"""

MAX_LINE_CHARACTERS = 4 * MAX_SHOWN_CHARACTERS
"""Longest line of our own, with everything it quotes."""

MAX_WRITTEN_CHARACTERS = 10 * MAX_SHOWN_CHARACTERS
"""Longest text in a document for programs."""

INVISIBLE_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Hangul fillers and the blank Braille cell: their Unicode categories are printable, but they look like spaces."""

COMBINING_MARKS = frozenset({"Mn", "Me"})
"""Categories of marks that are drawn over the preceding character: hundreds of them hide the text."""

ASCII_FORMS = str.maketrans("·•─µ–—×’‘“”", "-*-u--x''\"\"") | str.maketrans(  # noqa: RUF001
    {"…": "...", "→": "->", "←": "<-", "✓": "ok", "✗": "x", "≥": ">=", "≤": "<="}
)
"""ASCII replacements for the signs that ibsniff itself prints, for terminals that cannot show them."""


def visible(text: str | bytes, limit: int = MAX_SHOWN_CHARACTERS, beyond: int = 0) -> str:
    r"""Text from the wire in a form that is safe to show: unprintable characters become ``\x1b`` or ``\u202e``.

    Control, format and bidirectional characters are escaped, and so are separators other than the space, combining
    marks, unassigned and private characters, surrogates, and bytes that are not valid UTF-8. The result has at most
    ``limit`` characters: a longer text ends with the number of characters that were left out, including the ``beyond``
    characters that the caller had already cut off.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    escaped = [_visible_character(character) for character in text[: limit + 1]]
    if not beyond and sum(map(len, escaped)) <= limit:
        return "".join(escaped)
    total = len(text) + beyond
    room = limit - len(_omission(total))
    kept = sum(1 for end in accumulate(map(len, escaped)) if end <= room)
    return "".join(escaped[:kept]) + _omission(total - kept)


def encodable(text: str, limit: int = MAX_WRITTEN_CHARACTERS, beyond: int = 0) -> str:
    """Text unchanged, except that it is valid Unicode and bounded: for formats with their own escaping, such as JSON."""
    kept = text[:limit]
    if not kept.isascii():
        kept = "".join(_escape(c) if "\ud800" <= c <= "\udfff" else c for c in kept)
    beyond += max(0, len(text) - limit)
    return kept + _omission(beyond) if beyond else kept


def json_text(made: object, indent: int | None = None) -> str:
    """JSON that is safe to print: pure ASCII, with DEL escaped, the only control character that ``json`` does not escape."""
    return json.dumps(made, indent=indent).replace("\x7f", "\\u007f")


def visible_line(text: str, limit: int = MAX_LINE_CHARACTERS) -> str:
    """One line of our own that may quote the wire: white space is collapsed, everything else is made `visible`."""
    return visible(" ".join(text.split()), limit)


def plain_ascii(text: str) -> str:
    """The same text for terminals that can show only ASCII."""
    return text.translate(ASCII_FORMS).encode("ascii", "backslashreplace").decode("ascii")


def _visible_character(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() else _escape(character)
    hidden = character in INVISIBLE_LETTERS or unicodedata.category(character) in COMBINING_MARKS
    return character if character.isprintable() and not hidden else _escape(character)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not valid UTF-8, as "surrogateescape" encodes it (PEP 383)
        code -= 0xDC00
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _omission(characters: int) -> str:
    return f"… (+{characters} more)"


# ---------------------------------------------------------------------------------------------------------------
# Accounts

ACCOUNT = re.compile(r"(D[UFI]\d{3}|[UFI]\d{5})\d*[A-Z]?", re.IGNORECASE)
"""IB account numbers: U (live), F and I (advisor, broker), with D in front on paper; an advisor's group adds a letter.

A word boundary is not required: a number next to other text is still an account number, and masking too much does no
harm.
"""

ACCOUNT_IN_HEX = re.compile(
    r"([46]4 (?:[57]5|[46]6|[46]9)(?= 3\d 3\d 3\d)|(?:[57]5|[46]6|[46]9)(?=(?: 3\d){5}))((?: 3\d)+)"
)
"""The same, written as hex bytes: a finding quotes the first bytes of a client that sent no hello."""

MIN_KNOWN_LENGTH, MAX_ACCOUNT_LENGTH = 5, 64
"""Lengths of an account in managedAccounts that is also masked in other text: a shorter one could be any word, and a
longer one is an attack. In managedAccounts itself every account is masked."""

MAX_KNOWN_ACCOUNTS = 200
"""Accounts without the form of an account number that are searched for in other text: IB's accounts all have that form,
and a hostile peer can name a hundred thousand.
"""

ACCOUNT_PARTS = re.compile(r"([^\W\d_]{0,2})(.{2,}?)(\d\d[a-z]?)?", re.IGNORECASE | re.DOTALL)
"""The part that stays, the part that becomes stars, the part that stays."""


def mask_account(account: str) -> str:
    """``DU1234567`` as ``DU*****67``: two letters and the last two digits stay, and so does the length."""
    parts = ACCOUNT_PARTS.fullmatch(account)
    if parts is None:
        return "*" * len(account)
    head, hidden, tail = parts.groups(default="")
    return head + "*" * len(hidden) + tail


def mask_accounts(text: str, known: Collection[str] = ()) -> str:
    """Mask all account numbers in a text, in upper or lower case and whatever surrounds them.

    ``known`` are accounts that the conversation named (managedAccounts): they are masked even if they do not have the
    form of an account number.
    """
    lowered = text.casefold() if known else ""
    found = (account for account in known if _needs_its_own_search(account) and account.casefold() in lowered)
    if by_length := sorted(found, key=len, reverse=True):
        text = re.sub("|".join(map(re.escape, by_length)), _masked, text, flags=re.IGNORECASE)
    return ACCOUNT_IN_HEX.sub(_masked_hex, ACCOUNT.sub(_masked, text))


def _needs_its_own_search(account: str) -> bool:
    """It does not have the form of an account number, and is long enough to be distinguished from ordinary words."""
    return MIN_KNOWN_LENGTH <= len(account) <= MAX_ACCOUNT_LENGTH and not ACCOUNT.fullmatch(account)


def _masked(match: re.Match[str]) -> str:
    return mask_account(match.group())


def _masked_hex(match: re.Match[str]) -> str:
    return hexdump(bytes.fromhex(match.group()), len(match.group()))


# ---------------------------------------------------------------------------------------------------------------
# Hex

MAX_SHOWN_BYTES = 32
"""Enough for a whole hello with options; nobody would read more."""


def hexdump(raw: bytes, limit: int = MAX_SHOWN_BYTES, known: Collection[str] = (), show_accounts: bool = False) -> str:
    """Bytes as ``41 50 49 00``; accounts in them become stars (``2a``) first, so that every byte keeps its position."""
    if not show_accounts:
        encoded = {account.encode("utf-8", "surrogatepass").decode("latin-1") for account in known}
        raw = mask_accounts(raw.decode("latin-1"), encoded).encode("latin-1")
    omitted = f" ... (+{len(raw) - limit} bytes)" if len(raw) > limit else ""
    return raw[:limit].hex(" ") + omitted


class Masker(NamedTuple):
    """Makes the texts of one report safe to show, and masks account numbers unless the user asked to see them."""

    known: frozenset[str]
    show_accounts: bool

    @classmethod
    def for_report(cls, report: Report, show_accounts: bool) -> Masker:
        """The masker for one report: it knows every account named in it that does not have the form of an account number."""
        named = (account for conversation in report.conversations for account in conversation.dialogue.accounts)
        unusual = dict.fromkeys(account for account in named if _needs_its_own_search(account))
        return cls(frozenset(islice(unusual, MAX_KNOWN_ACCOUNTS)), show_accounts)

    def visible_line(self, text: str, limit: int = MAX_LINE_CHARACTERS) -> str:
        """A line that may quote the wire, masked and made visible."""
        head, beyond = self._masked_head(" ".join(text.split()), limit)
        return visible(head, limit, beyond)

    def encodable(self, text: str, limit: int = MAX_WRITTEN_CHARACTERS) -> str:
        """A text for a document, masked and `encodable`, otherwise unchanged."""
        head, beyond = self._masked_head(text, limit)
        return encodable(head, limit, beyond)

    def _masked_head(self, text: str, limit: int) -> tuple[str, int]:
        """Mask as much as can be shown, and one account more so that none is cut in two; return it and the length of the rest."""
        head = text[: limit + MAX_ACCOUNT_LENGTH]
        return head if self.show_accounts else mask_accounts(head, self.known), len(text) - len(head)

    def account(self, account: str) -> str:
        """One account, masked even if it does not have the form of an account number; `encodable`."""
        return encodable(account if self.show_accounts else mask_account(account))

    def hex(self, raw: bytes, limit: int = MAX_SHOWN_BYTES) -> str:
        """Bytes in hex, masked."""
        return hexdump(raw, limit, self.known, self.show_accounts)
