"""How anything from the wire becomes text: made visible, account numbers masked.

Whoever sent the bytes may have meant them for the reader's terminal, browser or ticket system. So wire text passes
`visible`, the one function that leaves nothing unprintable in it, and the renderers show its result as plain text,
never as markup. Account numbers are masked first, before anything is cut, escaped or turned into hex.
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
# Visible

SHOWN_CHARACTERS = 400
"""Longest text shown: five lines of a terminal. TWS's own error texts stay below; a hostile peer sends megabytes."""

SHOWN_PROSE = 4 * SHOWN_CHARACTERS
"""Longest sentence of ours, quotations included."""

WRITTEN_CHARACTERS = 10 * SHOWN_CHARACTERS
"""Longest text in a document for machines."""

INVISIBLE_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Hangul fillers and the blank Braille cell: printable by category, and yet nothing is seen."""

STACKING = frozenset({"Mn", "Me"})
"""Marks drawn over the character before them: harmless once, unreadable by the hundred."""

ASCII_FORMS = str.maketrans("·•─µ–—×’‘“”", "-*-u--x''\"\"") | str.maketrans(  # noqa: RUF001
    {"…": "...", "→": "->", "←": "<-", "✓": "ok", "✗": "x", "≥": ">=", "≤": "<="}
)
"""What our own typography becomes where the terminal cannot show it."""


def visible(text: str | bytes, limit: int = SHOWN_CHARACTERS, beyond: int = 0) -> str:
    r"""Wire text in a form that is safe to show: what cannot be seen comes out as ``\x1b`` or ``\u202e``.

    Escaped are control, format and bidirectional characters, separators other than the space, stacking marks,
    unassigned and private characters, surrogates, and bytes that are no UTF-8. At most ``limit`` characters come
    back; a longer text ends in an ellipsis that says how many characters of it were left out, the ``beyond`` ones
    that somebody cut off before included.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    escaped = [_visible_character(character) for character in text[: limit + 1]]
    if not beyond and sum(map(len, escaped)) <= limit:
        return "".join(escaped)
    total = len(text) + beyond
    room = limit - len(_left_out(total))
    kept = sum(1 for end in accumulate(map(len, escaped)) if end <= room)
    return "".join(escaped[:kept]) + _left_out(total - kept)


def encodable(text: str, limit: int = WRITTEN_CHARACTERS, beyond: int = 0) -> str:
    """Text as it was, but valid Unicode and bounded: for formats that do their own escaping, as JSON does."""
    kept = text[:limit]
    if not kept.isascii():
        kept = "".join(_escape(c) if "\ud800" <= c <= "\udfff" else c for c in kept)
    beyond += max(0, len(text) - limit)
    return kept + _left_out(beyond) if beyond else kept


def json_text(made: object, indent: int | None = None) -> str:
    """JSON that is safe to show: ASCII, and without DEL, the one control character JSON leaves as it is."""
    return json.dumps(made, indent=indent).replace("\x7f", "\\u007f")


def prose(text: str, limit: int = SHOWN_PROSE) -> str:
    """A sentence of ours that may quote somebody: line breaks are only wrapping in it, the rest is `visible`."""
    return visible(" ".join(text.split()), limit)


def plain_ascii(text: str) -> str:
    """The same for terminals that show only ASCII."""
    return text.translate(ASCII_FORMS).encode("ascii", "backslashreplace").decode("ascii")


