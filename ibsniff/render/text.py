"""Make text from the wire safe to show: escape what is not printable, and mask account numbers.

The sender may have written the bytes to attack the reader's terminal, browser or ticket system. So text from the wire
passes through `visible`, the one function that leaves nothing unprintable in it, and the renderers show the result as
plain text, never as markup. Account numbers are masked first, before anything is cut, escaped or converted to hex, and
only in what is quoted: `masking` knows it from our own words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import accumulate

from ibsniff.masking.invisible import INVISIBLE_LETTERS
from ibsniff.masking.masker import AccountMasker, mask_account
from ibsniff.masking.sentence import resolved, safe
from ibsniff.model import Report, WireBytes, WireText

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
    text = text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else safe(text)
    escaped = [_visible_character(character) for character in text[: limit + 1]]
    if not beyond and sum(map(len, escaped)) <= limit:
        return "".join(escaped)
    total = len(text) + beyond
    room = limit - len(_omission(total))
    kept = sum(1 for end in accumulate(map(len, escaped)) if end <= room)
    return "".join(escaped[:kept]) + _omission(total - kept)


def encodable(text: str, limit: int = MAX_WRITTEN_CHARACTERS, beyond: int = 0) -> str:
    """Text unchanged, except that it is valid Unicode and bounded: for formats with their own escaping, such as JSON."""
    text = safe(text)
    kept = text[:limit]
    if not kept.isascii():
        kept = "".join(_escape(c) if "\ud800" <= c <= "\udfff" else c for c in kept)
    beyond += max(0, len(text) - limit)
    return kept + _omission(beyond) if beyond else kept


def json_text(made: object, indent: int | None = None) -> str:
    """JSON that is safe to print: pure ASCII, with DEL escaped, the only control character that ``json`` does not escape."""
    import json  # noqa: PLC0415  (a report on a screen does without)

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

MAX_SHOWN_BYTES = 32
"""Bytes shown in hex. Enough for a whole hello with options; nobody would read more."""

TEXT_BYTES = frozenset(range(0x20, 0x7F)) | {0x09, 0x0A, 0x0D}
"""Printable ASCII, tabs and line ends."""


class Masker:
    """Makes the texts of one report safe to show, and masks account numbers unless the user asked to see them."""

    __slots__ = ("_accounts",)

    def __init__(self, known: Iterable[WireText] = (), *, show_accounts: bool = False) -> None:
        """``known`` are accounts that messages named; they are masked even without the form of an account number."""
        self._accounts = None if show_accounts else AccountMasker(account.unmasked for account in known)

    @classmethod
    def for_report(cls, report: Report, show_accounts: bool) -> Masker:
        """The masker for one report: it knows every account that a message named."""
        dialogues = (conversation.dialogue for conversation in report.conversations)
        named = (account for dialogue in dialogues for account in dialogue.accounts)
        return cls(named, show_accounts=show_accounts)

    def visible_line(self, text: str | WireText, limit: int = MAX_LINE_CHARACTERS) -> str:
        """A line of our own that may quote the wire, or a quotation: masked and made visible."""
        return visible_line(self._resolved(text, limit), limit)

    def encodable(self, text: str | WireText, limit: int = MAX_WRITTEN_CHARACTERS) -> str:
        """A text for a document, masked and `encodable`, otherwise unchanged."""
        return encodable(self._resolved(text, limit), limit)

    def _resolved(self, text: str | WireText, limit: int) -> str:
        return resolved(text if isinstance(text, str) else f"{text:quoted}", self._accounts, limit)

    def account(self, account: WireText) -> str:
        """One account, masked even if it does not have the form of an account number; `encodable`."""
        return encodable(account.unmasked if self._accounts is None else mask_account(account.unmasked))

    def hex(self, raw: WireBytes, limit: int = MAX_SHOWN_BYTES) -> str:
        """Bytes as ``41 50 49 00``; accounts in them become stars (``2a``) first, so that every byte keeps its position."""
        omitted = f" ... (+{len(raw) - limit} bytes)" if len(raw) > limit else ""
        shown = raw.unmasked if self._accounts is None else self._accounts.bytes(raw.unmasked, raw.is_cut)
        return shown[:limit].hex(" ") + omitted

    def readable(self, raw: WireBytes) -> str:
        """Lines of text as text (``GET / HTTP/1.1``), other bytes as hex; fields that end in NUL are no text."""
        if not TEXT_BYTES.issuperset(raw.unmasked):
            return self.hex(raw)
        return self.visible_line(WireText(raw.unmasked.decode("ascii"), raw.is_cut))
