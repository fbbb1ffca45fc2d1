"""Our sentences, what they quote, and the times in them: masked between the marks, and nowhere else."""

from __future__ import annotations

from ibsniff.clock import UTC_CLOCK, Clock
from ibsniff.masking.invisible import printable
from ibsniff.masking.masker import AccountMasker, looks_only
from ibsniff.masking.times import with_times
from ibsniff.masking.wire_text import BEGIN, WireBytes, WireText, pieces

LOOK_AHEAD = 256
"""Characters searched beyond those that are shown: more than an account has, even if each of them is escaped."""


class Sentence(str):
    """A sentence of ours that quotes somebody or tells a time, safe as it stands.

    As a ``str`` it is what anyone may print or log: accounts are masked, what cannot be seen is escaped, and times are in
    UTC. ``marked`` is the sentence with its quotations and times between marks, for renderers, which know more accounts or
    may show all, and which know the time zone of their reader.
    """

    __slots__ = ("marked",)
    marked: str

    def __new__(cls, marked: str) -> Sentence:
        """Mask and escape what is quoted."""
        shown = "".join(map(printable, _shown(marked, looks_only(), None)))
        made = super().__new__(cls, shown)
        made.marked = marked
        return made

    def __add__(self, other: str) -> Sentence:
        """Go on; what is quoted stays marked."""
        return Sentence(self.marked + marked(other))

    def __getnewargs__(self) -> tuple[str]:
        """Another process may get it."""
        return (self.marked,)


def sentence(text: str) -> str:
    """A sentence in which quotations and times stand between marks, made safe; one without any is returned as it is."""
    return Sentence(text) if BEGIN in text else text


def marked(text: str) -> str:
    """A sentence with its quotations and times between marks, to be shown or to become part of a longer one."""
    return text.marked if isinstance(text, Sentence) else text


def timed(text: str, clock: Clock) -> str:
    """A sentence with its times as this clock shows them; what it quotes stays between marks."""
    return with_times(marked(text), clock)


def safe(text: str) -> str:
    """The text itself; a sentence whose quotations nobody has masked yet with what looks like an account masked."""
    return "".join(_shown(text, looks_only(), None)) if BEGIN in text else text


def resolved(text: str, masker: AccountMasker | None, limit: int | None = None) -> str:
    """A sentence without marks, with times in UTC unless they were `timed` before, and accounts masked in what it quotes; None masks nothing.

    Of a quotation, characters beyond ``limit`` are neither searched nor given, but for their number: nobody shows them.
    """
    text = marked(text)
    return "".join(_shown(text, masker, limit)) if BEGIN in text else text


def quoted(piece: WireText | WireBytes, masker: AccountMasker | None, limit: int | None = None) -> str:
    """One quotation as text; bytes as hex."""
    if isinstance(piece, WireBytes):
        return (piece.unmasked if masker is None else masker.bytes(piece.unmasked, piece.is_cut)).hex(" ")
    text = piece.unmasked
    if masker is None:
        return text
    if limit is None or len(text) <= limit + LOOK_AHEAD:
        return masker.text(text, piece.is_cut)
    searched = masker.text(text[: limit + LOOK_AHEAD], is_cut=True)
    return searched[:limit] + "*" * (len(text) - limit)


def _shown(text: str, masker: AccountMasker | None, limit: int | None) -> list[str]:
    return [
        piece if isinstance(piece, str) else quoted(piece, masker, limit)
        for piece in pieces(with_times(text, UTC_CLOCK))
    ]
