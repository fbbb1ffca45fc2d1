"""What one side sent, as parts of a sentence."""

from __future__ import annotations

from ibsniff.model import Conversation


def sent_instead_of_hello(conversation: Conversation) -> str:
    """What the client sent, as the second half of a sentence."""
    hello = conversation.dialogue.hello
    return "sent nothing" if hello is None else f"sent {len(hello.raw)} bytes that are not a hello ({hello.dialect})"
