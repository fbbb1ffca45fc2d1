"""One way to test every reader of bytes, as h11 tests its own: fed whole, byte by byte, and with junk after the message.

A reader is tested through a function that feeds it some chunks and returns what it found and the bytes it left unread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

Found = TypeVar("Found")
Read = Callable[[Sequence[bytes]], tuple[Found, bytes]]

JUNK = (b"\0", b"x", b"9", b"\xff" * 9, b"junk\0junk", b"\0\0\0\x05hello", b"API\0\0\0\0\x09v100..187")
"""What may follow a message: NULs, digits and text, another frame, another hello."""


def check_reader(
    read: Read[Found],
    raw: bytes,
    expected: Found,
    *,
    is_unfinished: Callable[[Found], bool],
    junk: Iterable[bytes] = JUNK,
) -> None:
    """Check that a reader finds ``expected`` in ``raw``, not a byte too early, and leaves what follows untouched.

    ``is_unfinished`` tells what the reader may find as long as the last byte has not come.
    """
    assert read([raw]) == (expected, b""), "fed whole"
    single_bytes = [raw[index : index + 1] for index in range(len(raw))]
    assert read(single_bytes) == (expected, b""), "fed byte by byte"
    for end in range(1, len(raw)):
        for chunks in ([raw[:end]], single_bytes[:end]):
            found, _ = read(chunks)
            assert is_unfinished(found), f"found {found} in {end} of {len(raw)} bytes"
    for rest in junk:
        assert read([raw + rest]) == (expected, rest), f"with {rest!r} after it in the same chunk"
        assert read([*single_bytes[:-1], raw[-1:] + rest]) == (expected, rest), f"with {rest!r} after its last byte"
        assert read([raw, rest]) == (expected, rest), f"with {rest!r} after it in another chunk"
