"""The bytes of one conversation as text or in hex; each packet is marked with its direction and number.

Account numbers are masked across packets, because a client that writes byte by byte sends one letter in each. So chunks
are buffered until the bytes that follow them are known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from ibsniff.model import Side
from ibsniff.model.streams import Chunk
from ibsniff.render.text import MAX_ACCOUNT_LENGTH, mask_accounts, visible

WINDOW = 1 << 20
"""Bytes buffered: an account number is found if its letters lie within half of them, counting both directions."""
CHUNK_COST = 200
"""What a chunk costs besides its bytes, so that the window limits the memory for one-byte chunks, too."""
MAX_ESCAPE_LENGTH = len("\\xff")
"""The longest escape of one byte."""
ROW = 16
"""Bytes in a row of a hex dump."""
ARROWS = {Side.CLIENT: "→", Side.SERVER: "←"}


def as_text(chunks: Iterable[Chunk]) -> Iterator[str]:
    """Lines of text: unprintable characters are escaped, and a line feed begins a new, indented line."""
    for chunk in chunks:
        if chunk.missing:
            yield missing(chunk)
            continue
        mark = f"{ARROWS[chunk.side]} #{chunk.packet}  "
        for line in chunk.data.splitlines(keepends=True):
            yield mark + visible(line, limit=len(line) * MAX_ESCAPE_LENGTH)
            mark = " " * len(mark)


def as_hex(chunks: Iterable[Chunk]) -> Iterator[str]:
    """Rows of hex and ASCII after their offset in the stream of the direction."""
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
    """The line for a gap; it begins differently from the line of a packet."""
    return f"{ARROWS[chunk.side]} {chunk.missing} bytes from offset {chunk.offset} on were not captured"


def masked(chunks: Iterable[Chunk], accounts: Callable[[], Collection[str]]) -> Iterator[Chunk]:
    """The chunks with account numbers as stars, every byte in its position.

    ``accounts`` returns the accounts that the conversation has named so far, which need not have the form of an account
    number.
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
                before[old.side] = (before[old.side] + old.data)[-MAX_ACCOUNT_LENGTH:]
                size -= len(old.data) + CHUNK_COST
            del held[:done]
    yield from _mask(held, before, accounts())


def _mask(held: list[Chunk], before: dict[Side, bytes], accounts: Collection[str]) -> list[Chunk]:
    """Mask each direction as one piece, beginning with the bytes that came ``before``."""
    encoded = {account.encode("utf-8", "surrogatepass").decode("latin-1") for account in accounts}
    text, position = {}, {}
    for side in Side:
        whole = before[side] + b"".join(chunk.data for chunk in held if chunk.side is side)
        text[side] = mask_accounts(whole.decode("latin-1"), encoded).encode("latin-1")
        position[side] = len(before[side])
    done = []
    for chunk in held:
        start, end = position[chunk.side], position[chunk.side] + len(chunk.data)
        done.append(chunk._replace(data=text[chunk.side][start:end]))
        position[chunk.side] = end
    return done
