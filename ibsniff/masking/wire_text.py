"""What somebody else wrote: text and bytes from the wire, which are not ours and are never shown as they are.

Neither type is a ``str`` or ``bytes``, so wire content cannot become part of a sentence by accident. Put into a sentence
as it is, it is masked and escaped at once. Written as ``{text:quoted}`` it stands between two marks: ``pieces`` takes the
sentence apart again, and whoever shows it masks between the marks only, with all accounts that are known by then, or not
at all. A server that calls its account ``replied`` cannot rewrite a verdict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import takewhile

from ibsniff.masking.invisible import printable
from ibsniff.masking.masker import looks_only

BEGIN, END = "\ufdd0", "\ufdd1"
"""The marks: two of the code points that Unicode keeps for a program's own use (noncharacters, Unicode 23.7)."""

WITHOUT_MARKS = {ord(mark): f"\\u{ord(mark):04x}" for mark in (BEGIN, END)}
"""Nobody else can set a mark: theirs is spelled out."""

AS_QUOTATION = "quoted"


class WireText:
    """Text that came from the wire."""

    __slots__ = ("_text", "is_cut")

    def __init__(self, text: str, is_cut: bool = False) -> None:
        """``is_cut`` says that it was longer, so the account number at its end may be the beginning of one."""
        self._text = text if text.isascii() else text.translate(WITHOUT_MARKS)
        self.is_cut = is_cut

    @classmethod
    def beginning_of(cls, text: str, length: int) -> WireText:
        """The first characters of a text that may be longer."""
        return cls(text[:length], len(text) > length)

    @property
    def unmasked(self) -> str:
        """The text as it came, for whoever masks it."""
        return self._text

    def mentions(self, words: str) -> bool:
        """Whether these words occur in it, in capital or small letters."""
        return words.casefold() in self._text.casefold()

    def behind_last(self, separators: str) -> WireText:
        """The part behind the last of these characters, without spaces around it; empty if there is none."""
        last = max(map(self._text.rfind, separators))
        return WireText(self._text[last + 1 :].strip() if last >= 0 else "", self.is_cut)

    def after_common_words(self, other: WireText) -> WireText:
        """What is left of it without the words and sentences with which both texts begin."""
        pairs = zip(self._text, other._text, strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        begin = max(map(self._text[:same].rfind, " ."))
        return WireText(self._text[begin + 1 :], self.is_cut)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __len__(self) -> int:
        return len(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WireText) and (self._text, self.is_cut) == (other._text, other.is_cut)

    def __hash__(self) -> int:
        return hash((self._text, self.is_cut))

    def __format__(self, spec: str) -> str:
        return f"{BEGIN}{'T' if self.is_cut else 't'}{self._text}{END}" if spec == AS_QUOTATION else str(self)

    def __str__(self) -> str:
        return printable(looks_only().text(self._text, self.is_cut))

    def __repr__(self) -> str:
        return f"<WireText, {len(self._text)} characters>"


class WireBytes:
    """Bytes that came from the wire; in a sentence they stand as hex."""

    __slots__ = ("_raw", "is_cut")

    def __init__(self, raw: bytes, is_cut: bool = False) -> None:
        """``is_cut`` says that there were more."""
        self._raw = raw
        self.is_cut = is_cut

    @property
    def unmasked(self) -> bytes:
        """The bytes as they came, for whoever masks them."""
        return self._raw

    def beginning(self, length: int) -> WireBytes:
        """The first bytes only."""
        return WireBytes(self._raw[:length], True) if length < len(self._raw) else self

    def __bool__(self) -> bool:
        return bool(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __contains__(self, part: bytes) -> bool:
        return part in self._raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WireBytes) and self._raw == other._raw

    def __lt__(self, other: WireBytes) -> bool:
        return self._raw < other._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __format__(self, spec: str) -> str:
        if spec != AS_QUOTATION:
            return str(self)
        return f"{BEGIN}{'B' if self.is_cut else 'b'}{self._raw.decode('latin-1')}{END}"

    def __str__(self) -> str:
        return looks_only().bytes(self._raw, self.is_cut).hex(" ")

    def __repr__(self) -> str:
        return f"<WireBytes, {len(self._raw)} bytes>"


@cache
def _quotation() -> re.Pattern[str]:
    """A quotation in a sentence: text or bytes (as Latin-1); a capital letter says that it was cut off at its end.

    Where a sentence was cut inside a quotation, what is left of it is one all the same.
    """
    return re.compile(f"{BEGIN}([tTbB]?)([^{BEGIN}{END}]*)({END}?)|\\A([^{BEGIN}{END}]*){END}|{END}")


def pieces(sentence: str) -> Iterator[str | WireText | WireBytes]:
    """A sentence taken apart: our own words, and what they quote."""
    at = 0
    for quoted in _quotation().finditer(sentence):
        if at < quoted.start():
            yield sentence[at : quoted.start()]
        kind, content, end, rest = quoted.groups()
        if kind and kind in "bB":
            yield WireBytes(content.encode("latin-1", "replace"), kind == "B" or not end)
        elif content or rest:
            yield WireText(content or rest, kind == "T" or not (end or rest))
        at = quoted.end()
    if at < len(sentence):
        yield sentence[at:]