def _visible_character(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() else _escape(character)
    hidden = character in INVISIBLE_LETTERS or unicodedata.category(character) in STACKING
    return character if character.isprintable() and not hidden else _escape(character)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as "surrogateescape" smuggles it (PEP 383)
        code -= 0xDC00
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _left_out(characters: int) -> str:
    return f"… (+{characters} more)"


# ---------------------------------------------------------------------------------------------------------------
# Accounts

ACCOUNT = re.compile(r"(D[UFI]\d{3}|[UFI]\d{5})\d*[A-Z]?", re.IGNORECASE)
"""IB account numbers: U (live), F and I (advisor, broker), with D in front on paper; an advisor's group adds a letter.

No word boundary is asked for: a number glued to other text is still a number, and masking too much does no harm.
"""

ACCOUNT_IN_HEX = re.compile(
    r"([46]4 (?:[57]5|[46]6|[46]9)(?= 3\d 3\d 3\d)|(?:[57]5|[46]6|[46]9)(?=(?: 3\d){5}))((?: 3\d)+)"
)
"""The same spelled as bytes in hex, as a finding quotes an opening that was no hello."""

SHORTEST_KNOWN, LONGEST_ACCOUNT = 5, 64
"""A shorter or longer "account" in managedAccounts is masked there, but not hunted in other text: it could be any
word, or a flood."""


MOST_HUNTED = 200
"""Different accounts hunted that do not look like accounts: IB's all do, and a hostile peer can name a hundred thousand."""

PARTS_OF_ACCOUNT = re.compile(r"([^\W\d_]{0,2})(.{2,}?)(\d\d[a-z]?)?", re.IGNORECASE | re.DOTALL)
"""What stays, what becomes stars, what stays."""


def mask_account(account: str) -> str:
    """``DU1234567`` as ``DU*****67``: two letters and the last two digits stay; the length does, too."""
    parts = PARTS_OF_ACCOUNT.fullmatch(account)
    if parts is None:
        return "*" * len(account)
    head, hidden, tail = parts.groups(default="")
    return head + "*" * len(hidden) + tail


def mask_accounts(text: str, known: Collection[str] = ()) -> str:
    """All account numbers in a text masked, whatever their case and whatever surrounds them.

    ``known`` are accounts the conversation named (managedAccounts); they are masked even when they do not look so.
    """
    folded = text.casefold() if known else ""
    there = (account for account in known if _is_odd(account) and account.casefold() in folded)
    if odd := sorted(there, key=len, reverse=True):
        text = re.sub("|".join(map(re.escape, odd)), _masked, text, flags=re.IGNORECASE)
    return ACCOUNT_IN_HEX.sub(_masked_hex, ACCOUNT.sub(_masked, text))


def _is_odd(account: str) -> bool:
    """It does not look like an account number, and can be told from other words."""
    return SHORTEST_KNOWN <= len(account) <= LONGEST_ACCOUNT and not ACCOUNT.fullmatch(account)


def _masked(match: re.Match[str]) -> str:
    return mask_account(match.group())


def _masked_hex(match: re.Match[str]) -> str:
    return hexdump(bytes.fromhex(match.group()), len(match.group()))


# ---------------------------------------------------------------------------------------------------------------
# Hex

SHOWN_BYTES = 32
"""A whole hello with options fits; more would not be read anyway."""


def hexdump(raw: bytes, limit: int = SHOWN_BYTES, known: Collection[str] = (), show_accounts: bool = False) -> str:
    """Bytes as ``41 50 49 00``; accounts in them become stars (``2a``) first, so every byte keeps its place."""
    if not show_accounts:
        spelled = {account.encode("utf-8", "surrogatepass").decode("latin-1") for account in known}
        raw = mask_accounts(raw.decode("latin-1"), spelled).encode("latin-1")
    left_out = f" ... (+{len(raw) - limit} bytes)" if len(raw) > limit else ""
    return raw[:limit].hex(" ") + left_out


class Veil(NamedTuple):
    """What of a report its reader may see: everything, or everything but account numbers."""

    known: frozenset[str]
    show_accounts: bool

    @classmethod
    def over(cls, report: Report, show_accounts: bool) -> Veil:
        """The veil for one report, which knows every account named anywhere in it that does not show what it is."""
        named = (account for conversation in report.conversations for account in conversation.dialogue.accounts)
        odd = dict.fromkeys(account for account in named if _is_odd(account))
        return cls(frozenset(islice(odd, MOST_HUNTED)), show_accounts)

    def shown(self, text: str, limit: int = SHOWN_PROSE) -> str:
        """Masked `prose`."""
        head, beyond = self._masked_head(" ".join(text.split()), limit)
        return visible(head, limit, beyond)

    def text(self, text: str, limit: int = WRITTEN_CHARACTERS) -> str:
        """Masked and `encodable`, otherwise as it came."""
        head, beyond = self._masked_head(text, limit)
        return encodable(head, limit, beyond)

    def _masked_head(self, text: str, limit: int) -> tuple[str, int]:
        """As much as can be shown, and one account more lest it be cut in two; how many characters follow."""
        head = text[: limit + LONGEST_ACCOUNT]
        return head if self.show_accounts else mask_accounts(head, self.known), len(text) - len(head)

    def account(self, account: str) -> str:
        """One account, masked even when it does not look like one; `encodable`."""
        return encodable(account if self.show_accounts else mask_account(account))

    def hex(self, raw: bytes, limit: int = SHOWN_BYTES) -> str:
        """Masked bytes in hex."""
        return hexdump(raw, limit, self.known, self.show_accounts)
