"""Text with its account numbers masked: two letters and the last two digits stay, and so does the length.

Most texts hold nothing that resembles an account. They are told by a quick look, without the patterns of `search`, whose
compilation takes as long as the analysis of a small capture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from ibsniff.masking.invisible import FIRST_OF_ESCAPES

if TYPE_CHECKING:
    from ibsniff.masking.search import Hidden, KnownAccounts

SHORT = 2000
"""Characters up to which a text is worth a quick look."""

FEWEST_IN_UTF16, FEWEST_IN_HEX = 5, 3
"""NULs in UTF-16, and digits in hex, of an account that is spelled so and perhaps cut off."""

MOST_BETWEEN = 6
"""Signs between prefix and digits."""

USUAL_DIGITS = 5
"""Digits in a row in nearly every account. A text with fewer in a row names none of those, in any spelling: in UTF-16 or
in hex they would be noticed by `may_hold_account`."""


def mask_account(account: str) -> str:
    """``DU1234567`` as ``DU*****67``."""
    from ibsniff.masking.search import hidden_part  # noqa: PLC0415

    start, end = hidden_part(account)
    return account[:start] + "*" * (end - start) + account[end:]


def mask_account_bytes(account: bytes) -> bytes:
    """The same for bytes; every byte keeps its place."""
    from ibsniff.masking.search import Hidden, hidden_part  # noqa: PLC0415

    text = account.decode("utf-8", "surrogateescape")
    return b"".join(_raw_pieces(text, [Hidden(*hidden_part(text), "*")]))


class AccountMasker:
    """Masks accounts in what somebody else wrote: those that look like accounts, and those that a message named."""

    __slots__ = ("_known", "_named")

    def __init__(self, known: Iterable[str] = ()) -> None:
        """``known`` are accounts that messages named."""
        self._named = tuple(known)
        self._known: KnownAccounts | None = None

    def text(self, text: str, is_cut: bool = False) -> str:
        """A text with all its accounts masked; of one that was cut off, the beginning of an account at its end, too."""
        hidden = self._hidden(text, is_cut)
        return "".join(_pieces(text, hidden)) if hidden else text

    def bytes(self, raw: bytes, is_cut: bool = False, is_tail: bool = False) -> bytes:
        """The same for bytes; every byte keeps its place. Of a tail, the bytes before it are missing."""
        text = raw.decode("utf-8", "surrogateescape")
        hidden = self._hidden(text, is_cut, is_tail)
        return b"".join(_raw_pieces(text, hidden)) if hidden else raw

    def _hidden(self, text: str, is_cut: bool, is_tail: bool = False) -> list[Hidden]:
        if not is_tail and not may_hold_account(text) and not self._may_hold_named(text):
            return []
        from ibsniff.masking.search import KnownAccounts, hidden_in  # noqa: PLC0415

        if self._named and self._known is None:
            self._known = KnownAccounts(self._named)
        return hidden_in(text, self._known, is_cut, is_tail)

    def _may_hold_named(self, text: str) -> bool:
        """Whether an account that a message named may be in a text: False only where a search would find none."""
        if not self._named or _digits_in_a_row(text) >= USUAL_DIGITS:
            return bool(self._named)
        return any(_digits_in_a_row(account) < USUAL_DIGITS for account in self._named)


@cache
def looks_only() -> AccountMasker:
    """For readers of whom nothing is known: it masks what looks like an account."""
    return AccountMasker()


def may_hold_account(text: str) -> bool:
    """Whether a search is worth while: False only where it would find nothing."""
    if len(text) > SHORT or not text.isascii():
        return True
    if not any(map(str.isdecimal, text)):
        return False
    lowered = text.lower()
    is_announced = "acc" in lowered or "konto" in lowered or "a/c" in lowered
    if (
        is_announced
        or any(sign in text for sign in FIRST_OF_ESCAPES)
        or text.count("\0") >= FEWEST_IN_UTF16
        or text.count(" 3") >= FEWEST_IN_HEX
    ):
        return True
    return any(letter in "ufi" and _may_go_on(lowered, place + 1) for place, letter in enumerate(lowered))


def _digits_in_a_row(text: str) -> int:
    """The most ASCII digits that stand next to each other."""
    digits = "".join(character if "0" <= character <= "9" else " " for character in text)
    return max(map(len, digits.split()), default=0)


def _may_go_on(text: str, place: int) -> bool:
    """Behind a letter of a prefix, and perhaps one more: a digit, perhaps behind signs that separate them."""
    place += text[place - 2 : place - 1] == "d" and text[place : place + 1].isalpha()
    for following in text[place : place + MOST_BETWEEN + 1]:
        if following.isalnum():
            return following.isdecimal()
    return False


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
