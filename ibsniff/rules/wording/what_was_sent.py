"""What one side sent, as parts of a sentence."""

from __future__ import annotations

from ibsniff.model import Conversation, WireBytes

SHOWN_BYTES = 40
"""How many bytes of a wrong hello a sentence shows; the evidence shows more."""


def in_hex(raw: WireBytes) -> str:
    """Bytes as hex, quoted: whoever shows the sentence masks the account numbers in them."""
    shown = f"{raw.beginning(SHOWN_BYTES):quoted}"
    return f"{shown} ..." if len(raw) > SHOWN_BYTES else shown


def sent_instead_of_hello(conversation: Conversation) -> str:
    """What the client sent, as the second half of a sentence."""
    hello = conversation.dialogue.hello
    return "sent nothing" if hello is None else f"sent {len(hello.raw)} bytes that are not a hello ({hello.dialect})"
