"""One conversation's bytes for the eye: as text or in hex, each packet's marked with who sent it and its number.

Account numbers are masked across packets: a client that writes byte by byte sends one letter in each. So chunks wait in
a window until what follows them is known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from ibsniff.model import Chunk, Side
from ibsniff.render.text import LONGEST_ACCOUNT, mask_accounts, visible

WINDOW = 1 << 20
"""Bytes that wait: an account number is found when its letters lie within half of it, both directions counted."""
CHUNK_COST = 200
"""What a chunk costs beside its bytes, so that the window bounds memory for one-byte chunks too."""
LONGEST_ESCAPE = len("\\xff")
"""Of one byte."""
ROW = 16
"""Bytes in a row of hex."""
ARROWS = {Side.CLIENT: "→", Side.SERVER: "←"}


def as_text(chunks: Iterable[Chunk]) -> Iterator[str]:
    """Lines of text: what cannot be seen is escaped, and after a line feed a new line begins, indented."""
    for chunk in chunks:
        if chunk.missing:
            yield missing(chunk)
            continue
        mark = f"{ARROWS[chunk.side]} #{chunk.packet}  "
        for line in chunk.data.splitlines(keepends=True):
            yield mark + visible(line, limit=len(line) * LONGEST_ESCAPE)
            mark = " " * len(mark)


def as_hex(chunks: Iterable[Chunk]) -> Iterator[str]:
    """Rows of hex and ASCII behind their offset in the direction's stream."""
    for chunk in chunks:
        if chunk.missing:
            yield missing(chunk)
            continue
        yield f"{ARROWS[chunk.side]} #{chunk.packet}  {len(chunk.data)} bytes"
        for start in range(0, len(chunk.data), ROW):
            row = chunk.data[start : start + ROW]
            letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
            yield f"  {chunk.offset + start:08x}  {row.hex(' '):<{3 * ROW - 1}}  {letters}"


def missing(chunk: Chunk) -> str:
    """The line for a gap; no packet's line begins like it."""
    return f"{ARROWS[chunk.side]} {chunk.missing} bytes from offset {chunk.offset} on were not captured"


def masked(chunks: Iterable[Chunk], accounts: Callable[[], Collection[str]]) -> Iterator[Chunk]:
    """The chunks with account numbers as stars, every byte in its place.

    ``accounts`` tells those the conversation has named so far, which need not look like account numbers.
    """
    before = dict.fromkeys(Side, b"")
    held: list[Chunk] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk.data) + CHUNK_COST
        if size > WINDOW:
            done = max(1, len(held) // 2)
            yield from _mask(held, before, accounts())[:done]
            for old in held[:done]:
                before[old.side] = (before[old.side] + old.data)[-LONGEST_ACCOUNT:]
                size -= len(old.data) + CHUNK_COST
            del held[:done]
    yield from _mask(held, before, accounts())


def _mask(held: list[Chunk], before: dict[Side, bytes], accounts: Collection[str]) -> list[Chunk]:
    """Mask each direction as one piece, beginning with what came ``before``."""
    spelled = {account.encode("utf-8", "surrogatepass").decode("latin-1") for account in accounts}
    text, at = {}, {}
    for side in Side:
        whole = before[side] + b"".join(chunk.data for chunk in held if chunk.side is side)
        text[side] = mask_accounts(whole.decode("latin-1"), spelled).encode("latin-1")
        at[side] = len(before[side])
    done = []
    for chunk in held:
        start, end = at[chunk.side], at[chunk.side] + len(chunk.data)
        done.append(chunk._replace(data=text[chunk.side][start:end]))
        at[chunk.side] = end
    return done
