"""Commands in our own prose: what stands between backticks is shown as code, to be copied.

Remedies and causes write a command between backticks. Only backticks of ours count: one that the wire sent stands within a
quotation, and can neither open nor close a span. A span that quotes the wire is none, because nobody should copy a command
that somebody else has written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ibsniff.masking.sentence import marked
from ibsniff.masking.wire_text import pieces
from ibsniff.render.text import MAX_LINE_CHARACTERS, Masker

TICK = "`"


class Prose(NamedTuple):
    """A part of a sentence, masked and made visible: words, or a command without its backticks."""

    text: str
    is_code: bool


def prose(sentence: str, masker: Masker, limit: int = MAX_LINE_CHARACTERS) -> tuple[Prose, ...]:
    """A sentence of ours in its parts; one that is longer than ``limit`` is a single part, cut off, without commands."""
    whole = masker.visible_line(sentence, limit)
    if TICK not in whole:
        return (Prose(whole, False),)
    parts = tuple(_visible(_spans(sentence), masker, limit))
    return parts if "".join(map(with_ticks, parts)) == whole else (Prose(whole, False),)


def with_ticks(part: Prose) -> str:
    """A part as it was written."""
    return f"{TICK}{part.text}{TICK}" if part.is_code else part.text


def _visible(spans: list[Prose], masker: Masker, limit: int) -> Iterator[Prose]:
    for span in spans:
        text = masker.visible_line(f"|{span.text}|", limit + 2)[1:-1]  # the bars keep the spaces at its ends
        if text:
            yield Prose(text, span.is_code)


def _spans(sentence: str) -> list[Prose]:
    """Words and commands in turn; quotations of the wire stay marked, and are never part of a command."""
    texts = [""]
    for piece in pieces(marked(sentence)):
        first, *others = piece.split(TICK) if isinstance(piece, str) else (f"{piece:quoted}",)
        texts[-1] += first
        texts += others
    return list(_joined(texts))


def _joined(texts: list[str]) -> Iterator[Prose]:
    """What stands at odd positions is code if its backtick is closed and it quotes nobody."""
    words = ""
    for position, text in enumerate(texts):
        is_inside = position % 2 == 1
        if is_inside and position + 1 < len(texts) and _is_ours(text):
            yield Prose(words, False)
            yield Prose(text, True)
            words = ""
        elif is_inside:
            words += f"{TICK}{text}{TICK if position + 1 < len(texts) else ''}"
        else:
            words += text
    yield Prose(words, False)


def _is_ours(text: str) -> bool:
    return bool(text.strip()) and all(isinstance(piece, str) for piece in pieces(text))
