"""Bytes of a conversation as a sentence shows them."""

from __future__ import annotations

from ibsniff.model import WireBytes

SHOWN_BYTES = 40
"""How many bytes of a wrong hello a sentence shows; the evidence shows more."""


def in_hex(raw: WireBytes) -> str:
    """Bytes as hex, quoted: whoever shows the sentence masks the account numbers in them."""
    shown = f"{raw.beginning(SHOWN_BYTES):quoted}"
    return f"{shown} ..." if len(raw) > SHOWN_BYTES else shown
