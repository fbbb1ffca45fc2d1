"""What a client sent in place of a hello, in words."""

from __future__ import annotations

from ibsniff.model import Conversation


def sent_instead_of_hello(conversation: Conversation) -> str:
    """Say what the client sent, as the second half of a sentence."""
    hello = conversation.dialogue.hello
    return "said nothing" if hello is None else f"sent {len(hello.raw)} bytes that are no hello ({hello.dialect})"
