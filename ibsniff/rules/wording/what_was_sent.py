"""How long a server was silent, and what a client sent in place of a hello, in words."""

from __future__ import annotations

from ibsniff.facts.timing import client_finished
from ibsniff.formatting import duration, elapsed, seconds
from ibsniff.model import Conversation, Side


def silence(conversation: Conversation) -> str:
    """Say how long the server was silent, and how it is known."""
    connection, began = conversation.connection, client_finished(conversation)
    ended = connection.ended
    if ended is not None:
        who = "client" if ended.by is Side.CLIENT else "server"
        if ended.moment.packet < began.packet:  # what came after the end was not waited for
            began = connection.established or connection.first
        return f"{elapsed(began, ended.moment)}, until the {who} closed"
    watched = seconds(conversation.watched_until_ns - began.time_ns)
    return f"{duration(watched)}, as long as was watched"


def sent_instead_of_hello(conversation: Conversation) -> str:
    """Say what the client sent, as the second half of a sentence."""
    hello = conversation.dialogue.hello
    return "said nothing" if hello is None else f"sent {len(hello.raw)} bytes that are no hello ({hello.dialect})"
