"""Whether the program that listens can be blamed for a silence."""

from __future__ import annotations

from collections.abc import Iterable

from ibsniff.facts.opening import hello_acknowledged
from ibsniff.facts.timing import waited_long_enough
from ibsniff.model import Conversation, Outcome


def silent_to_valid_hello(conversation: Conversation) -> bool:
    """Tell whether a valid hello arrived, the client waited long enough, and nothing came back."""
    hello = conversation.dialogue.hello
    if conversation.outcome is not Outcome.SILENT or hello is None or not hello.is_valid:
        return False
    if conversation.connection.from_client.zero_windows:  # no answer may be sent into a zero window
        return False
    return waited_long_enough(conversation) and hello_acknowledged(conversation)


def latest_silent(conversations: Iterable[Conversation]) -> Iterable[Conversation]:
    """The last unanswered conversation of each client address: thousands may come from few addresses."""
    silent = (one for one in conversations if silent_to_valid_hello(one))
    return {one.connection.client.address: one for one in silent}.values()
