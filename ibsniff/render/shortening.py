"""Names and sentences made shorter so that they still say what matters: names stay different, sentences end where one ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

SEPARATORS = re.compile(r"(?<=[/\\])")
"""Behind these a path can be taken apart."""

SENTENCE_END = re.compile(r"[.!?](?= )")
CLAUSE_END = re.compile(r"[,;:](?= )| (?=\()| (?=and |but |which |because |since )")
"""In front of a clause that can be left out."""

LEAST_CLAUSE = 0.6
"""A clause that fills less than this share of the room says too little."""

SHARES_OF_HEAD = (0.5, 0.0, 0.7, 0.3, 1.0)
"""How much of a name that is too long is kept at its beginning; the first share that keeps the names different is taken."""


class ShortNames(NamedTuple):
    """The folder that all names have in common, and the names without it."""

    folder: str
    """Empty if there is none; otherwise it ends with its separator."""
    names: list[str]


def short_names(paths: Sequence[str], longest: int) -> ShortNames:
    """Leave out what paths have in common, and what is still too long in their middle."""
    folder = _common_folder(paths)
    names = [path[len(folder) :] for path in paths]
    folders = ["".join(SEPARATORS.split(name)[:-1]) for name in names]
    if all(folders) and 1 < len(set(folders)) == len(names):
        names = folders  # as "case-7/capture.pcap" among others of that kind
    if max(map(len, names), default=0) > longest:
        names = _cropped(names, longest)
    return ShortNames(folder, names)


def _common_folder(paths: Sequence[str]) -> str:
    if len(paths) < 2:
        return ""
    first, last = min(paths), max(paths)  # what these two share, all share
    common = ""
    for one, other in zip(SEPARATORS.split(first)[:-1], SEPARATORS.split(last)[:-1], strict=False):
        if one != other:
            break
        common += one
    return common


def _cropped(names: list[str], longest: int) -> list[str]:
    cropped: list[str] = []
    for share in SHARES_OF_HEAD:
        head = int((longest - 1) * share)
        cropped = [_without_middle(name, head, longest) for name in names]
        if len(set(cropped)) == len(set(names)):
            return cropped
    first, last = min(names), max(names)
    same = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)
    around = [f"…{name[same : same + longest - 2]}…"[:longest] if len(name) > longest else name for name in names]
    return max(cropped, around, key=lambda shown: len(set(shown)))


def _without_middle(name: str, head: int, longest: int) -> str:
    if len(name) <= longest:
        return name
    tail = longest - 1 - head
    return f"{name[:head]}…{name[len(name) - tail :]}"


def shortened(sentences: str, longest: int) -> str:
    """As many whole sentences as there is room for; or else whole clauses, or else whole words, with a sign that more follows."""
    if len(sentences) <= longest:
        return sentences
    ends = [end.end() for end in SENTENCE_END.finditer(sentences) if end.end() <= longest]
    if ends:
        return sentences[: ends[-1]]
    room = max(longest - len(" …"), 0)
    clauses = [end.start() for end in CLAUSE_END.finditer(sentences) if room * LEAST_CLAUSE <= end.start() <= room]
    whole = [at for at in clauses if sentences.count("(", 0, at) == sentences.count(")", 0, at)]
    cut = whole[-1] if whole else sentences.rfind(" ", 0, room + 1)
    return f"{sentences[:cut].rstrip(' ,;:')} …" if cut > 0 else f"{sentences[:room]} …"[:longest]
