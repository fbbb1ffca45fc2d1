"""Escapes of URLs, JSON, HTML and terminals: what stands there when they are read as they are meant."""

from __future__ import annotations

import re
from itertools import chain

from ibsniff.masking.invisible import FIRST_OF_ESCAPES

ESCAPES = re.compile(
    r"""(?: \x1b | \\{1,4}(?:x1b|u001b|033|e) ) \[ [0-?]{0,16} [\x20-/]{0,2} [@-~]
      | (?P<beyond> (?: %(?:25){0,2}[89A-Fa-f][0-9A-Fa-f] ){1,4} )
      | %(?:25){0,2} (?P<percent> [0-7][0-9A-Fa-f] )
      | \\{1,4} (?: u(?P<unicode> [0-9A-Fa-f]{4} ) | x(?P<byte> [0-9A-Fa-f]{2} ) | (?P<blank> [nrt] ) )
      | & (?: \#(?P<decimal> \d{1,7} ) | \#[xX](?P<hex> [0-9A-Fa-f]{1,6} ) | (?P<entity> [A-Za-z]{2,8} ) ) ;
      | (?P<tags> </?[A-Za-z][^<>]{0,64}> (?: \s{0,8} </?[A-Za-z][^<>]{0,64}> ){0,7} )
      | (?: % [0-7]? | \\ u? [0-9A-Fa-f]{0,3} | \\ x [0-9A-Fa-f]? | & \#? [0-9A-Za-z]{0,8} | \x1b \[? [0-?]{0,16}
          | </?[A-Za-z]{0,10} (?: \s [^<>%&\\]{0,54} )? ) \Z""",
    re.VERBOSE,
)
"""Control sequences of terminals (ECMA-48 5.4), percent signs of URLs, escapes of JSON and of programming languages, HTML's
character references and tags; one that was cut off at the end. URLs and JSON may lie in others: then ``%`` is written
``%25`` there, and a backslash twice."""

SEPARATOR, NOTHING = "|", ""
"""What stands for a sign that has no ASCII form here, and for one that is not seen."""

BASES = {"percent": 16, "unicode": 16, "byte": 16, "hex": 16, "decimal": 10}


def without_escapes(plain: str) -> tuple[str, list[int]] | None:
    """A text with its escapes read, and where in it each character stood and the last one ended; None if it has none."""
    found = list(ESCAPES.finditer(plain)) if any(sign in plain for sign in FIRST_OF_ESCAPES) else []
    if not found:
        return None
    read: list[str] = []
    places: list[range | tuple[int, ...]] = []
    at = 0
    for escape in found:
        meant = _meaning(escape)
        read += plain[at : escape.start()], meant
        places += range(at, escape.start()), (escape.start(),) * len(meant)
        at = escape.end()
    return "".join((*read, plain[at:])), list(chain(*places, range(at, len(plain) + 1)))


def _meaning(escape: re.Match[str]) -> str:
    kind = escape.lastgroup
    if kind in BASES:
        character = chr(min(int(escape[kind], BASES[kind]), 0x10FFFF))
        return character if character.isascii() else SEPARATOR
    return " " if kind == "blank" else NOTHING if kind is None else SEPARATOR
