"""Bytes of a conversation as a sentence shows them."""

from __future__ import annotations

SHOWN_BYTES = 40
"""How many bytes of a wrong hello a sentence shows; the evidence shows more."""


def in_hex(raw: bytes) -> str:
    """Bytes as hex; digits that may be part of an account number are not shown.

    A hello contains an account number only in its options, which follow a space.
    """
    options = raw.find(b" ", 8) + 1 if raw.startswith(b"API\0") else 0  # a space in the length field does not count
    if options:
        raw = raw[:options] + b"*" * len(raw[options:])
    shown = raw[:SHOWN_BYTES].hex(" ")
    return f"{shown} ..." if len(raw) > SHOWN_BYTES else shown
