"""Our sentences and what they quote: masked between the marks, and nowhere else."""

from __future__ import annotations

from functools import cache

from ibsniff.masking.masker import Masker
from ibsniff.model import WireBytes, WireText, pieces
from ibsniff.model.wire_text import BEGIN


class Sentence(str):
    """A sentence of ours that quotes somebody, safe as it stands.

    As a ``str`` it is what anyone may print or log: accounts are masked and what cannot be seen is escaped. ``marked``
    is the sentence with its quotations between marks, for renderers, which know more accounts or may show all.
    """

    __slots__ = ("marked",)
    marked: str

    def __new__(cls, marked: str) -> Sentence:
        """Mask and escape what is quoted."""
        made = super().__new__(cls, "".join(map(_printable, _shown(marked, _anyone()))))
        made.marked = marked
        return made

    def __getnewargs__(self) -> tuple[str]:
        """Another process may get it."""
        return (self.marked,)


def sentence(text: str) -> str:
    """A sentence in which quotations stand between marks, made safe; one that quotes nobody is returned as it is."""
    return Sentence(text) if BEGIN in text else text


def marked(text: str) -> str:
    """A sentence with its quotations between marks, to be shown or to become part of a longer one."""
    return text.marked if isinstance(text, Sentence) else text


def resolved(text: str, masker: Masker | None) -> str:
    """A sentence without marks, with accounts masked in what it quotes; None masks nothing."""
    return "".join(_shown(marked(text), masker)) if isinstance(text, Sentence) or BEGIN in text else text


def _shown(text: str, masker: Masker | None) -> list[str]:
    return [piece if isinstance(piece, str) else quoted(piece, masker) for piece in pieces(text)]


def quoted(piece: WireText | WireBytes, masker: Masker | None) -> str:
    """One quotation as text; bytes as hex."""
    if isinstance(piece, WireText):
        return piece.unmasked if masker is None else masker.text(piece.unmasked, piece.is_cut)
    return (piece.unmasked if masker is None else masker.bytes(piece.unmasked, piece.is_cut)).hex(" ")


@cache
def _anyone() -> Masker:
    """For readers of whom nothing is known: masks what looks like an account."""
    return Masker()


def _printable(text: str) -> str:
    """What cannot be seen, spelled out."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
